"""Fields of a process's parts: between what people type and what the document holds."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils.translation import gettext as _

from lifecycle.definitions import ProcessDocument
from lifecycle.definitions.gates import PROJECT_ROLES
from lifecycle.process_parts import Entry, default, needed

_CODES_FIRST = frozenset({"DVR", "TRN", "EVR", "DPR", "MON", "REV", "DOC"})


class TextField(forms.CharField):
    """Several lines; browsers send line ends that the document does not know."""

    def __init__(self, *, rows: int = 3, **options: Any) -> None:
        super().__init__(widget=forms.Textarea(attrs={"rows": rows, "dir": "auto"}), **options)

    def to_python(self, value: Any) -> Any:
        return str(super().to_python(value)).replace("\r\n", "\n").replace("\r", "\n").strip()

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Whether somebody typed something else; what is there is compared as it was shown."""
        return super().has_changed(self.prepare_value(initial) or "", (data or "").replace("\r\n", "\n"))


class LinesField(TextField):
    """A list of words, one a line."""

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list | tuple) else value

    def clean(self, value: Any) -> Any:
        lines = [line.strip() for line in super().clean(value).split("\n")]
        return [line for line in lines if line]


class ParamsField(TextField):
    """Names with values, `share = 0.3`; text that looks like a number stands in quotes."""

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return "\n".join(f"{name} = {_shown(each)}" for name, each in value.items())

    def clean(self, value: Any) -> Any:
        found: dict[str, Any] = {}
        for number, line in enumerate(super().clean(value).split("\n"), 1):
            name, equals, text = line.partition("=")
            name = name.strip()
            if not line.strip():
                continue
            if not equals or name in found:
                text = _("Line %(number)d: write name = value, and each name once.") % {"number": number}
                raise ValidationError(text)
            found[name] = _value(text.strip())
        return found


def params_in(text: str) -> dict[str, Any]:
    """The params that somebody types, as far as they can be read."""
    try:
        return ParamsField(required=False).clean(text) or {}
    except ValidationError:
        return {}


def _value(text: str) -> Any:
    try:
        value = json.loads(text, parse_constant=str)
    except ValueError:
        return text
    return value if isinstance(value, bool | int | float | str) else text


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return value if _value(value) == value and value == value.strip() else json.dumps(value)
    return json.dumps(value)


def field_for(entry: Entry, model: Any, doc: ProcessDocument, phase: str) -> forms.Field:
    """The form field of an entry; the choices come from the document, tasks from the part's own phase."""
    options: dict[str, Any] = {
        "label": entry.label, "required": needed(model, entry.name), "help_text": entry.hint,
        "initial": default(model, entry.name),
    }  # fmt: skip
    if entry.kind == "flag":
        return forms.BooleanField(**options | {"required": False})
    if entry.kind == "number":
        return forms.IntegerField(**options)
    if entry.kind in ("choice", "key", "keys"):
        return _choice(entry, doc, phase, options)
    many = {"text": TextField, "lines": LinesField, "params": ParamsField}
    if entry.kind in many:
        return many[entry.kind](**options)
    if entry.kind in ("gate", "trigger"):
        field = TextField(**options)
        field.widget.attrs |= _asking(entry.kind)
        return field
    return forms.CharField(widget=forms.TextInput(attrs={"dir": "auto", "autocomplete": "off"}), **options)


def _asking(kind: str) -> dict[str, str]:
    """Lets htmx ask while somebody types; the answer goes into the element after the field."""
    return {
        "class": "code", "spellcheck": "false", "dir": "ltr",
        "hx-post": reverse("lifecycle:process-check-expression") + f"?kind={kind}",
        "hx-trigger": "input changed delay:300ms", "hx-params": "*", "hx-sync": "this:replace",
        "hx-target": "next .cel-say",
    }  # fmt: skip


def _choice(entry: Entry, doc: ProcessDocument, phase: str, options: dict[str, Any]) -> forms.Field:
    choices = choices_of(entry.of, doc, phase)
    if entry.kind == "keys":
        return forms.MultipleChoiceField(choices=choices, widget=forms.CheckboxSelectMultiple, **options)
    if options["initial"] is None:
        choices = [("", _("choose") if options["required"] else "–"), *choices]
    return forms.ChoiceField(choices=choices, **options)


def choices_of(of: str | type[StrEnum], doc: ProcessDocument, phase: str = "") -> list[Any]:
    """What an entry may name: members of an enum, or parts of the document with their names."""
    if not isinstance(of, str):
        return [(each.value, _word(each)) for each in of]
    if of == "signers":
        return [*((role, role.capitalize()) for role in PROJECT_ROLES), *_named(doc, "roles")]
    if of == "work":
        return [*_named(doc, "phases"), *_named(doc, "tasks")]
    if of == "openings":
        words = {"phases": _("Phases"), "gates": _("Gates"), "tasks": _("Tasks"), "triggers": _("Triggers")}
        return [(title, _named(doc, part)) for part, title in words.items()]
    return _named(doc, of, phase if of == "tasks" else "")


def _named(doc: ProcessDocument, part: str, phase: str = "") -> list[tuple[str, str]]:
    items = [item for item in getattr(doc, part) if not phase or item.phase == phase]
    keys = [getattr(item, "key", "") or item.code for item in items]
    return [(key, f"{key} {item.name}") for key, item in zip(keys, items, strict=True)]


def _word(each: StrEnum) -> str:
    name = each.name.replace("_", " ").capitalize()
    return f"{name} ({each.value})" if each.value in _CODES_FIRST else name
