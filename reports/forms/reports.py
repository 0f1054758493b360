"""What a reader may ask for."""

from datetime import UTC, datetime

from django import forms
from django.utils.translation import gettext_lazy as _


class ReportForm(forms.Form):
    """A lifecycle report, of now or as of an earlier moment."""

    as_of = forms.DateTimeField(
        label=_("As of, UTC"),
        required=False,
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d"],
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
        help_text=_("Leave it empty for now."),
        error_messages={"invalid": _("Write a day and a time, such as 2026-11-20 18:00.")},
    )

    def clean_as_of(self) -> datetime | None:
        """The moment in UTC, whatever zone the site shows."""
        given: datetime | None = self.cleaned_data["as_of"]
        return given.replace(tzinfo=UTC) if given else None
