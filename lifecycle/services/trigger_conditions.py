"""Reads and evaluates the conditions of triggers."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from django.utils.translation import gettext as _

from lifecycle.definitions import cron_problem
from lifecycle.definitions.expressions import TRIGGER_VARIABLES, code_of, evaluate, problem_of
from lifecycle.errors import Invalid
from lifecycle.models import Trigger
from lifecycle.services.event_shapes import SHAPES


class Reading(NamedTuple):
    """Whether the condition holds; `problem` is set, and `holds` True, when it could not be told."""

    holds: bool
    problem: str = ""


def check_condition(condition: str) -> None:
    """Raises Invalid with line and column for a condition that does not parse or asks for unknown things."""
    problem = problem_of(condition, TRIGGER_VARIABLES) if condition.strip() else None
    if problem:
        raise Invalid("bad_condition", problem, "condition")


_MONITORED = frozenset({"run", "title", "verdict", "rows", "model", "findings", "summary", "window", "plan"})
_DRIFT = frozenset(
    {
        "psi",
        "js",
        "prediction_psi",
        "share_drifted",
        "features",
        "drifted",
        "segments_drifted",
        "error_growth",
    }
)
_ANOMALY = frozenset(
    {
        "unseen_share", "out_of_range_share", "missing_increase", "type_violations", "violations",
        "violation_rows", "violation_rate", "overlap_rows", "test_set", "test_set_uses",
    }
)  # fmt: skip
_METRIC = frozenset(
    {"main_metric", "value", "reference_value", "metrics", "slices", "limits_broken", "broken"}
)
_EXPIRY = frozenset({"expired", "risk", "task", "until", "summary", "model", "environment", "model_age_days"})
_REPORTED = {kind: frozenset(shape.fields) for kind, shape in SHAPES.items()}
EVENT_FIELDS: dict[str, frozenset[str]] = {
    **_REPORTED,
    "metric": _REPORTED["metric"] | _MONITORED | _METRIC,
    "change": _REPORTED["change"] | {"requirement", "version"},
    "drift": _MONITORED | _DRIFT,
    "anomaly": _MONITORED | _ANOMALY,
    "schedule": frozenset({"due", "summary"}),
    "manual": frozenset({"reason", "by"}),
    "expiry": _EXPIRY,
    "deployment": frozenset(),
    "handoff": frozenset(),
}
"""What an event of a kind can hold, whoever brings it. Nobody sends events of the last two kinds: such a
trigger is fired by hand.
"""

_FIELD = re.compile(r"\b(event|params)\s*\.\s*([A-Za-z_]\w*)(?!\s*\()")
_GUARD = re.compile(r"\bhas\(\s*(event|params)\s*\.\s*([A-Za-z_]\w*)\s*\)")


def missing_field(condition: str, kind: str, params: Mapping[str, Any]) -> str | None:
    """In words the first thing a condition asks for that will not be there; None if there is nothing.

    What the condition itself guards with `has(...)` may be missing.
    """
    code = code_of(condition)
    guarded = set(_GUARD.findall(code))
    known = {"event": EVENT_FIELDS.get(kind), "params": frozenset(params)}
    for found in _FIELD.finditer(code):
        fields = known[found[1]]
        if fields is None or found[2] in fields or found.groups() in guarded:
            continue
        return _("There is no “%(field)s” in column %(column)d; there are: %(known)s.") % {
            "field": f"{found[1]}.{found[2]}",
            "column": found.start() + 1,
            "known": ", ".join(sorted(fields)) or _("none"),
        }
    return None


def check_fields(condition: str, kind: str, params: Mapping[str, Any]) -> None:
    """Raises Invalid for a condition that asks for what events of the kind, or params, do not have."""
    wrong = missing_field(condition, kind, params)
    if wrong:
        raise Invalid("unknown_field", wrong, "condition")


def check_schedule(kind: str, schedule: str) -> None:
    """Raises Invalid unless there is a readable cron line exactly for triggers that go by the clock."""
    if (kind == "schedule") != bool(schedule):
        raise Invalid(
            "bad_schedule", _("Triggers of kind schedule need a cron line, others have none."), "schedule"
        )
    problem = cron_problem(schedule) if schedule else None
    if problem:
        raise Invalid("bad_schedule", problem, "schedule")


def read_condition(trigger: Trigger, event: Mapping[str, Any]) -> Reading:
    """Evaluate the trigger's condition over the event.

    A condition that cannot be evaluated (a key that the event lacks, no yes or no as its value) counts as one
    that holds, with the problem: a guard that is broken must be seen, not fall silent.
    """
    return read(trigger.condition, trigger.params, event)


def read(condition: str, params: Mapping[str, Any], event: Mapping[str, Any]) -> Reading:
    """As `read_condition`, for a condition that belongs to no trigger yet."""
    if not condition.strip():
        return Reading(True)
    try:
        value = evaluate(condition, {"event": dict(event), "params": dict(params)})
    except KeyError as error:
        return Reading(True, _("the event has no “%(key)s”") % {"key": error.args[0] if error.args else "?"})
    except (ValueError, TypeError, RuntimeError, ArithmeticError, RecursionError) as error:
        return Reading(True, (str(error).strip().splitlines() or [type(error).__name__])[0][:300])
    if not isinstance(value, bool):
        return Reading(True, _("its value is not yes or no but %(value)s") % {"value": repr(value)[:60]})
    return Reading(value)
