"""Judging one criterion: an expression in CEL over what is known. Whatever cannot be read is not met."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import cel
from django.utils.translation import gettext as _

from governance.errors import Invalid
from governance.models import CriterionResult
from governance.readings import Comparison, Seen, comparison_of, seen_in, why_not
from lifecycle.definitions import GATE_VARIABLES, problem_of
from lifecycle.definitions.cel_words import words_of
from lifecycle.definitions.expressions import TooCostly, evaluate

Verdict = CriterionResult.Verdict
_LAST_OF_FOUR_DIGITS = 0xFFFF


@dataclass(frozen=True)
class Check:
    """A criterion made ready to be judged. `metric` and `slice` are set where it compares one number.

    One that is not `agreed`, a requirement changed meanwhile, is never met.
    """

    key: str
    words: str
    expression: str
    blocking: bool
    metric: str = ""
    slice: str = ""
    operator: str = ""
    limit: float | None = None
    agreed: bool = True


@dataclass(frozen=True)
class Judgement:
    """What a check saw and said.

    `previous` is the value of the last authorized version, `seen` every single value that was looked at,
    `waiver` the id of what excuses it.
    """

    check: Check
    verdict: str
    reason: str
    observed: float | None = None
    previous: float | None = None
    seen: Seen = ()
    waiver: int | None = None

    @property
    def passes(self) -> bool:
        """Met, or excused by a waiver."""
        return self.verdict in (Verdict.MET, Verdict.WAIVED)


def read_criterion(expression: str, *, where: str) -> None:
    """Raise `Invalid` naming the place if the expression does not parse or asks for what is never there."""
    problem = problem_of(expression, GATE_VARIABLES)
    if problem is not None:
        raise Invalid("criterion_unreadable", problem, where)


def references(expression: str) -> frozenset[str]:
    """The variables that an expression looks at; all of them if it cannot be read."""
    try:
        return frozenset(cel.compile(expression).references()["variables"])
    except (ValueError, RecursionError):
        return GATE_VARIABLES


def metric_expression(metric: str, slice_: str, operator: str, limit: float) -> str:
    """The CEL text that compares one metric, overall or in a slice, with a limit."""
    held_in = f'slices["{_quoted(slice_)}"]' if slice_ else "metrics"
    return f'{held_in}["{_quoted(metric)}"] {operator} {float(limit)!r}'


def defined_check(item: Mapping[str, Any]) -> Check:
    """The check of a criterion of a definition: in its own words, else in those made from the expression.

    Where it compares one metric with a number, that metric, slice and limit are read from the expression.
    """
    compared = comparison_of(item["expression"]) or Comparison()
    return Check(
        key=item["key"],
        words=item.get("words") or words_of(item["expression"])[:600],
        expression=item["expression"],
        blocking=item["blocking"],
        metric=compared.metric,
        slice=compared.slice,
        operator=compared.operator,
        limit=compared.limit,
    )


def judge(check: Check, facts: Mapping[str, Any]) -> Judgement:
    """Judge a check against the facts. Never raises, and ends in bounded time.

    Fails closed: what is missing, of another type or divided by zero is "not met" with the reason; an
    expression that cannot be read, that might run for too long, or whose value is no truth value, is
    "unreadable". Neither passes.
    """
    observed = _value(facts, check.metric, check.slice)
    previous = _value(facts.get("previous") or {}, check.metric, check.slice)
    verdict, reason = _verdict(check, facts, observed)
    return Judgement(check, verdict, reason[:1000], observed, previous, seen_in(check.expression, facts))


def _verdict(check: Check, facts: Mapping[str, Any], observed: float | None) -> tuple[str, str]:
    if not check.agreed:
        return Verdict.NOT_MET, _("Its last change has not been agreed yet.")
    if check.metric and observed is None:
        return Verdict.NOT_MET, _missing(check.metric, check.slice)
    try:
        value = evaluate(check.expression, facts)
    except (ValueError, TypeError, ArithmeticError, LookupError, RuntimeError) as error:
        return _failure(error)
    if value is True:
        return Verdict.MET, _compared(check, observed) or _("Holds.")
    if value is False:
        reason = _compared(check, observed) or why_not(check.expression, facts)
        return Verdict.NOT_MET, reason or _("Does not hold.")
    return Verdict.UNREADABLE, _("Its value is not true or false but %(kind)s.") % {
        "kind": type(value).__name__
    }


def _failure(error: Exception) -> tuple[str, str]:
    """What an evaluation that ended in an error says: the facts are not as the criterion asks, or it is none.

    TooCostly and Unreadable are ValueErrors, ZeroDivisionError is an ArithmeticError, and so on: the first
    that fits.
    """
    if isinstance(error, KeyError):
        return Verdict.NOT_MET, _("There is no “%(name)s” in the evidence.") % {"name": error.args[0]}
    lacking: dict[type[Exception], str] = {
        IndexError: _("A list has fewer elements than it asks for."),
        ZeroDivisionError: _("It divides by zero."),
        ArithmeticError: _("A number in it grows too large."),
        TypeError: _("It compares or combines values of different types."),
    }
    for kind, words in lacking.items():
        if isinstance(error, kind):
            return Verdict.NOT_MET, words
    if isinstance(error, TooCostly):
        return Verdict.UNREADABLE, _("Not evaluated: %(problem)s.") % {"problem": error}
    return Verdict.UNREADABLE, _("Cannot be evaluated: %(problem)s") % {"problem": _first_line(error)}


def _value(facts: Mapping[str, Any], metric: str, slice_: str) -> float | None:
    if not metric:
        return None
    held_in = (facts.get("slices") or {}).get(slice_) if slice_ else facts.get("metrics")
    value = (held_in or {}).get(metric)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _missing(metric: str, slice_: str) -> str:
    if slice_:
        return _("No evidence holds the metric %(metric)s for %(slice)s.") % {
            "metric": metric,
            "slice": slice_,
        }
    return _("No evidence holds the metric %(metric)s.") % {"metric": metric}


def _compared(check: Check, observed: float | None) -> str:
    if observed is None or check.limit is None:
        return ""
    return _("Observed %(observed).4g, asked for %(operator)s %(limit).4g.") % {
        "observed": observed,
        "operator": check.operator,
        "limit": check.limit,
    }


def _quoted(text: str) -> str:
    """The inside of a CEL string: whatever is not plain ASCII is escaped, control characters too."""
    return "".join(
        char if char.isascii() and char.isprintable() and char not in '\\"' else _escape(char)
        for char in text
    )


def _escape(char: str) -> str:
    return f"\\u{ord(char):04x}" if ord(char) <= _LAST_OF_FOUR_DIGITS else f"\\U{ord(char):08x}"


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:300]
