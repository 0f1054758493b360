"""The forms of a draft: made from the table of parts, filled from the document, read back into it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from lifecycle.definitions import MAX_BYTES, Problem, ProcessDocument, load_yaml
from lifecycle.errors import Invalid
from lifecycle.forms.process_fields import field_for
from lifecycle.process_parts import KINDS, Entry, PartKind
from lifecycle.services.process_edits import key_field, key_of

_INDEX = re.compile(r"\[\d+\]")
_STEP = re.compile(r"^(\w+)\[(\d+)\]\.?(.*)$")


class _Filled(forms.Form):
    """Fields from entries. `found()` is what they say, nested as the document wants it."""

    def __init__(
        self, *args: Any, entries: tuple[Entry, ...], model: Any, doc: ProcessDocument, phase: str = "",
        **options: Any,
    ) -> None:  # fmt: skip
        super().__init__(*args, **options)
        self.entries = entries
        for entry in entries:
            self.fields[entry.name] = field_for(entry, model, doc, phase)

    def found(self) -> dict[str, Any]:
        """The part as plain data; what is empty and not needed is left out."""
        data: dict[str, Any] = {}
        for entry in self.entries:
            value = self.cleaned_data.get(entry.name)
            if value is None or value == "" or (value == [] and not self.fields[entry.name].required):
                continue
            if entry.kind == "keys":
                value = _in_order(value, self.initial.get(entry.name) or [])
            _put(data, entry.name, value)
        return data


class RowForm(_Filled):
    """One criterion, one piece of evidence."""

    @property
    def said(self) -> str:
        """What the row is about, for the head that it is folded under."""
        named = (self.initial.get(name) for name in ("key", "kind", "words", "asks", "expression"))
        return " · ".join([str(each) for each in named if each][:2])


class PartForm(_Filled):
    """One part of a draft. `item` is the part as it is, None for a new one; `seen` the draft's digest."""

    seen = forms.CharField(widget=forms.HiddenInput)

    def __init__(
        self, kind: PartKind, doc: ProcessDocument, data: Any = None, *, item: Mapping[str, Any] | None,
        seen: str, phase: str = "",
    ) -> None:  # fmt: skip
        self.kind, self.doc, self.item = kind, doc, item
        whole = {entry.name: _get(item, entry.name) for entry in kind.entries} if item else {}
        initial = {name: value for name, value in whole.items() if value is not None} | {"seen": seen}
        if phase and not item:
            initial["phase"] = phase
        here = data.get("phase", "") if data is not None else initial.get("phase", "")
        own = key_field(kind.name)
        entries = tuple(
            each for each in kind.entries if each.kind != "rows" and not (item and each.name == own)
        )
        self.used: dict[str, list[RowForm]] = {}
        super().__init__(
            data, entries=entries, model=kind.model, doc=doc, phase=here, initial=initial,
            use_required_attribute=False,
        )  # fmt: skip
        self.sets = [
            (entry, _rows(entry, doc, data, initial.get(entry.name) or []))
            for entry in kind.entries
            if entry.kind == "rows"
        ]
        if kind.name == "phases" and not item:
            self.fields["first_task"] = forms.CharField(
                label=_("Its first task"), help_text=_("A phase has at least one; say more about it later.")
            )
            self.fields["first_owner"] = forms.ChoiceField(
                label=_("Role that does it"), choices=[(role.code, role.name) for role in doc.roles]
            )

    def is_valid(self) -> bool:
        """Also looks at the rows."""
        return all([super().is_valid(), *(rows.is_valid() for _entry, rows in self.sets)])

    def found(self) -> dict[str, Any]:
        data = super().found()
        self.used = {entry.name: _used(rows) for entry, rows in self.sets}
        for name, rows in self.used.items():
            _put(data, name, [row.found() for row in rows])
        return data

    def first_task(self) -> dict[str, Any]:
        """The task that a new phase begins with, proven by a review until somebody says more."""
        words = self.cleaned_data
        return {
            "key": f"{words['key']}-1", "phase": words["key"], "name": words["first_task"],
            "summary": words["first_task"], "owner": words["first_owner"],
            "proof": {
                "provability": "review", "evidence": [{"kind": "REV", "asks": _("A recorded review.")}],
            },
        }  # fmt: skip

    def take(self, problems: list[Problem], place: str, document: Mapping[str, Any]) -> None:
        """Show each problem at its field; one that lies elsewhere stands above, with its place in words."""
        for problem in problems:
            inside = place and problem.where.startswith(place)
            path = problem.where[len(place) :].lstrip(".") if inside or not place else ""
            if not (path and self._at_field(path, problem.text)):
                self.add_error(None, f"{place_in_words(document, problem.where)}: {problem.text}")

    def _at_field(self, path: str, text: str) -> bool:
        for name, rows in self.used.items():
            if path.startswith(f"{name}["):
                number, _bracket, rest = path[len(name) + 1 :].partition("]")
                return _add(rows[int(number)], rest.lstrip("."), text)
        return _add(self, path, text)


class NewDraftForm(forms.Form):
    """Where a new draft comes from."""

    base = forms.ChoiceField(label=gettext_lazy("Begin with"))
    file = forms.FileField(
        label=gettext_lazy("YAML file"), required=False,
        help_text=gettext_lazy("Only if you begin with a file; at most 1 MiB."),
        widget=forms.ClearableFileInput(attrs={"accept": ".yaml,.yml"}),
    )  # fmt: skip
    key = forms.CharField(
        label=gettext_lazy("Key of the new process"), required=False, max_length=60,
        help_text=gettext_lazy("Leave it empty to draft the next version of the same process."),
    )  # fmt: skip
    name = forms.CharField(label=gettext_lazy("Name of the new process"), required=False)

    def __init__(self, *args: Any, bases: list[tuple[str, str]], **options: Any) -> None:
        super().__init__(*args, **options)
        field = self.fields["base"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = bases

    def clean(self) -> dict[str, Any]:
        """Reads the file; every problem in it stands at the field with its place."""
        given = super().clean() or {}
        if given.get("base") != "file":
            return given
        file = given.get("file")
        if file is None:
            self.add_error("file", _("Choose the file."))
        elif file.size > MAX_BYTES:
            self.add_error(
                "file", _("The file has %(size)d KiB; 1024 are possible.") % {"size": file.size // 1024}
            )
        else:
            try:
                given["document"] = load_yaml(file.read())
            except Invalid as no:
                self.add_error("file", [ValidationError(line) for line in no.text.splitlines()])
        return given

    def take(self, problems: list[Problem]) -> None:
        """Show what is wrong with the key or the name at its field."""
        for problem in problems:
            self.add_error(problem.where if problem.where in self.fields else None, str(problem))


def place_in_words(document: Mapping[str, Any], where: str) -> str:
    """`tasks[3].after[0]` as people know it: Task 1.4, after."""
    step = _STEP.match(where)
    if step is None or step[1] not in KINDS:
        return where or _("Process")
    part, number, rest = step[1], int(step[2]), _INDEX.sub("", step[3])
    items = document.get(part, ())
    key = key_of(part, items[number]) if number < len(items) and key_field(part) in items[number] else ""
    words = " ".join(filter(None, (str(KINDS[part].one), key)))
    return f"{words}, {rest.replace('.', ' ').replace('_', ' ')}" if rest else words


def _rows(entry: Entry, doc: ProcessDocument, data: Any, initial: list[Any]) -> Any:
    made = forms.formset_factory(RowForm, extra=1, can_delete=True, can_order=len(initial) > 1, max_num=40)
    rows = made(
        data, prefix=entry.name, initial=[dict(each) for each in initial],
        form_kwargs={"entries": entry.rows, "model": entry.model, "doc": doc},
    )  # fmt: skip
    for row in rows.forms:
        row.fields["DELETE"].label = _("Take away")
        if "ORDER" in row.fields:
            row.fields["ORDER"].label = _("Place")
            row.fields["ORDER"].required = False
    return rows


def _used(rows: Any) -> list[RowForm]:
    """The rows that stay, in their order; untouched blank ones and those taken away are left out."""
    kept = [
        row
        for row in rows.forms
        if row not in rows.deleted_forms and (row.has_changed() or row in rows.initial_forms)
    ]
    order = {
        id(row): row.cleaned_data.get("ORDER") or len(kept) + 1
        for row in kept
        if hasattr(row, "cleaned_data")
    }
    return sorted(kept, key=lambda row: order.get(id(row), 0))


def _add(form: forms.Form, path: str, text: str) -> bool:
    name = _INDEX.sub("", path)
    while name and name not in form.fields:
        name = name.rpartition(".")[0]
    if name:
        form.add_error(name, text)
    return bool(name)


def _in_order(chosen: list[str], before: list[str]) -> list[str]:
    """What was there keeps its order, what is new comes after."""
    return [each for each in before if each in chosen] + [each for each in chosen if each not in before]


def _get(data: Mapping[str, Any], path: str) -> Any:
    value: Any = data
    for step in path.split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def _put(data: dict[str, Any], path: str, value: Any) -> None:
    *way, last = path.split(".")
    for step in way:
        data = data.setdefault(step, {})
    data[last] = value
