"""What a reader may ask for."""

from datetime import UTC, datetime

from django import forms
from django.utils.translation import gettext_lazy as _

from reports.models import Report


class ReportForm(forms.Form):
    """A report of a kind, of now or as of an earlier moment."""

    kind = forms.ChoiceField(
        label=_("Kind"),
        choices=[each for each in Report.Kind.choices if each[0] != Report.Kind.PORTFOLIO],
        initial=Report.Kind.LIFECYCLE,
        required=False,
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

    def clean_kind(self) -> str:
        """The lifecycle report, if none is named."""
        return str(self.cleaned_data["kind"] or Report.Kind.LIFECYCLE)

    def clean_as_of(self) -> datetime | None:
        """The moment in UTC, whatever zone the site shows."""
        given: datetime | None = self.cleaned_data["as_of"]
        return given.replace(tzinfo=UTC) if given else None
