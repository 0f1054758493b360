"""Reading CEL before it is ever run: does it parse, ask only for what will be there, and end in time?"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import cel
from django.utils.translation import gettext as _

from lifecycle.definitions.cel_cost import MAX_NESTING, MAX_STEPS, nesting_of, steps_of
from lifecycle.definitions.cel_fields import gives_no_verdict, unknown_field
from lifecycle.definitions.cel_nodes import MAX_DEPTH, Name, Node, Operation, TooDeep, Unreadable
from lifecycle.definitions.cel_syntax import parse_cel

GATE_VARIABLES = frozenset(
    {
        "metrics", "slices", "previous", "tasks", "handoffs", "requirements", "risks", "findings",
        "evidence", "run", "data", "monitoring", "scope", "feedback",
    }
)  # fmt: skip
"""What a gate criterion may look at."""

TRIGGER_VARIABLES = frozenset({"event", "params"})
"""What a trigger's condition may look at."""

_FUNCTIONS = frozenset(
    {
        "size", "contains", "startsWith", "endsWith", "matches", "string", "int", "uint", "double", "bool",
        "bytes", "duration", "timestamp", "max", "min", "getFullYear", "getMonth", "getDayOfMonth",
        "getDayOfWeek", "getDayOfYear", "getDate", "getHours", "getMinutes", "getSeconds", "getMilliseconds",
    }
)  # fmt: skip
_BINDINGS = re.compile(r"\.(?:all|exists|exists_one|map|filter)\(\s*([A-Za-z_]\w*)\s*,")
_STRINGS = re.compile(r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'")
_PLACE = re.compile(r"ERROR: <input>:(\d+):(\d+): (.*)")


@lru_cache(maxsize=2048)
def problem_of(expression: str, allowed: frozenset[str]) -> str | None:
    """What is wrong with a CEL expression, in words with line and column; None if nothing is.

    Variables outside `allowed` and functions that CEL does not have are problems too, and so is what is
    nested so deeply that it might run for ever.
    """
    found = _too_deep(expression) or _unknown(expression, allowed) or _unbounded(expression)
    return found or _pointless(expression, allowed)


class TooCostly(ValueError):
    """The expression is not evaluated: with these facts it might run for too long."""


def evaluate(expression: str, facts: Mapping[str, Any]) -> Any:
    """The value of an expression, which surely ends: what might take too many steps is not begun.

    A division by zero is an error for fractions too, where CEL itself would go on with infinity. Raises
    `TooCostly`, `Unreadable`, and what the CEL library raises: KeyError for what is missing, TypeError,
    ArithmeticError, ValueError, RuntimeError.
    """
    tree = _tree(expression)
    facts = {name: facts[name] for name in _names(expression) if name in facts}
    # Without a comprehension nothing is done more often than it is written.
    if nesting_of(tree) and steps_of(tree, facts) > MAX_STEPS:
        raise TooCostly(_("it might take more than %(limit)d steps") % {"limit": MAX_STEPS})
    divisors = _divisors(tree)
    if not divisors:
        return cel.evaluate(expression, facts)
    met: list[Any] = []

    def not_zero(value: Any) -> Any:
        """The divisor; nothing for zero, by which nothing can be divided (an error here would be logged)."""
        if not isinstance(value, int | float) or value != 0:
            return value
        met.append(value)
        return None

    context = cel.Context(variables=facts)
    context.add_function(_NOT_ZERO, not_zero)
    try:
        return cel.evaluate(_guarded(expression, divisors), context)
    except TypeError:
        if met:
            raise ZeroDivisionError(_("division by zero")) from None
        raise


_NOT_ZERO = "notZeroOrNoResult"


@lru_cache(maxsize=2048)
def _tree(expression: str) -> Node:
    try:
        return parse_cel(expression)
    except TooDeep:
        raise
    except Unreadable:
        cel.compile(expression)  # says more exactly what is wrong
        raise


@lru_cache(maxsize=2048)
def _names(expression: str) -> frozenset[str]:
    """The names that an expression uses, so that only those facts are handed over."""
    found, waiting = set[str](), [_tree(expression)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Name):
            found.add(node.name)
        waiting += node.children
    return frozenset(found)


def _divisors(node: Node) -> list[Node]:
    own = [node.operands[1]] if isinstance(node, Operation) and node.operator in ("/", "%") else []
    return own + [each for child in node.children for each in _divisors(child)]


def _guarded(expression: str, divisors: list[Node]) -> str:
    """The expression with each divisor put through the function that refuses zero."""
    marks = [(each.start, 1, f"{_NOT_ZERO}(") for each in divisors]
    marks += [(each.end, 0, ")") for each in divisors]
    found, rest = "", expression
    for place, _closing_first, text in sorted(marks, reverse=True):
        found = text + rest[place:] + found
        rest = rest[:place]
    return rest + found


def _too_deep(expression: str) -> str | None:
    try:
        tree = parse_cel(expression)
    except TooDeep:
        return _("Cannot be read: it is nested deeper than %(limit)d levels.") % {"limit": MAX_DEPTH}
    except Unreadable:
        return None  # the library says more exactly what is wrong
    if nesting_of(tree) > MAX_NESTING:
        words = _(
            "More than %(limit)d of “all”, “exists”, “map” and “filter” lie in each other: it might not end."
        )
        return words % {"limit": MAX_NESTING}
    return None


def _unbounded(expression: str) -> str | None:
    """What CEL can read and this site cannot, so that nobody knows what it may cost; or too much already."""
    try:
        steps = steps_of(parse_cel(expression), {})
    except Unreadable as error:
        return _("Cannot be read in %(place)s.") % {"place": error}
    if steps > MAX_STEPS:
        return _("It might take more than %(limit)d steps.") % {"limit": MAX_STEPS}
    return None


def _pointless(expression: str, allowed: frozenset[str]) -> str | None:
    """What can be read and never be met: a field that no fact has, or something else than yes or no."""
    tree = parse_cel(expression)
    if gives_no_verdict(tree):
        return _("It comes to something else than true or false.")
    found = unknown_field(tree) if "tasks" in allowed else None
    if found is None:
        return None
    node, known = found
    return _("Unknown field “%(name)s” in column %(column)d; there are: %(known)s.") % {
        "name": node.name,
        "column": node.end - len(node.name) + 1,
        "known": ", ".join(sorted(known)),
    }


def _unknown(expression: str, allowed: frozenset[str]) -> str | None:
    try:
        names = cel.compile(expression).references()
    except ValueError as error:
        return _syntax(str(error))
    except RecursionError:
        return _("The expression is nested too deeply.")
    code = code_of(expression)
    bound = set(_BINDINGS.findall(code))
    unknown = sorted(set(names["variables"]) - bound - allowed)
    if unknown:
        return _("Unknown variable “%(name)s” in column %(column)d; there are: %(known)s.") % {
            "name": unknown[0],
            "column": _column(code, unknown[0]),
            "known": ", ".join(sorted(allowed)),
        }
    functions = sorted(name for name in names["functions"] if name.isidentifier() and name[0] != "_")
    missing = [name for name in functions if name not in _FUNCTIONS]
    if missing:
        return _("Unknown function “%(name)s” in column %(column)d.") % {
            "name": missing[0],
            "column": _column(code, missing[0]),
        }
    return None


def code_of(expression: str) -> str:
    """The expression with its string literals blanked, every character where it was."""
    return _STRINGS.sub(lambda string: " " * len(string[0]), expression)


def _syntax(message: str) -> str:
    found = _PLACE.search(message)
    if found is None:
        return message.splitlines()[0]
    line, column, what = int(found[1]), int(found[2]), found[3].partition(" expecting ")[0]
    if line == 1:
        return _("Cannot be read in column %(column)d: %(what)s.") % {"column": column, "what": what}
    return _("Cannot be read in line %(line)d, column %(column)d: %(what)s.") % {
        "line": line,
        "column": column,
        "what": what,
    }


def _column(code: str, name: str) -> int:
    found = re.search(rf"\b{re.escape(name)}\b", code)
    return found.start() + 1 if found else 1
