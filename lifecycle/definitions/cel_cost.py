"""What an expression may cost, counted before it runs: the CEL library has no limit of its own.

Every value is reduced to how long it can be and what lies in it; a comprehension costs what its body costs
times the length of what it goes over. The count is never too low, so what is let through does end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from lifecycle.definitions.cel_nodes import (
    Call,
    Comprehension,
    Index,
    Items,
    Literal,
    Name,
    Node,
    Operation,
    Select,
)

MAX_NESTING = 3
"""How many comprehensions may lie in each other in what is saved."""

MAX_STEPS = 5_000_000
"""How many steps an evaluation may take: some seconds of one processor at the most."""

_PATTERN_STEPS = 2_000  # a pattern is read anew at each call
_CEILING = 10**30  # no larger numbers are needed to say no


@dataclass(frozen=True)
class _Size:
    """How long a value can be (a string counts its characters), and what its elements are.

    `named` are the elements of a fact by their keys: what is asked for by name need not be taken for the
    longest of all.
    """

    length: int
    inner: _Size | None = None
    named: Mapping[str, _Size] | None = field(default=None, compare=False)

    @property
    def element(self) -> _Size:
        return self.inner or self

    def joined(self, other: _Size) -> _Size:
        if self == other:
            return replace(self, named=None)  # what the one holds by name the other may hold longer
        inner = None
        if self.inner is not None or other.inner is not None:
            mine, theirs = self.inner or _Size(self.length), other.inner or _Size(other.length)
            inner = mine.joined(theirs)
        return _Size(max(self.length, other.length), inner)


_SCALAR = _Size(1)


def nesting_of(node: Node) -> int:
    """How many comprehensions lie in each other."""
    if isinstance(node, Comprehension):
        within = [node.body, *([node.when] if node.when else [])]
        return max(nesting_of(node.over), 1 + max(nesting_of(each) for each in within))
    return max((nesting_of(each) for each in node.children), default=0)


def steps_of(node: Node, facts: Mapping[str, Any]) -> int:
    """At most so many steps does an evaluation take with these facts; the count stops at 10^30."""
    known = {name: _measure(value) for name, value in facts.items()}
    return min(_Counter(known).walk(node, known)[0], _CEILING)


def _measure(value: Any) -> _Size:
    """A fact: its length, and of its elements the longest of each kind."""
    if isinstance(value, str | bytes):
        return _Size(max(1, len(value)))
    if isinstance(value, Mapping):
        named = {str(key): _measure(each) for key, each in value.items()}
        keys = [_measure(key) for key in value]
        return replace(_Counter.items([*keys, *named.values()], len(value)), named=named)
    if isinstance(value, list | tuple):
        return _Counter.items([_measure(each) for each in value], len(value))
    return _SCALAR


class _Counter:
    def __init__(self, known: dict[str, _Size]) -> None:
        self.largest = max((_weight(size) for size in known.values()), default=1)

    def walk(self, node: Node, known: Mapping[str, _Size]) -> tuple[int, _Size]:
        """(steps, size) of a piece, with what its variables hold."""
        if isinstance(node, Literal):
            return 1, _Size(max(1, len(node.text)) if node.kind == "string" else 1)
        if isinstance(node, Name):
            return 1, known.get(node.name, _Size(self.largest))
        if isinstance(node, Comprehension):
            return self.comprehension(node, known)
        parts = [self.walk(each, known) for each in node.children]
        steps = 1 + sum(cost for cost, _size in parts)
        sizes = [size for _cost, size in parts]
        if isinstance(node, Select):
            return steps, (sizes[0].named or {}).get(node.name, sizes[0].element)
        if isinstance(node, Index):
            return steps + sizes[0].length, sizes[0].element
        if isinstance(node, Items):
            return steps, self.items(sizes, len(sizes))
        if isinstance(node, Operation):
            return self.operation(node, steps, sizes)
        assert isinstance(node, Call)
        read = sum(_weight(size) for size in sizes)
        return steps + read + (_PATTERN_STEPS if node.function == "matches" else 0), _called(node, sizes)

    @staticmethod
    def items(sizes: list[_Size], length: int) -> _Size:
        """A list or mapping of so many elements that are at most as large as these."""
        if not sizes:
            return _Size(0, _SCALAR)
        inner = sizes[0]
        for each in sizes[1:]:
            inner = inner.joined(each)
        return _Size(length, inner)

    @staticmethod
    def operation(node: Operation, steps: int, sizes: list[_Size]) -> tuple[int, _Size]:
        if node.operator == "+":
            total = min(sizes[0].length + sizes[1].length, _CEILING)
            inner = sizes[0].joined(sizes[1]).inner
            return min(steps + total, _CEILING), _Size(total, inner)
        if node.operator == "?:":
            return steps, sizes[1].joined(sizes[2])
        if node.operator in ("==", "!=", "<", "<=", ">", ">=", "in"):
            return min(steps + sum(_weight(size) for size in sizes), _CEILING), _SCALAR
        return steps, _SCALAR

    def comprehension(self, node: Comprehension, known: Mapping[str, _Size]) -> tuple[int, _Size]:
        over_steps, over = self.walk(node.over, known)
        inside = {**known, node.variable: over.element}
        body_steps, body = self.walk(node.body, inside)
        when_steps = self.walk(node.when, inside)[0] if node.when else 0
        steps = over_steps + over.length * (3 + body_steps + when_steps)
        if node.macro == "filter":
            kept = over if over.inner is not None else _Size(over.length, over)
            return min(steps + _grown(over.length, kept.element), _CEILING), kept
        if node.macro == "map":
            return min(steps + _grown(over.length, body), _CEILING), _Size(over.length, body)
        return min(steps, _CEILING), _SCALAR


def _grown(length: int, element: _Size) -> int:
    """Steps of making a list: the library copies what there is for each element that it adds."""
    return int(min(length * length // 2 + length * _weight(element), _CEILING))


def _weight(size: _Size) -> int:
    """How much there is to look at in a value, its elements included."""
    if size.inner is None:
        return size.length
    return int(min(size.length * max(1, _weight(size.inner)), _CEILING))


def _called(node: Call, sizes: list[_Size]) -> _Size:
    if node.function in ("string", "bytes"):
        return _Size(max([40, *(size.length * 4 for size in sizes)]))
    return _Counter.items(sizes, len(sizes)) if node.function in ("max", "min") else _SCALAR
