"""What the pages of runs show of a record, as plain values for tables and charts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import ngettext

from lifecycle.figures import Bullet
from lifecycle.models import Evidence, Iteration, ModelVersion, Project, Reproduction, Run, Task
from lifecycle.queries.quality import Study, quality_lines, studies_of
from lifecycle.queries.run_search import search_runs
from lifecycle.queries.runs import runs_of

_LOWER_IS_BETTER = ("mae", "rmse", "mse", "loss", "rate", "error", "brier", "bias", "psi")
MOST_PAGED = 10_000
_SHOWN_SLICES = 60
_SHOWN_VALUES = 200


@dataclass(frozen=True)
class MetricLine:
    """A metric of the whole, with the baseline's value and the limit if there is one."""

    name: str
    value: float | None
    baseline: float | None
    limit: Mapping[str, Any] | None = None

    @property
    def holds(self) -> bool | None:
        """Whether the limit is kept; None without a limit."""
        return None if self.limit is None else bool(self.limit.get("holds"))

    @property
    def bullet(self) -> Bullet | None:
        return _bullet(self.limit, self.value, self.baseline)


@dataclass(frozen=True)
class SliceLine:
    """One slice by the main metric."""

    name: str
    rows: int | None
    value: float | None
    baseline: float | None
    small: bool
    bullet: Bullet | None

    @property
    def odd(self) -> bool:
        """Whether the slice is worse than its limit, or than the baseline where there is no limit."""
        return self.bullet is not None and self.bullet.met is False


@dataclass(frozen=True)
class RunView:
    """A run's record, read for people. Whatever a record lacks is empty."""

    run: Run
    metrics: list[MetricLine] = field(default_factory=list)
    slices: list[SliceLine] = field(default_factory=list)
    more_slices: int = 0
    more_metrics: int = 0

    @property
    def record(self) -> dict[str, Any]:
        return self.run.record if isinstance(self.run.record, dict) else {}

    @property
    def main_metric(self) -> str:
        return str(self.record.get("main_metric") or "")

    @property
    def verdict(self) -> str:
        return str(self.record.get("verdict") or "")

    @property
    def parameters(self) -> list[tuple[str, str]]:
        return [
            (name, _text(value))
            for name, value in list(_mapping(self.record, "parameters").items())[:_SHOWN_VALUES]
        ]

    @property
    def code(self) -> list[tuple[str, str]]:
        return [(name, str(value)) for name, value in _mapping(self.record, "code").items() if value]

    @property
    def data(self) -> list[tuple[str, dict[str, Any]]]:
        """The data that went in: (role, description) such as ("data", {"uri": ..., "sha256": ...})."""
        parts = [(name, _mapping(self.record, name)) for name in ("data", "reference", "current")]
        return [(name, part) for name, part in parts if part.get("sha256")]

    @property
    def sets(self) -> list[tuple[str, dict[str, Any]]]:
        """Data that a run from outside read and wrote: ("inputs", {"name": ..., "version": ...})."""
        sides = ("inputs", "outputs")
        return [(side, each) for side in sides for each in _list(self.record, side)[:_SHOWN_SLICES]]

    @property
    def sentences(self) -> list[tuple[str, str]]:
        """(state, sentence) of everything that the run found or measured against a limit."""
        found = [
            (str(each.get("severity", "")), str(each.get("text", "")))
            for each in _list(self.record, "findings")
        ]
        limits = [
            ("ok" if each.get("holds") else "bad", str(each.get("text", "")))
            for each in _list(self.record, "limits")
        ]
        broken = [("bad", str(each.get("text", each))) for each in _list(self.record, "violations")]
        return [("warn" if state in ("warning", "drift") else state, text) for state, text in found] + (
            limits if not found else []
        ) + broken  # fmt: skip

    @property
    def notes(self) -> list[str]:
        return [str(note) for note in self.record.get("notes") or []]

    @property
    def importances(self) -> list[dict[str, Any]]:
        return _list(self.record, "importances")

    @property
    def quality(self) -> list[tuple[str, list[tuple[str, str]]]]:
        """(measure, [(name, value)]) of the six quality measures."""
        return quality_lines(_mapping(self.record, "quality"))

    @property
    def studies(self) -> list[Study]:
        """The trainings with other seeds and folds."""
        return studies_of(self.record)

    @property
    def violations(self) -> list[dict[str, Any]]:
        return _list(self.record, "violations")

    @property
    def aside_note(self) -> str:
        """How many failing rows were set aside."""
        aside = _mapping(self.record, "set_aside")
        if not aside:
            return ""
        rows = aside.get("rows") or 0
        text = ngettext("%(rows)d failing row set aside", "%(rows)d failing rows set aside", rows)
        return text % {"rows": rows}

    @property
    def spec_text(self) -> str:
        """The specification as people read JSON."""
        return json.dumps(self.run.spec, indent=2, ensure_ascii=False, sort_keys=False)


def run_view(run: Run) -> RunView:
    """The record of a run, prepared for its page. No query."""
    record = run.record if isinstance(run.record, dict) else {}
    limits = {each.get("metric"): each for each in _list(record, "limits") if not each.get("slice")}
    baseline = _mapping(record, "baseline_metrics") or _mapping(record, "metrics_reference")
    metrics = [
        MetricLine(name, _number(value), _number(baseline.get(name)), limits.get(name))
        for name, value in list(_mapping(record, "metrics").items())[:_SHOWN_VALUES]
    ]
    more = max(0, len(_mapping(record, "metrics")) - _SHOWN_VALUES)
    return RunView(run, metrics, *_slices(record, limits), more_metrics=more)


def _slices(record: dict[str, Any], limits: Mapping[Any, Any]) -> tuple[list[SliceLine], int]:
    main = str(record.get("main_metric") or "")
    of_slice = {
        (each.get("metric"), each.get("slice")): each for each in _list(record, "limits") if each.get("slice")
    }
    found = _mapping(record, "slices")
    lines = []
    for name, values in list(found.items())[:_SHOWN_SLICES]:
        if not isinstance(values, dict):
            continue
        value, before = _number(values.get(main)), _number(values.get(f"baseline_{main}"))
        limit = of_slice.get((main, name)) or limits.get(main) or _against(main, before)
        band = _mapping(values, "interval")
        lines.append(
            SliceLine(
                name=str(name),
                rows=values.get("rows"),
                value=value,
                baseline=before,
                small=bool(values.get("small")),
                bullet=_bullet(limit, value, before, _number(band.get("low")), _number(band.get("high"))),
            )
        )
    return lines, max(0, len(found) - _SHOWN_SLICES)


def _against(metric: str, baseline: float | None) -> dict[str, Any] | None:
    """Where nobody has set a limit, the baseline is what a slice has to reach."""
    if baseline is None:
        return None
    return {"op": "<=" if any(word in metric for word in _LOWER_IS_BETTER) else ">=", "limit": baseline}


def _bullet(
    limit: Mapping[str, Any] | None,
    value: float | None,
    before: float | None,
    low: float | None = None,
    high: float | None = None,
) -> Bullet | None:
    bound = _number(limit.get("limit")) if limit else None
    if limit is None or bound is None:
        return None
    operator = str(limit.get("op", ">="))
    return Bullet(
        limit=bound, operator=operator if operator in (">=", ">", "<=", "<") else ">=", observed=value,
        before=before, low=low, high=high, digits=3,
    )  # fmt: skip


@dataclass(frozen=True)
class RunList:
    """The newest runs that fit; `more` says that older ones are left out."""

    runs: QuerySet[Run]
    more: bool


def run_list(project: Project, asked: Mapping[str, str]) -> RunList:
    """The runs of a project, newest first, without record and specification, narrowed by kind, state, source,
    name, metric or parameter as `search_runs` has it. 1 query, 1 more for a metric or parameter.

    Only the newest 10,000 are paged and sorted: a page of a million runs costs what one of 10,000 does.
    """
    found = search_runs(runs_of(project).defer("record", "spec"), asked)
    last = next(iter(found.runs.values_list("pk", flat=True)[MOST_PAGED - 1 : MOST_PAGED]), None)
    if last is None:
        return RunList(found.runs, more=bool(found.further))
    return RunList(found.runs.filter(pk__gte=last), more=True)


def evidence_of_run(run: Run) -> list[Evidence]:
    """The tasks that a run proves. 1 query."""
    found = Evidence.objects.filter(snapshot__run=run).select_related("task", "snapshot", "attached_by")
    return list(found.order_by("pk"))


def reproductions_of(run: Run) -> list[Reproduction]:
    """How a training did when it was done again, the last one first. 1 query, none for other runs."""
    if run.kind != Run.Kind.TRAINING:
        return []
    return list(Reproduction.objects.filter(original=run).select_related("run")[:20])


def set_aside_name(run: Run) -> str:
    """Where the failing rows of a data validation of ours are stored; empty for every other run. No query."""
    aside = _mapping(run.record, "set_aside") if isinstance(run.record, dict) else {}
    name, digest = str(aside.get("name") or ""), str(aside.get("sha256") or "")
    is_ours = run.batch_id is None and run.kind == Run.Kind.DATA_VALIDATION
    return name if is_ours and name == f"set-aside/{digest}.csv" else ""


def last_spec(project: Project, kind: str) -> dict[str, Any] | None:
    """The specification of the newest run of this kind, None if there is none. 1 query."""
    return (
        Run.objects.filter(project=project, kind=kind).values_list("spec", flat=True).order_by("-pk").first()
    )


def tasks_for_runs(iteration: Iteration) -> list[Task]:
    """The tasks that a run can be for. 1 query."""
    found = Task.objects.filter(phase__iteration=iteration).select_related("phase")
    return list(found.order_by("phase__order", "order"))


def models_of(project: Project) -> list[ModelVersion]:
    """The model versions, newest first. 1 query."""
    return list(project.model_versions.order_by("-number")[:200])


def _mapping(record: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = record.get(name)
    return value if isinstance(value, dict) else {}


def _list(record: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    value = record.get(name)
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
