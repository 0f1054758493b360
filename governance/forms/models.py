"""Input of the pages of models, authorizations and deployments. Shape only."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from governance.forms.scopes import ScopeField
from lifecycle.models import ModelVersion


class DeploymentForm(forms.Form):
    """What was put where. Without an authorization it takes a reason, and a finding is opened."""

    model_version = forms.ModelChoiceField(ModelVersion.objects.none(), label=_("Model version"))
    environment = forms.CharField(label=_("Environment"), max_length=60, help_text=_("Such as production."))
    scope = ScopeField(required=False, help_text=_("A line for each key. Empty: all that is authorized."))

    def __init__(self, *args: Any, versions: Iterable[ModelVersion], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["model_version"]
        assert isinstance(field, forms.ModelChoiceField)  # declared above
        field.queryset = versions  # type: ignore[assignment]
