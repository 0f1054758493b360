"""Runs of an iteration as documents: what was computed, on what, with which result."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from lifecycle.models import Requirement, Run
from reports.documents import Mark, Measure, State
from reports.documents import Run as RunDocument
from reports.queries.measures import limits_at, limits_of, measures_of
from reports.queries.moment import Moment, mark, name_of

KINDS = {
    Run.Kind.TRAINING: "training",
    Run.Kind.EVALUATION: "evaluation",
    Run.Kind.DATA_VALIDATION: "data validation",
    Run.Kind.DEPLOYMENT: "deployment",
    Run.Kind.MONITORING: "monitoring",
}


def run_document(
    run: Run, requirements: Sequence[Requirement], snapshots: Mapping[int, str], moment: Moment
) -> RunDocument:
    """One run. `snapshots` maps runs to the digest they were frozen under. No query."""
    record: Mapping[str, Any] = run.record if moment.seen(run.finished_at) else {}
    data: Mapping[str, Any] = record.get("data") or {}
    return RunDocument(
        code=run.label.replace(" ", "\u00a0"),
        kind=KINDS.get(Run.Kind(run.kind), run.kind),
        title=run.title,
        mark=_mark(run, moment),
        started_by=name_of(run.started_by, _("Gatebook")),
        started_at=run.started_at or run.created_at,
        finished_at=moment.seen(run.finished_at),
        seconds=record.get("duration_s"),
        data=str(data.get("uri", "")),
        data_digest=str(data.get("sha256") or ""),
        source=_source(record.get("code") or {}),
        model_digest=str(record.get("model_sha256") or record.get("model_digest") or ""),
        snapshot=snapshots.get(run.pk, ""),
        parameters=_parameters(run, record),
        measures=_measures(run, record, requirements),
        error=run.error if moment.seen(run.finished_at) else "",
    )


def _mark(run: Run, moment: Moment) -> Mark:
    if not moment.seen(run.finished_at):
        return mark(State.IDLE, _("running") if moment.seen(run.started_at) else _("queued"))
    failed = run.state == Run.State.FAILED
    return mark(State.BAD if failed else State.OK, run.get_state_display())


def _source(code: Mapping[str, Any]) -> str:
    """Versions of what computed it; the most telling first."""
    order = ("gatebook", "python", "scikit-learn", "numpy", "pandas", "scipy")
    return ", ".join(f"{name} {code[name]}" for name in order if code.get(name))


def _parameters(run: Run, record: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    given = dict(record.get("parameters") or {})
    if run.kind == Run.Kind.DEPLOYMENT:
        given = {key: record[key] for key in ("environment", "scope") if record.get(key)}
    if split := record.get("split"):
        given["split"] = ", ".join(f"{key} {value}" for key, value in split.items() if value is not None)
    return tuple((str(key), _plain(value)) for key, value in given.items() if value is not None)


def _plain(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(_plain, value))
    if isinstance(value, Mapping):
        return "; ".join(f"{key}: {_plain(item)}" for key, item in value.items())
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return f"{value:g}" if isinstance(value, float) else str(value)


def _measures(
    run: Run, record: Mapping[str, Any], requirements: Sequence[Requirement]
) -> tuple[Measure, ...]:
    if run.kind == Run.Kind.DATA_VALIDATION and record:
        rows = (record.get("data") or {}).get("rows")
        return (
            Measure(
                name=_("rows that violate a rule"), value=record.get("violation_rows"), rows=rows, digits=0
            ),
            Measure(name=_("share of missing values"), value=record.get("missing_share"), rows=rows),
        )
    return measures_of(record, limits_at(requirements, run.created_at) | limits_of(record))
