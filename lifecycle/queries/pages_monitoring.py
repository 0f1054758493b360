"""Monitoring over time: the windows of each model, what drifted in one of them, what fired."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from django.utils.formats import date_format

from lifecycle.figures import DriftHistogram, PsiBar, PsiBars, Series, SeriesChart, SeriesEvent, SeriesLimit
from lifecycle.models import Firing, ModelVersion, Project, Run
from lifecycle.queries.pages_runs import RunView, run_view
from lifecycle.queries.runs import monitoring_windows

_DRIFT = 0.2
_MULTIPLES = 24


@dataclass(frozen=True)
class ModelWindows:
    """The windows of one model version, oldest first, with the chart of its main metric."""

    model: ModelVersion | None
    runs: list[Run]
    firings: dict[int, list[Firing]]
    chart: SeriesChart | None

    @property
    def last(self) -> Run:
        return self.runs[-1]


@dataclass(frozen=True)
class WindowView:
    """One window in detail."""

    run: Run
    view: RunView
    bars: PsiBars | None
    histograms: list[DriftHistogram]
    limit: float

    @property
    def over(self) -> list[str]:
        """The features beyond the limit."""
        scores = _features(self.run)
        return [name for name, part in scores.items() if (_number(part.get("psi")) or 0) >= self.limit]

    @property
    def features(self) -> int:
        return len(_features(self.run))


@dataclass(frozen=True)
class Monitoring:
    """All that the page of monitoring shows."""

    models: list[ModelWindows] = field(default_factory=list)
    window: WindowView | None = None
    firings: list[Firing] = field(default_factory=list)

    @property
    def runs(self) -> list[Run]:
        return [run for model in self.models for run in model.runs]


def monitoring(project: Project, *, run: int | None = None) -> Monitoring:
    """The last 60 windows by model version, newest model first; one window in detail. 2 queries.

    `run` chooses the window by the id of its run; the last one if it is None or not among them.
    """
    runs = monitoring_windows(project)
    fired = list(
        Firing.objects.filter(run__in=[each.pk for each in runs])
        .select_related("trigger", "decided_by", "run", "merged_into")
        .order_by("-fired_at", "-pk")
    )
    if not runs:
        return Monitoring()
    of_run: dict[int, list[Firing]] = defaultdict(list)
    for firing in fired:
        of_run[firing.run_id or 0].append(firing)
    by_model: dict[int, list[Run]] = defaultdict(list)
    for each in runs:
        by_model[each.model_version_id or 0].append(each)
    models = [_model(found, of_run) for found in by_model.values()]
    models.sort(key=lambda part: -(part.model.number if part.model else 0))
    chosen = next((each for each in runs if each.pk == run), runs[-1])
    return Monitoring(models=models, window=_window(chosen), firings=fired)


def _model(runs: list[Run], fired: dict[int, list[Firing]]) -> ModelWindows:
    return ModelWindows(
        model=runs[0].model_version,
        runs=runs,
        firings={run.pk: fired.get(run.pk, []) for run in runs},
        chart=_chart(runs, fired),
    )


def _chart(runs: list[Run], fired: dict[int, list[Firing]]) -> SeriesChart | None:
    metric = next((name for run in reversed(runs) if (name := str(run.record.get("main_metric") or ""))), "")
    values = [_number((run.record.get("metrics") or {}).get(metric)) for run in runs]
    if not metric or all(value is None for value in values):
        return None
    bound = _limit_of(runs[-1], metric)
    limit = _number(bound.get("limit")) if bound else None
    worse = "above" if bound and str(bound.get("op", "")).startswith("<") else "below"
    events = tuple(
        SeriesEvent(place, ", ".join(firing.trigger.key for firing in fired[run.pk]), "trigger")
        for place, run in enumerate(runs)
        if fired.get(run.pk)
    )
    return SeriesChart(
        title=metric,
        windows=[_when(run) for run in runs],
        series=(Series(metric, values, limit=limit, worse=worse),),
        limits=(SeriesLimit(limit, f"{limit:g}"),) if limit is not None else (),
        events=events,
    )


def _window(run: Run) -> WindowView:
    features = _features(run)
    limits = run.spec.get("limits") if isinstance(run.spec, dict) else None
    bound = _number(limits.get("psi_drift")) if isinstance(limits, dict) else None
    limit = bound or _DRIFT
    bars = tuple(PsiBar(name, _number(part.get("psi"))) for name, part in features.items())
    prediction = run.record.get("prediction")
    if isinstance(prediction, dict):
        features = {**features, "prediction": prediction}
    ranked = sorted(features.items(), key=lambda pair: -(_number(pair[1].get("psi")) or 0))
    histograms = [
        _histogram(name, part, limit) for name, part in ranked[:_MULTIPLES] if part.get("histogram")
    ]
    near = _number(limits.get("psi_warning")) if isinstance(limits, dict) else None
    return WindowView(
        run=run,
        view=run_view(run),
        bars=PsiBars(bars, limit=limit, near=near or limit / 2) if bars else None,
        histograms=histograms,
        limit=limit,
    )


def _histogram(name: str, part: dict[str, Any], limit: float) -> DriftHistogram:
    shape = part["histogram"]
    return DriftHistogram(
        name=name, reference=shape.get("reference", []), current=shape.get("current", []),
        edges=shape.get("edges", []), names=[str(each) for each in shape.get("categories", [])],
        score=_number(part.get("psi")), limit=limit,
    )  # fmt: skip


def _limit_of(run: Run, metric: str) -> dict[str, Any] | None:
    limits = run.record.get("limits") or []
    return next((each for each in limits if each.get("metric") == metric and not each.get("slice")), None)


def _features(run: Run) -> dict[str, dict[str, Any]]:
    found = run.record.get("features")
    return (
        {name: part for name, part in found.items() if isinstance(part, dict)}
        if isinstance(found, dict)
        else {}
    )


def _when(run: Run) -> str:
    return date_format(run.finished_at, "j M") if run.finished_at else run.label


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
