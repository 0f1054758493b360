"""A scope as people write it: a line for each key, values behind the sign of equality."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _


class ScopeField(forms.CharField):
    """`country=US,IT` on a line of its own for each key; the value is `{"country": ["US", "IT"]}`."""

    widget = forms.Textarea

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("label", _("Scope"))
        kwargs.setdefault("help_text", _("A line for each key, such as country=US,IT. Empty: unlimited."))
        super().__init__(**kwargs)

    def to_python(self, value: Any) -> Any:
        """Read the lines. Raises `ValidationError` naming the line that cannot be read."""
        scope: dict[str, list[str]] = {}
        for line in (super().to_python(value) or "").splitlines():
            if not line.strip():
                continue
            key, sign, rest = line.partition("=")
            values = [part.strip() for part in rest.split(",") if part.strip()]
            if not sign or not key.strip() or not values:
                problem = _("“%(line)s” is not a key, the sign = and values, such as country=US,IT.")
                raise forms.ValidationError(problem, code="scope_unreadable", params={"line": line.strip()})
            known = scope.setdefault(key.strip(), [])
            known.extend(each for each in values if each not in known)
        return scope
