"""Input of the pages of a gate. Shape only: what is allowed, the services decide."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from governance.forms.scopes import ScopeField
from governance.models import Signoff
from lifecycle.forms.second_factors import code_field
from lifecycle.models import ModelVersion, Phase

OUTCOMES = (
    ("iterate", _("The work goes back")),
    ("hold", _("The phase is put on hold")),
    ("stop", _("The phase is stopped")),
)


class OpenGateForm(forms.Form):
    """What is asked for: which model version, where, for whom."""

    model_version = forms.ModelChoiceField(
        ModelVersion.objects.none(), label=_("Model version"), required=False, empty_label=_("none")
    )
    environment = forms.CharField(label=_("Environment"), max_length=60, required=False)
    scope = ScopeField(required=False)

    def __init__(self, *args: Any, versions: Iterable[ModelVersion], authorizes: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["model_version"]
        assert isinstance(field, forms.ModelChoiceField)  # declared above
        field.queryset = versions  # type: ignore[assignment]
        field.required = authorizes
        exactly, candidate = _("Passing it authorizes exactly this file."), _("The candidate, if any.")
        field.help_text = exactly if authorizes else candidate
        self.fields["environment"].required = authorizes
        self.fields["environment"].help_text = _("Such as production.")


class SignForm(forms.Form):
    """An electronic signature. The password is never sent back to the page."""

    digest = forms.CharField(max_length=64, widget=forms.HiddenInput)
    decision = forms.ChoiceField(
        label=_("My decision"), choices=Signoff.Decision.choices, widget=forms.RadioSelect
    )
    meaning = forms.ChoiceField(label=_("My signature means"), choices=Signoff.Meaning.choices)
    comment = forms.CharField(label=_("Reason"), required=False, widget=forms.Textarea)
    outcome = forms.ChoiceField(label=_("If rejected"), choices=OUTCOMES, required=False)
    target_phase = forms.ChoiceField(label=_("If it goes back, the work goes on in"), required=False)
    password = forms.CharField(
        label=_("Your password, again"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    code = code_field()
    credential = forms.JSONField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, phases: Iterable[Phase], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _fill_phases(self.fields["target_phase"], phases)

    def clean_outcome(self) -> str:
        """Without a choice the work goes back."""
        return _outcome(self)


class RefuseForm(forms.Form):
    """Sending the work back without a signature."""

    prefix = "refuse"
    reason = forms.CharField(label=_("Why"), widget=forms.Textarea)
    outcome = forms.ChoiceField(label=_("What comes of it"), choices=OUTCOMES, required=False)
    target_phase = forms.ChoiceField(label=_("The work goes on in"), required=False)

    def __init__(self, *args: Any, phases: Iterable[Phase], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _fill_phases(self.fields["target_phase"], phases)

    def clean_outcome(self) -> str:
        """Without a choice the work goes back."""
        return _outcome(self)


def _outcome(form: forms.Form) -> str:
    """What was chosen; without a choice the work goes back."""
    return form.cleaned_data.get("outcome") or "iterate"


class ReasonForm(forms.Form):
    """A reason, and nothing else."""

    reason = forms.CharField(label=_("Why"), widget=forms.Textarea)


def _fill_phases(field: forms.Field, phases: Iterable[Phase]) -> None:
    assert isinstance(field, forms.ChoiceField)  # declared in the forms above
    field.choices = [(phase.key, str(phase)) for phase in phases]
    field.initial = field.choices[-1][0] if field.choices else ""
