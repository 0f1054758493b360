"""Finds before a run is recorded what its data would refuse: a file or a column that is not there."""

from pathlib import Path

from lifecycle.executors import parse_monitoring
from lifecycle.executors.errors import Invalid
from lifecycle.executors.plan_specs import PlanSpec, first_start, windows
from lifecycle.executors.sources import look_ahead
from lifecycle.executors.specs import DataRef

__all__ = ["look_ahead", "look_at_plan"]


def look_at_plan(plan: PlanSpec, reference: DataRef, root: Path) -> None:
    """Raises Invalid for a column that source or reference has not. A source may be still to come."""
    start = first_start(plan.every, plan.starts)
    end = next(windows(plan.every, start, start.replace(year=start.year + 1)))[1]
    try:
        look_ahead(parse_monitoring(plan.run_spec(start, end, "all", "0" * 64, reference)), root)
    except Invalid as no:
        if no.code == "file_missing" and no.where.startswith("/current"):
            return
        raise Invalid(no.code, no.text, no.where.replace("/current", "/source")) from no
