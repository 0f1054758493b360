"""What people fill in about a project's stack, and the name of a view to keep."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from lifecycle.definitions.stack import CanvasBlock, MaturityScale
from lifecycle.forms.fields import RecordField
from lifecycle.models import ScoreMark, User

_MOST = 10_000


def _area(label: Any, *, rows: int = 3, required: bool = False, hint: Any = "") -> forms.CharField:
    return forms.CharField(
        label=label, max_length=_MOST, required=required, help_text=hint, strip=True,
        widget=forms.Textarea(attrs={"rows": rows}),
    )  # fmt: skip


def _link() -> forms.CharField:
    return forms.CharField(
        label=_("Link"), max_length=500, required=False, help_text=_("Begins with http:// or https://"),
        widget=forms.TextInput(attrs={"inputmode": "url"}),
    )  # fmt: skip


class ComponentForm(forms.Form):
    """A component of the stack."""

    requirements = _area(_("Requirements"), hint=_("What it must be able to do. First this, then the tool."))
    tool = forms.CharField(label=_("Tool"), max_length=200, required=False)
    link = _link()
    note = _area(_("Note"))

    def __init__(self, *args: Any, people: Sequence[User] = (), **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["owner"] = RecordField(people, label=_("Owner"), required=False)
        self.order_fields(["requirements", "tool", "owner", "link", "note"])


class CanvasForm(forms.Form):
    """A block of the canvas: one text for each of its questions."""

    def __init__(self, *args: Any, block: CanvasBlock, **options: Any) -> None:
        super().__init__(*args, **options)
        for each in block.questions:
            self.fields[each.key] = _area(each.label, hint=each.asks)


class MaturityForm(forms.Form):
    """The level of a project on a scale, and why."""

    reason = _area(_("Reason"), required=True)

    def __init__(self, *args: Any, scale: MaturityScale, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["level"] = forms.TypedChoiceField(
            label=_("Level"), coerce=int, choices=[(n, step.name) for n, step in enumerate(scale.levels)]
        )
        self.order_fields(["level", "reason"])


class ScoreForm(forms.Form):
    """What a person says of an item of the test score."""

    value = forms.ChoiceField(label=_("What holds"), choices=ScoreMark.Value.choices)
    reason = _area(_("Reason"), required=True, hint=_("What was done, and where the result stands."))
    link = _link()


class ViewForm(forms.Form):
    """A view to keep."""

    name = forms.CharField(label=_("Name of the view"), max_length=100)
    page = forms.CharField(max_length=200, widget=forms.HiddenInput)
    query = forms.CharField(max_length=1000, required=False, widget=forms.HiddenInput)
