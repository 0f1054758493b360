"""What is filled in about second factors."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

_CODE = {
    "autocomplete": "one-time-code",
    "inputmode": "numeric",
    "autocapitalize": "off",
    "spellcheck": "false",
}


def code_field(**given: Any) -> forms.CharField:
    """A code of an authenticator app, or a recovery code."""
    options: dict[str, Any] = {
        "label": _("Code of your second factor"), "max_length": 40, "required": False,
        "widget": forms.TextInput(attrs=_CODE),
        "help_text": _("Six digits of your authenticator app, or a recovery code."),
    }  # fmt: skip
    return forms.CharField(**(options | given))


class CodeForm(forms.Form):
    """The second factor at log-in: a code, or the answer of a security key."""

    code = code_field()
    credential = forms.JSONField(required=False, widget=forms.HiddenInput)


class ProofForm(forms.Form):
    """Who changes what protects their account shows first that it is theirs."""

    password = forms.CharField(
        label=_("Your password, again"), strip=False, max_length=200,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )  # fmt: skip

    def __init__(self, *args: Any, coded: bool = False, **options: Any) -> None:
        super().__init__(*args, **options)
        if coded:
            self.fields["code"] = code_field()


class TotpForm(ProofForm):
    """An authenticator app: a first code shows that it has the secret."""

    first_code = code_field(label=_("Code that the app shows now"), required=True, help_text=_("Six digits."))
    field_order = ["first_code", "password", "code"]


class KeyForm(ProofForm):
    """A security key or passkey."""

    name = forms.CharField(label=_("Name of the key"), max_length=60, initial=_("Security key"))
    credential = forms.JSONField(widget=forms.HiddenInput)
    field_order = ["name", "password", "code"]


class RemoveForm(ProofForm):
    """One's own factor, taken away."""

    factor = forms.IntegerField(widget=forms.HiddenInput)
