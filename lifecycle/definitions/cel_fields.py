"""Does an expression of a gate ask only for fields that its facts have, and come to yes or no?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

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

GATE_FIELDS: Mapping[str, frozenset[str]] = {
    "tasks": frozenset({"key", "phase", "state", "mandatory", "verified"}),
    "handoffs": frozenset({"key", "phase", "state"}),
    "requirements": frozenset({"key", "gate", "metric", "slice", "blocking", "met"}),
    "risks": frozenset({"key", "phase", "score", "appetite", "state", "acceptable", "until"}),
    "findings": frozenset({"id", "title", "severity", "state", "open", "holds", "overdue"}),
    "evidence": frozenset({"kind", "task", "verified", "expired"}),
    "feedback": frozenset({"about", "grade", "asks_changes", "open"}),
}
"""The fields of what is in the lists that a gate looks at."""

_NO_VERDICT = frozenset({"+", "-", "*", "/", "%"})
_TRUTH = frozenset({"all", "exists", "exists_one"})
_KEEPS = frozenset({"filter"})


def unknown_field(tree: Node) -> tuple[Select, frozenset[str]] | None:
    """The first field that the facts never have, and those that there are; None if all are there."""
    return next(_unknown(tree, {}), None)


def gives_no_verdict(tree: Node) -> bool:
    """Whether an expression surely comes to something else than true or false."""
    if isinstance(tree, Literal):
        return tree.kind not in ("true", "false")
    if isinstance(tree, Operation):
        if tree.operator == "?:":
            return any(gives_no_verdict(each) for each in tree.operands[1:])
        return tree.operator in _NO_VERDICT
    if isinstance(tree, Comprehension):
        return tree.macro not in _TRUTH
    if isinstance(tree, Name):
        return True
    return isinstance(tree, Items) or (isinstance(tree, Call) and tree.function == "size")


def _unknown(node: Node, bound: Mapping[str, str]) -> Iterator[tuple[Select, frozenset[str]]]:
    """`bound` are the variables of comprehensions, each with the list whose items it stands for."""
    if isinstance(node, Select):
        of = _item_of(node.operand, bound)
        if of and node.name not in GATE_FIELDS[of]:
            yield node, GATE_FIELDS[of]
    if isinstance(node, Comprehension):
        yield from _unknown(node.over, bound)
        of = _list_of(node.over, bound)
        inside = {name: each for name, each in bound.items() if name != node.variable}
        inside |= {node.variable: of} if of else {}
        for part in (node.when, node.body):
            if part is not None:
                yield from _unknown(part, inside)
        return
    for child in node.children:
        yield from _unknown(child, bound)


def _item_of(node: Node, bound: Mapping[str, str]) -> str:
    """The list of which the node is an item, empty if it is none."""
    if isinstance(node, Name):
        return bound.get(node.name, "")
    if isinstance(node, Index):
        return _list_of(node.operand, bound)
    return ""


def _list_of(node: Node, bound: Mapping[str, str]) -> str:
    """The list of facts that the node is, or is a part of; empty if it is none."""
    if isinstance(node, Name):
        return node.name if node.name in GATE_FIELDS and node.name not in bound else ""
    if isinstance(node, Comprehension) and node.macro in _KEEPS:
        return _list_of(node.over, bound)
    return ""
