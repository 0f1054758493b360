"""The charts of a monitoring plan: one measure over its windows, and drift of every feature at a glance."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from lifecycle.figures import (
    HeatCell,
    HeatMap,
    HeatRow,
    Series,
    SeriesChart,
    SeriesEvent,
    SeriesLimit,
)
from lifecycle.models import MonitoringPlan, MonitoringWindow, Run
from lifecycle.monitoring_marks import Mark
from lifecycle.queries.monitoring_plans import UNSCORED, WindowLine, verdict_of

SHOWN = 52
_HEAT_WINDOWS = 26
_HEAT_FEATURES = 40
WHOLE = ""
PREDICTION = "prediction"
MISSING = "missing"


@dataclass(frozen=True)
class Choice:
    """What may be charted: its name in the address and in words."""

    key: str
    words: str


@dataclass(frozen=True)
class PlanCharts:
    """The chart that was asked for, what else may be asked for, and the drift at a glance."""

    chart: SeriesChart | None
    heat: HeatMap | None
    measures: list[Choice]
    parts: list[Choice]
    measure: str
    part: str


def plan_charts(
    plan: MonitoringPlan,
    lines: Sequence[WindowLine],
    marks: Sequence[Mark],
    *,
    measure: str = "",
    part: str = "",
) -> PlanCharts:
    """The charts over these windows, the newest first. No query.

    `measure`: a metric (`metric:mae`), a feature (`feature:price`) or the predictions (`prediction`).
    `part`: a segment or slice such as `country=IT`. What is not known falls back on the first.
    """
    ordered = list(lines)[::-1][-SHOWN:]
    measures = _measures(ordered)
    if measure not in {each.key for each in measures}:
        measure = measures[0].key if measures else ""
    parts = _parts(ordered, measure)
    if part not in {each.key for each in parts}:
        part = WHOLE
    return PlanCharts(
        chart=_chart(plan, ordered, marks, measure, part) if measure else None,
        heat=_heat(plan, ordered, part if not measure.startswith("metric:") else WHOLE),
        measures=measures, parts=parts, measure=measure, part=part,
    )  # fmt: skip


def _record(look: MonitoringWindow | None) -> Mapping[str, Any]:
    """What a look saw; nothing of one that could say nothing."""
    if look is None or look.run.state != Run.State.FINISHED or verdict_of(look) in UNSCORED:
        return {}
    record: Mapping[str, Any] = look.run.record
    return record


def _measures(lines: Sequence[WindowLine]) -> list[Choice]:
    metrics = {name: None for line in lines for name in _mapping(_record(line.labels), "metrics")}
    features = {name: None for line in lines for name in _mapping(_record(line.inputs), "features")}
    predicted = any(_mapping(_record(line.inputs), "prediction") for line in lines)
    return [
        *(Choice(f"metric:{name}", name) for name in metrics),
        *([Choice(PREDICTION, _("drift of the predictions"))] if predicted else []),
        *(Choice(f"feature:{name}", _("drift of %s") % name) for name in features),
        *(Choice(f"{MISSING}:{name}", _("missing %s") % name) for name in features),
    ]


def _parts(lines: Sequence[WindowLine], measure: str) -> list[Choice]:
    name, look = ("slices", "labels") if measure.startswith("metric:") else ("segments", "inputs")
    found = {key: None for line in lines for key in _mapping(_record(getattr(line, look)), name)}
    return [Choice(WHOLE, _("everything")), *(Choice(key, key) for key in sorted(found))] if found else []


def _value(line: WindowLine, measure: str, part: str) -> float | None:
    kind, _colon, name = measure.partition(":")
    if kind == "metric":
        record = _record(line.labels)
        source = _mapping(_mapping(record, "slices"), part) if part else _mapping(record, "metrics")
        return _number(source.get(name))
    record = _record(line.inputs)
    if part:
        record = _mapping(_mapping(record, "segments"), part)
    if kind == PREDICTION:
        return _number(_mapping(record, "prediction").get("psi"))
    feature = _mapping(_mapping(record, "features"), name)
    return _number(feature.get("missing_current" if kind == MISSING else "psi"))


def _chart(
    plan: MonitoringPlan, lines: Sequence[WindowLine], marks: Sequence[Mark], measure: str, part: str
) -> SeriesChart | None:
    values = [_value(line, measure, part) for line in lines]
    if all(value is None for value in values):
        return None
    kind, _colon, name = measure.partition(":")
    limit, worse, limits = _limits(plan.spec, kind, name, part)
    words = {
        "metric": name,
        PREDICTION: _("drift of the predictions, PSI"),
        MISSING: _("share of %s missing") % name,
    }
    title = words.get(kind) or _("drift of %s, PSI") % name
    return SeriesChart(
        title=f"{title}, {part}" if part else title,
        windows=[_day(line.start) for line in lines],
        series=(Series(name or _("PSI"), values, limit=limit, worse=worse),),
        limits=limits,
        events=_events(lines, marks),
        from_zero=kind != "metric",
    )


def _limits(
    spec: Mapping[str, Any], kind: str, name: str, part: str
) -> tuple[float | None, str, tuple[SeriesLimit, ...]]:
    """The limit that the points are marked by, on which side harm lies, and all lines to draw."""
    given = _mapping(spec, "limits")
    if kind == MISSING:
        return None, "above", ()
    if kind != "metric":
        drift, near = _number(given.get("psi_drift")), _number(given.get("psi_warning"))
        named = ((near, _("warning %g")), (drift, _("limit %g")))
        return drift, "above", tuple(SeriesLimit(value, text % value) for value, text in named if value)
    fitting = [each for each in given.get("metrics") or [] if each.get("metric") == name]
    own = [each for each in fitting if (each.get("slice") or WHOLE) == part] or [
        each for each in fitting if not each.get("slice")
    ]
    if not own:
        return None, "above", ()
    limit = float(own[0]["limit"])
    worse = "above" if str(own[0].get("op", "")).startswith("<") else "below"
    return limit, worse, (SeriesLimit(limit, _("limit %g") % limit),)


def _events(lines: Sequence[WindowLine], marks: Sequence[Mark]) -> tuple[SeriesEvent, ...]:
    """What fired at each window, and what was deployed in it or before the next one began."""
    found = []
    for place, line in enumerate(lines):
        keys = list(dict.fromkeys(firing.trigger.key for firing in line.firings))
        if keys:
            found.append(SeriesEvent(place, ", ".join(keys[:3]), "trigger"))
    starts = [line.start for line in lines]
    deployed: dict[int, list[str]] = {}
    for mark in marks:
        place = bisect_right(starts, mark.at) - 1
        if place >= 0 and (mark.at < lines[-1].end or place < len(lines) - 1):
            deployed.setdefault(place, []).append(mark.text)
    found += [SeriesEvent(place, ", ".join(texts[-2:])) for place, texts in deployed.items()]
    return tuple(found)


def _heat(plan: MonitoringPlan, lines: Sequence[WindowLine], part: str) -> HeatMap | None:
    shown = list(lines)[-_HEAT_WINDOWS:]
    names: dict[str, float] = {}
    cells: dict[str, dict[int, HeatCell]] = {}
    for place, line in enumerate(shown):
        record = _record(line.inputs)
        source = _mapping(_mapping(record, "segments"), part) if part else record
        found = {**_mapping(source, "features")}
        if isinstance(source.get("prediction"), dict):
            found[_("predictions")] = source["prediction"]
        for name, feature in found.items():
            psi = _number(feature.get("psi"))
            names[name] = max(names.get(name, 0.0), psi or 0.0)
            cells.setdefault(name, {})[place] = HeatCell(psi, _odd(str(feature.get("state") or "")))
    if not names or len(shown) < 2:
        return None
    ranked = sorted(names, key=lambda name: -names[name])[:_HEAT_FEATURES]
    missing = [HeatCell(None, _odd(line.verdict)) for line in shown]
    given = _mapping(plan.spec, "limits")
    title = _("Population stability index")
    return HeatMap(
        title=f"{title}, {part}" if part else title,
        windows=[_day(line.start) for line in shown],
        rows=tuple(
            HeatRow(name, tuple(cells[name].get(place, empty) for place, empty in enumerate(missing)))
            for name in ranked
        ),
        near=_number(given.get("psi_warning")) or 0.1,
        limit=_number(given.get("psi_drift")) or 0.25,
    )


def _odd(state: str) -> str:
    """Why there is no value, in words."""
    words = {
        "empty": _("empty"), "late": _("late"), "too_few": _("too few rows"), "failed": _("the look failed"),
        "constant": _("constant"), "same_constant": _("constant, as in the reference"),
        "no_reference": _("not in the reference"),
    }  # fmt: skip
    return words.get(state, "")


def _day(moment: datetime) -> str:
    return date_format(moment, "j M")


def _mapping(record: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = record.get(name)
    return value if isinstance(value, dict) else {}


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
