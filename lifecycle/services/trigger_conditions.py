"""Reads and evaluates the conditions of triggers."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from django.utils.translation import gettext as _

from lifecycle.definitions import cron_problem
from lifecycle.definitions.event_fields import missing_field
from lifecycle.definitions.expressions import TRIGGER_VARIABLES, evaluate, problem_of
from lifecycle.errors import Invalid
from lifecycle.models import Trigger


class Reading(NamedTuple):
    """Whether the condition holds; `problem` is set, and `holds` True, when it could not be told."""

    holds: bool
    problem: str = ""


def check_condition(condition: str) -> None:
    """Raises Invalid with line and column for a condition that does not parse or asks for unknown things."""
    problem = problem_of(condition, TRIGGER_VARIABLES) if condition.strip() else None
    if problem:
        raise Invalid("bad_condition", problem, "condition")


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
