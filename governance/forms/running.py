"""Input of the pages about what runs. Shape only."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from governance.forms.scopes import ScopeField
from governance.queries.pages_running import connectors_there
from lifecycle.models import Connector


class _PlaceForm(forms.Form):
    environment = forms.CharField(label=_("Environment"), max_length=60, help_text=_("Such as production."))
    scope = ScopeField(required=False)


class AliasForm(_PlaceForm):
    """What an alias stands for; an administrator may also have it set."""

    connector = forms.ModelChoiceField(Connector.objects.none(), label=_("Tracker"))
    model = forms.CharField(
        label=_("Registered model"), max_length=256, help_text=_("* and ? stand for others.")
    )
    alias = forms.CharField(label=_("Alias"), max_length=255, help_text=_("Such as champion."))
    field_order = ("connector", "model", "alias", "environment", "scope")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["connector"]
        assert isinstance(field, forms.ModelChoiceField)  # declared above
        field.queryset = connectors_there()


class FilesForm(_PlaceForm):
    """Which files are what runs."""

    path = forms.CharField(
        label=_("Path"), max_length=2000,
        help_text=_("A file or folder below GATEBOOK_MODEL_ROOTS, or s3://bucket/path."),
    )  # fmt: skip
    field_order = ("path", "environment", "scope")
