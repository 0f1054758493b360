"""What a reader may ask for."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from reports.models import Report
from reports.queries.choices import OF_A_FRAMEWORK, OF_ALL


class ReportForm(forms.Form):
    """A report of a kind, of now or as of an earlier moment."""

    kind = forms.ChoiceField(
        label=_("Kind"),
        choices=[each for each in Report.Kind.choices if each[0] not in OF_ALL],
        initial=Report.Kind.LIFECYCLE,
        required=False,
    )
    framework = forms.ChoiceField(
        label=_("Framework"),
        required=False,
        help_text=_("For what is about one of them."),
        error_messages={"invalid_choice": _("The project is not measured by this framework.")},
    )
    paper = forms.ChoiceField(
        label=_("Paper"), choices=[("A4", "A4"), ("letter", _("Letter"))], required=False
    )

    as_of = forms.DateTimeField(
        label=_("As of, UTC"),
        required=False,
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d"],
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
        help_text=_("Leave it empty for now."),
        error_messages={"invalid": _("Write a day and a time, such as 2026-11-20 18:00.")},
    )

    def __init__(self, *given: Any, frameworks: Sequence[tuple[str, str]] = (), **named: Any) -> None:
        super().__init__(*given, **named)
        if not frameworks:
            del self.fields["framework"]
            return
        field = self.fields["framework"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", "–"), *frameworks]

    def clean_kind(self) -> str:
        """The lifecycle report, if none is named."""
        return str(self.cleaned_data["kind"] or Report.Kind.LIFECYCLE)

    def clean_as_of(self) -> datetime | None:
        """The moment in UTC, whatever zone the site shows."""
        given: datetime | None = self.cleaned_data["as_of"]
        return given.replace(tzinfo=UTC) if given else None

    @property
    def options(self) -> dict[str, str]:
        """What the kind that was chosen is made of."""
        given = self.cleaned_data
        chosen = {"paper": given["paper"]}
        if given["kind"] in OF_A_FRAMEWORK:
            chosen["framework"] = given.get("framework", "")
        return chosen
