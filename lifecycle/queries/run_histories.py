"""How a run's metrics moved while it ran, and the runs that are parts of it."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from lifecycle.figures import Series, SeriesChart
from lifecycle.models import Run, RunHistory

MOST_CHARTS = 12
MOST_OPEN = 4
MOST_POINTS = 200
MOST_PARTS = 50
MOST_METRICS_OF_A_PART = 4

Point = tuple[float, float | None]


@dataclass(frozen=True)
class HistoryChart:
    """One metric over its steps, as a chart with its span."""

    name: str
    chart: SeriesChart
    span: str
    count: int


@dataclass(frozen=True)
class Histories:
    """The metrics of a run that were logged more than once; `more` are left to the API."""

    charts: list[HistoryChart]
    more: int

    @property
    def shown(self) -> list[HistoryChart]:
        """Those that are open when the page is."""
        return self.charts[:MOST_OPEN]

    @property
    def folded(self) -> list[HistoryChart]:
        """Those behind a button."""
        return self.charts[MOST_OPEN:]


@dataclass(frozen=True)
class Part:
    """A run within another, with its first metrics."""

    run: Run
    metrics: list[tuple[str, float]]


@dataclass(frozen=True)
class Parts:
    """The runs that a run is the parent of, and its own parent, as far as they came in."""

    parent: Run | None
    children: list[Part]
    more: bool


def histories_of(run: Run) -> Histories:
    """Charts of the first 12 metrics with more than one value, those with most values
    first. At most 1 query.

    Of a metric with over 200 values evenly spaced ones are drawn, the first and the last among them.
    """
    if run.batch_id is None:
        return Histories([], 0)
    kept = RunHistory.objects.filter(run=run).first()
    told: dict[str, list[Any]] = json.loads(kept.text) if kept is not None else {}
    moving = {name: values for name, values in told.items() if len(values) > 1}
    names = sorted(moving, key=lambda name: (-len(moving[name]), name))
    return Histories(
        [_chart(name, moving[name]) for name in names[:MOST_CHARTS]], max(0, len(names) - MOST_CHARTS)
    )


def _chart(name: str, values: list[Any]) -> HistoryChart:
    points = sorted((float(step), float(time), _finite(value)) for step, time, value in values)
    drawn = _thinned([(step, value) for step, _time, value in points])
    known = [value for _step, _time, value in points if value is not None]
    chart = SeriesChart(
        title=_("%(name)s over its steps") % {"name": name},
        windows=[f"{step:.0f}" for step, _value in drawn],
        series=(Series(_("last"), [value for _step, value in drawn]),),
        wide=False,
    )
    return HistoryChart(name, chart, _range(known), len(values))


def _range(known: list[float]) -> str:
    if not known:
        return _("no finite value")
    return _("%(low)s to %(high)s") % {"low": f"{min(known):.4g}", "high": f"{max(known):.4g}"}


def _finite(value: object) -> float | None:
    """None, a gap in the line, for what is no number: NaN and infinity are kept as words."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def _thinned(points: list[Point]) -> list[Point]:
    if len(points) <= MOST_POINTS:
        return points
    last = len(points) - 1
    return [points[round(at * last / (MOST_POINTS - 1))] for at in range(MOST_POINTS)]


def parts_of(run: Run) -> Parts:
    """The parent and the newest 50 children of a run from outside. At most 2 queries."""
    if not run.external_id:
        return Parts(None, [], more=False)
    near = Run.objects.filter(project=run.project_id, source=run.source).defer("spec")
    parent = near.filter(external_id=run.parent_external_id).first() if run.parent_external_id else None
    children = list(near.filter(parent_external_id=run.external_id).order_by("-pk")[: MOST_PARTS + 1])
    return Parts(parent, [_part(each) for each in children[:MOST_PARTS]], more=len(children) > MOST_PARTS)


def _part(run: Run) -> Part:
    metrics = run.record.get("metrics") if isinstance(run.record, dict) else None
    known = metrics.items() if isinstance(metrics, dict) else ()
    found = [(str(name), number) for name, value in known if (number := _finite(value)) is not None]
    return Part(run, found[:MOST_METRICS_OF_A_PART])
