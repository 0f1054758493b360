"""What people fill in to lock a test set. Shape only."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _


class TestSetForm(forms.Form):
    """Which rows, and how often they may be looked at."""

    __test__ = False
    catch_all: ClassVar[str] = "uri"

    name = forms.SlugField(label=_("Name"), max_length=60, help_text=_("The same name: the next version."))
    uri = forms.CharField(
        label=_("File"), max_length=1024, help_text=_("A path below the folder that data is read from.")
    )
    format = forms.ChoiceField(label=_("Format"), choices=[("csv", "CSV"), ("parquet", "Parquet")])
    where = forms.CharField(
        label=_("Rows"),
        required=False,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 2, "class": "mono", "spellcheck": "false"}),
        help_text=_(
            'All rows if left empty, else such as [{"column": "country", "op": "==", "value": "US"}].'
        ),
    )
    max_uses = forms.IntegerField(
        label=_("How often it may be used"), min_value=1, max_value=1000, initial=5,
        help_text=_("Each look lets a little of it leak into the next decision."),
    )  # fmt: skip

    def clean_where(self) -> list[Any]:
        """The conditions; what they may hold is judged by the service."""
        text = self.cleaned_data["where"].strip()
        if not text:
            return []
        try:
            found = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise forms.ValidationError(_("This is not JSON.")) from error
        if not isinstance(found, list):
            raise forms.ValidationError(_("This is a list of conditions."))
        return found
