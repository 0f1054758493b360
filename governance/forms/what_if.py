"""Input of the page that tries other criteria on past cases. Shape only."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _


class CriterionForm(forms.Form):
    """One criterion of the draft."""

    key = forms.SlugField(label=_("Key"), max_length=60)
    expression = forms.CharField(
        label=_("Expression (CEL)"),
        max_length=2000,
        widget=forms.Textarea(attrs={"class": "code", "rows": "2"}),
    )
    blocking = forms.BooleanField(label=_("Blocks the gate"), required=False, initial=True)


CriterionSet = forms.formset_factory(
    CriterionForm, extra=1, max_num=40, validate_max=True, absolute_max=60, can_delete=True
)
