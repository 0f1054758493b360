"""Input of the pages of models, authorizations, deployments and findings. Shape only."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from governance.forms.scopes import ScopeField
from governance.models import Finding
from lifecycle.models import ModelVersion


class DeploymentForm(forms.Form):
    """What was put where. Without an authorization it takes a reason, and a finding is opened."""

    model_version = forms.ModelChoiceField(ModelVersion.objects.none(), label=_("Model version"))
    environment = forms.CharField(label=_("Environment"), max_length=60, help_text=_("Such as production."))
    scope = ScopeField(required=False, help_text=_("A line for each key. Empty: all that is authorized."))
    break_glass_reason = forms.CharField(
        label=_("Reason to deploy without an authorization"),
        required=False,
        widget=forms.Textarea,
        help_text=_("Only a manager can, in an emergency. It opens a finding of high severity."),
    )

    def __init__(self, *args: Any, versions: Iterable[ModelVersion], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["model_version"]
        assert isinstance(field, forms.ModelChoiceField)  # declared above
        field.queryset = versions  # type: ignore[assignment]


class FindingForm(forms.Form):
    """Something that must be put right."""

    title = forms.CharField(label=_("What must be put right"), max_length=300)
    severity = forms.ChoiceField(label=_("Severity"), choices=Finding.Severity.choices, initial="medium")
    detail = forms.CharField(label=_("Details"), required=False, widget=forms.Textarea)


class SettlementForm(forms.Form):
    """How it was put right."""

    settlement = forms.CharField(label=_("How it was put right"), widget=forms.Textarea)
