"""What people fill in to report an event; one form a kind."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from lifecycle.services.event_shapes import CHANGES, SEVERITIES

_CHANGE_WORDS = dict(
    zip(
        CHANGES,
        (
            _("A source of data"), _("A dependency, such as an interface that is used"),
            _("The platform: operating system, library, device"), _("Code of application or pipeline"),
            _("The model's specification"), _("Criteria or goals"),
        ),
        strict=True,
    )
)  # fmt: skip
_SEVERITY_WORDS = dict(
    zip(
        SEVERITIES,
        (
            _("Low: noticed, no harm"),
            _("Medium: a nuisance"),
            _("High: harm is near"),
            _("Critical: harm is done"),
        ),
        strict=True,
    )
)  # fmt: skip


class ReportForm(forms.Form):
    """What all reports hold. `event` is what the service takes."""

    kind = ""
    verb: Any = ""
    summary = forms.CharField(
        label=_("What happened"), max_length=500, help_text=_("in one sentence, as others will read it")
    )
    link = forms.CharField(
        label=_("Where more stands"), max_length=600, required=False, help_text=_("ticket, page or file")
    )

    @property
    def event(self) -> dict[str, Any]:
        """What was filled in, as the event's keys."""
        return {name: value for name, value in self.cleaned_data.items() if value not in (None, "")}


class IncidentForm(ReportForm):
    kind, verb = "incident", _("Report the incident")
    severity = forms.ChoiceField(
        label=_("How bad it is"), choices=[("", _("choose")), *_SEVERITY_WORDS.items()]
    )
    security = forms.BooleanField(
        label=_("Signs of an attack, a stolen key or poisoned data"), required=False
    )
    field_order = ("severity", "summary", "security", "link")


class ChangeForm(ReportForm):
    kind, verb = "change", _("Report the change")
    change = forms.ChoiceField(label=_("What changes"), choices=[("", _("choose")), *_CHANGE_WORDS.items()])
    what = forms.CharField(label=_("Its name and version"), max_length=300, required=False)
    training_code = forms.BooleanField(label=_("Code that trains the model is changed too"), required=False)
    field_order = ("change", "what", "summary", "training_code", "link")


class RegulationForm(ReportForm):
    kind, verb = "regulation", _("Report the change of rules")
    rule = forms.CharField(
        label=_("Law, guideline or policy"),
        max_length=300,
        required=False,
        help_text=_("its name and article"),
    )
    rows_to_remove = forms.IntegerField(
        label=_("Rows of data to remove"), min_value=0, required=False,
        help_text=_("where a consent or a licence has ended"),
    )  # fmt: skip
    field_order = ("rule", "summary", "rows_to_remove", "link")


class NewDataForm(ReportForm):
    kind, verb = "new_data", _("Report new data")
    rows_new = forms.IntegerField(label=_("New rows"), min_value=0)
    dataset = forms.CharField(label=_("Data set"), max_length=300, required=False)
    verified = forms.BooleanField(label=_("It was checked, and the check passed"), required=False)
    field_order = ("rows_new", "dataset", "summary", "verified", "link")


FORMS: dict[str, type[ReportForm]] = {
    form.kind: form for form in (IncidentForm, ChangeForm, RegulationForm, NewDataForm)
}
