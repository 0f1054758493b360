"""How a version gets its traffic: strategy, steps, and the metric that ends it. Reading and judging only."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from django.utils.translation import gettext as _

from governance.errors import Invalid
from governance.models import Deployment
from governance.models.deployments import WHOLE

_S = Deployment.Strategy
MOST_STEPS = 20
USUAL: dict[str, tuple[int, ...]] = {
    _S.FULL: (),
    _S.CANARY: (5, 25, 50, WHOLE),
    _S.BLUE_GREEN: (0, WHOLE),
    _S.SHADOW: (0, WHOLE),
}
"""Percent of the traffic, step by step. Shadow: 0 means a copy of the traffic whose answers nobody gets."""
OPERATORS = (">", ">=", "<", "<=")


@dataclass(frozen=True)
class Plan:
    """A strategy with its steps."""

    strategy: str
    steps: tuple[int, ...]
    abort_metric: Mapping[str, Any]

    @property
    def first(self) -> int:
        """Percent of the traffic at the beginning."""
        return self.steps[0] if self.steps else WHOLE


def read_plan(
    strategy: str, steps: Sequence[int] | None = None, abort_metric: Mapping[str, Any] | None = None
) -> Plan:
    """Read a plan. Raises `Invalid` naming `strategy`, `steps` or `abort_metric`."""
    if strategy not in _S.values:
        text = _("A strategy is one of %(known)s.") % {"known": ", ".join(_S.values)}
        raise Invalid("unknown_strategy", text, "strategy")
    found = tuple(steps) if steps else USUAL[strategy]
    if not all(_is_share(each) for each in found):
        raise Invalid("bad_steps", _("Steps are whole percentages from 0 to 100."), "steps")
    if strategy == _S.FULL and found not in ((), (WHOLE,)):
        raise Invalid("bad_steps", _("All at once has no steps."), "steps")
    if strategy != _S.FULL:
        _refuse_steps(strategy, found)
    return Plan(
        strategy, () if strategy == _S.FULL else found, _read_metric(abort_metric) if abort_metric else {}
    )


def _is_share(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= WHOLE


def _refuse_steps(strategy: str, steps: tuple[int, ...]) -> None:
    if len(steps) > MOST_STEPS:
        raise Invalid("bad_steps", _("There are at most %(n)d steps.") % {"n": MOST_STEPS}, "steps")
    if any(one >= other for one, other in pairwise(steps)):
        raise Invalid("bad_steps", _("Each step is more than the one before."), "steps")
    if steps[-1] != WHOLE or len(steps) < 2:
        raise Invalid("bad_steps", _("There is more than one step, and the last is 100."), "steps")
    beside = strategy in (_S.SHADOW, _S.BLUE_GREEN)
    if beside and steps[0] != 0:
        raise Invalid("bad_steps", _("This strategy begins beside the traffic, with 0."), "steps")
    if strategy == _S.BLUE_GREEN and steps != (0, WHOLE):
        raise Invalid("bad_steps", _("Blue and green switch at once: from 0 to 100."), "steps")
    if strategy == _S.CANARY and steps[0] == 0:
        raise Invalid("bad_steps", _("A canary begins with some of the traffic."), "steps")


def _read_metric(given: Mapping[str, Any]) -> dict[str, Any]:
    name, operator, limit = given.get("metric"), given.get("op"), given.get("limit")
    if not isinstance(name, str) or not name.strip() or len(name) > 100:
        raise Invalid("bad_abort_metric", _("Name the metric that ends it."), "abort_metric")
    if operator not in OPERATORS:
        text = _("Compare it by one of %(known)s.") % {"known": " ".join(OPERATORS)}
        raise Invalid("bad_abort_metric", text, "abort_metric")
    if isinstance(limit, bool) or not isinstance(limit, int | float) or not math.isfinite(limit):
        raise Invalid("bad_abort_metric", _("The limit is a number."), "abort_metric")
    return {"metric": name.strip(), "op": operator, "limit": float(limit)}


def breaks(abort_metric: Mapping[str, Any], value: float) -> bool:
    """Whether this value ends the roll-out; a value that is no number does."""
    if not math.isfinite(value):
        return True
    limit = float(abort_metric["limit"])
    return {">": value > limit, ">=": value >= limit, "<": value < limit, "<=": value <= limit}[
        abort_metric["op"]
    ]


def in_words(abort_metric: Mapping[str, Any]) -> str:
    """The rule as people read it, such as `error_rate > 0.05`."""
    return f"{abort_metric['metric']} {abort_metric['op']} {abort_metric['limit']:g}" if abort_metric else ""
