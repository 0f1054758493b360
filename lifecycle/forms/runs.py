"""What people fill in to ask for a run."""

import json
from collections.abc import Sequence
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from lifecycle.forms.fields import RecordField
from lifecycle.models import ModelVersion, Run, Task

KINDS = (Run.Kind.TRAINING, Run.Kind.EVALUATION, Run.Kind.DATA_VALIDATION, Run.Kind.MONITORING)
_LONGEST = 200_000


class RunForm(forms.Form):
    """A run: what kind, for which task, after which specification. What is wrong with it stands at `spec`."""

    catch_all: ClassVar[str] = "spec"

    title = forms.CharField(label=gettext_lazy("Title"), max_length=300)
    spec = forms.CharField(
        label=gettext_lazy("Specification"), max_length=_LONGEST, strip=False,
        widget=forms.Textarea(attrs={"rows": 22, "class": "mono", "spellcheck": "false"}),
        help_text=gettext_lazy("JSON. It is checked before anything runs."),
    )  # fmt: skip

    def __init__(
        self,
        *args: Any,
        tasks: Sequence[Task] = (),
        models: Sequence[ModelVersion] = (),
        model_needed: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(*args, **options)
        self.fields["task"] = RecordField(tasks, label=gettext_lazy("For the task"), required=False)
        if models or model_needed:
            self.fields["model_version"] = RecordField(
                models, label=gettext_lazy("Model version"), required=model_needed, label_of=_model_label
            )
        self.order_fields(["title", "task", "model_version", "spec"])

    def clean_spec(self) -> dict[str, Any]:
        """The specification as data; the line and column where it is no JSON."""
        return json_object(self.cleaned_data["spec"])


def json_object(text: str) -> dict[str, Any]:
    """A JSON object that somebody typed; `ValidationError` with line and column where it is none."""
    try:
        data = json.loads(text, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        place = {"line": error.lineno, "column": error.colno, "why": error.msg}
        raise ValidationError(
            _("Line %(line)d, column %(column)d: this is no JSON (%(why)s).") % place
        ) from error
    except (ValueError, RecursionError) as error:
        raise ValidationError(_("This is no JSON: %s.") % error) from error
    if not isinstance(data, dict):
        raise ValidationError(_("The specification is an object: it begins with {."))
    return data


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _model_label(model: ModelVersion) -> str:
    return _("model %(number)d (%(digest)s)") % {"number": model.number, "digest": model.digest[:12]}
