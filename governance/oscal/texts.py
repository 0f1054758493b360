"""What a control of a catalog says in one text, with its parameters put in; loops are refused."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from django.utils.translation import gettext as _

from governance.errors import Invalid
from governance.oscal.shapes import Control, Param, Part, Prop

MOST_PROSE = 20_000
_INSERT = re.compile(r"\{\{\s*insert:\s*param,\s*([^\s}]+)\s*\}\}")
_SHOWN = ("statement", "item")


def label_of(props: Iterable[Prop], otherwise: str) -> str:
    """The label that a reader sees: the one without a class if there are several."""
    labels = [each for each in props if each.name == "label" and not each.ns]
    labels.sort(key=lambda each: each.sort != "")
    return labels[0].value if labels else otherwise


def statement_of(control: Control, params: Mapping[str, Param]) -> str:
    """The statement of a control and its items as text, a line each, labels before them."""
    lines = [line for part in control.parts if part.name in _SHOWN for line in _lines(part)]
    return insert("\n".join(lines), params, f"control {control.id}")[:MOST_PROSE]


def _lines(part: Part) -> Iterator[str]:
    label = label_of(part.props, "")
    if part.prose or label:
        yield f"{label} {part.prose}".strip()
    for each in part.parts:
        if each.name in _SHOWN:
            yield from _lines(each)


def insert(text: str, params: Mapping[str, Param], where: str, path: tuple[str, ...] = ()) -> str:
    """Put what each parameter stands for into a text; raises `Invalid` for a loop or an unknown parameter."""

    def said(found: re.Match[str]) -> str:
        key = found[1]
        if key in path:
            words = {"path": " → ".join([*path[path.index(key) :], key])}
            raise Invalid("loop", _("Parameters insert each other: %(path)s.") % words, where)
        if key not in params:
            raise Invalid("param_unknown", _("There is no parameter “%(id)s”.") % {"id": key}, where)
        return insert(_stands_for(params[key]), params, where, (*path, key))

    return _INSERT.sub(said, text)


def _stands_for(param: Param) -> str:
    if param.values:
        return ", ".join(param.values)
    if param.select is not None and param.select.choice:
        words = " | ".join(param.select.choice)
        return f"[{words}]"
    return f"[{param.label or param.id}]"
