"""What a criterion looked at: the comparison it makes, the values it saw, and why it does not hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.utils.translation import gettext as _

from lifecycle.definitions.cel_nodes import (
    Call,
    Comprehension,
    Index,
    Literal,
    Name,
    Node,
    Operation,
    Select,
    Unreadable,
)
from lifecycle.definitions.cel_syntax import parse_cel
from lifecycle.definitions.expressions import evaluate

Seen = tuple[tuple[str, Any], ...]
"""Texts of the expression with the values that they had."""

MOST_SEEN = 20
MOST_NAMED = 5
_TURNED = {">=": "<=", "<=": ">=", ">": "<", "<": ">"}
_PATH_LENGTHS = {"metrics": 2, "slices": 3}


@dataclass(frozen=True)
class Comparison:
    """One metric against one number; everything empty where an expression is something else."""

    metric: str = ""
    slice: str = ""
    operator: str = ""
    limit: float | None = None


@lru_cache(maxsize=2048)
def comparison_of(expression: str) -> Comparison | None:
    """The comparison, if the whole expression is one of a metric of this version with a number."""
    try:
        tree = parse_cel(expression)
    except Unreadable:
        return None
    if not isinstance(tree, Operation) or tree.operator not in _TURNED:
        return None
    left, right, operator = *tree.operands, tree.operator
    if _number(left) is not None:
        left, right, operator = right, left, _TURNED[operator]
    limit, path = _number(right), _path(left)
    if limit is None or not path or len(path) != _PATH_LENGTHS.get(path[0]):
        return None
    slice_ = path[1] if path[0] == "slices" else ""
    if len(path[-1]) > 120 or len(slice_) > 120:
        return None
    return Comparison(path[-1], slice_, operator, limit)


def seen_in(expression: str, facts: Mapping[str, Any]) -> Seen:
    """Single values that the expression names, and how long the lists are that it goes through."""
    try:
        tree = parse_cel(expression)
    except Unreadable:
        return ()
    found: dict[str, Any] = {}
    for node in _named(tree):
        text = expression[node.start : node.end]
        value = _quietly(text, facts)
        if isinstance(value, list | tuple | dict):
            text, value = f"size({text})", len(value)
        if isinstance(value, bool | int | float | str) and len(found) < MOST_SEEN:
            found.setdefault(text[:200], value[:200] if isinstance(value, str) else _plain(value))
    return tuple(found.items())


def why_not(expression: str, facts: Mapping[str, Any]) -> str:
    """Why an expression that was read and does not hold does not; empty if there is no more to say."""
    try:
        return _Reasons(expression, facts).of(parse_cel(expression))
    except Unreadable:
        return ""


class _Reasons:
    def __init__(self, source: str, facts: Mapping[str, Any]) -> None:
        self.source, self.facts = source, facts

    def of(self, node: Node) -> str:
        if isinstance(node, Operation) and node.operator == "&&":
            false = [each for each in node.operands if _quietly(self.text(each), self.facts) is False]
            return " ".join(filter(None, map(self.of, false)))
        if (
            isinstance(node, Operation)
            and node.operator == "!"
            and isinstance(node.operands[0], Comprehension)
        ):
            return self.odd_ones(node.operands[0], _("There is: %(names)s."), negate=False)
        if isinstance(node, Comprehension) and node.macro == "all":
            return self.odd_ones(node, _("Not so for: %(names)s."), negate=True)
        if isinstance(node, Comprehension) and node.macro == "exists":
            found = _quietly(self.text(node.over), self.facts)
            if isinstance(found, list | tuple):
                return _("None of %(count)d is such.") % {"count": len(found)}
        if isinstance(node, Operation) and node.operator in (*_TURNED, "==", "!="):
            return self.compared(node)
        return ""

    def odd_ones(self, node: Comprehension, words: str, *, negate: bool) -> str:
        body = f"!({self.text(node.body)})" if negate else self.text(node.body)
        found = _quietly(f"({self.text(node.over)}).filter({node.variable}, {body})", self.facts)
        if not isinstance(found, list | tuple) or not found:
            return ""
        names = ", ".join(map(_name, found[:MOST_NAMED]))
        if len(found) > MOST_NAMED:
            names += " " + _("and %(count)d more") % {"count": len(found) - MOST_NAMED}
        return words % {"names": names}

    def compared(self, node: Operation) -> str:
        left, right = (_quietly(self.text(each), self.facts) for each in node.operands)
        if not all(isinstance(each, int | float | str) for each in (left, right)):
            return ""
        words = {"left": _value(left), "operator": node.operator, "right": _value(right)}
        return _("Observed %(left)s, asked for %(operator)s %(right)s.") % words

    def text(self, node: Node) -> str:
        return self.source[node.start : node.end]


def _quietly(text: str, facts: Mapping[str, Any]) -> Any:
    """The value of a piece, None where it has none: this only explains a verdict that stands already."""
    try:
        return evaluate(text, facts)
    except (ValueError, TypeError, ArithmeticError, LookupError, RuntimeError):
        return None


def _named(node: Node) -> list[Node]:
    """The pieces that name a fact, outermost first; not what hangs on a variable of a comprehension."""
    if isinstance(node, Comprehension):
        return _named(node.over)
    if isinstance(node, Select) and node.test:
        return []
    if isinstance(node, Name | Select | Index) and _path(node):
        return [node]
    if isinstance(node, Call) and node.function == "size":
        return [node]
    return [each for child in node.children for each in _named(child)]


def _path(node: Node) -> tuple[str, ...]:
    """The steps of `slices["US"].ndcg`; empty for what is no such path."""
    if isinstance(node, Name):
        return (node.name,)
    if isinstance(node, Select) and not node.test:
        above = _path(node.operand)
        return (*above, node.name) if above else ()
    if isinstance(node, Index) and isinstance(node.index, Literal) and node.index.kind == "string":
        above = _path(node.operand)
        return (*above, node.index.text) if above else ()
    return ()


def _number(node: Node) -> float | None:
    if isinstance(node, Operation) and node.operator == "-" and len(node.operands) == 1:
        value = _number(node.operands[0])
        return None if value is None else -value
    if isinstance(node, Literal) and node.kind == "number":
        try:
            return float(node.text.rstrip("uU"))
        except ValueError:
            return None
    return None


def _plain(value: Any) -> Any:
    """A number that canonical JSON can hold: no infinity, no integer beyond a double's exactness."""
    if isinstance(value, float) and (value != value or abs(value) == float("inf")):  # noqa: PLR0124 - NaN
        return str(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 2**53:
        return str(value)
    return value


def _value(value: Any) -> str:
    return (
        f"{value:.4g}" if isinstance(value, float) else f"“{value}”" if isinstance(value, str) else str(value)
    )


def _name(item: Any) -> str:
    """What one element of the facts is called."""
    if not isinstance(item, Mapping):
        return str(item)[:60]
    named = (
        item.get("key") or item.get("title") or " ".join(filter(None, (item.get("kind"), item.get("task"))))
    )
    return str(named or next(iter(item.values()), ""))[:60]
