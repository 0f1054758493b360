"""Records of the work: tasks, risks, requirements, handoffs, data, runs, monitoring, firings."""

from __future__ import annotations

import datetime as dt
from typing import Any

from governance.models import CriterionResult
from governance.queries.compliance_records import Record, Scope, gathers, last_trouble
from ledger.models import Entry
from lifecycle.actions import LifecycleAction
from lifecycle.models import (
    DataSetVersion,
    Evidence,
    Firing,
    Handoff,
    MonitoringPlan,
    Reproduction,
    Requirement,
    Risk,
    Run,
    Task,
    TestSet,
)
from lifecycle.queries.score import score_of

_DONE = (Task.State.VERIFIED, Task.State.NOT_APPLICABLE)
_COUNTS = (Evidence.State.ATTACHED, Evidence.State.VERIFIED)
_LAST = 60


@gathers("tasks")
def tasks(scope: Scope) -> list[Record]:
    """Each task where it was done last."""
    good: dict[int, int] = {}
    stale: set[int] = set()
    for item in scope.evidence:
        if item.state in _COUNTS and not item.snapshot.source_differs:
            good[item.task_id] = good.get(item.task_id, 0) + 1
        elif item.state in _COUNTS:
            stale.add(item.task_id)
    return [
        {
            "ref": ("task", task.pk, f"{task.key} {task.name}"[:300]),
            "key": task.key,
            "phase": task.phase.key,
            "state": task.state,
            "done": task.state in _DONE,
            "verified": task.state == Task.State.VERIFIED,
            "not_applicable": task.state == Task.State.NOT_APPLICABLE,
            "begun": task.state != Task.State.PLANNED,
            "reopened": task.state in (Task.State.REOPENED, Task.State.BLOCKED),
            "mandatory": task.mandatory,
            "owned": task.owner_id is not None,
            "owner_active": task.owner is not None
            and task.owner.is_active
            and task.owner_id in scope.members,
            "two_people": task.verified_by_id is None or task.verified_by_id != task.owner_id,
            "evidence": good.get(task.pk, 0),
            "evidence_changed": task.pk in stale,
            "overdue": task.state not in _DONE and scope.days_left(task.due_on) < 0,
        }
        for task in scope.tasks
    ]


@gathers("evidence")
def evidence(scope: Scope) -> list[Record]:
    """Evidence of the work that stands, but what newer evidence of its kind has replaced."""
    renewed = {(each.task_id, each.snapshot.kind) for each in scope.evidence if each.state in _COUNTS}
    return [
        {
            "ref": ("task", each.task_id, f"{each.task.key}: {each.snapshot}"[:300]),
            "kind": each.snapshot.kind,
            "task": each.task.key,
            "verified": each.state == Evidence.State.VERIFIED,
            "counts": each.state in _COUNTS,
            "source_same": not each.snapshot.source_differs,
        }
        for each in scope.evidence
        if each.state in _COUNTS or (each.task_id, each.snapshot.kind) not in renewed
    ]


@gathers("risks")
def risks(scope: Scope) -> list[Record]:
    """Risks of the work that stands. 2 queries."""
    found = Risk.objects.filter(task__in=[each.pk for each in scope.tasks]).select_related("task__owner")
    assessed = _last_looks(scope)
    trouble = last_trouble(scope)
    appetite = scope.project.risk_appetite
    return [
        {
            "ref": ("risk", each.pk, f"{each.key} {each.text}"[:300]),
            "key": each.key,
            "state": each.state,
            "task_applies": each.task.state != Task.State.NOT_APPLICABLE,
            "assessed": each.score is not None,
            "within": each.score is not None and each.score <= appetite,
            "settled": each.state in (Risk.State.ACCEPTED, Risk.State.CLOSED),
            "owned": each.task.owner_id is not None,
            "underway": each.state
            in (Risk.State.IDENTIFIED, Risk.State.ASSESSED, Risk.State.QA_SELECTED, Risk.State.IN_MITIGATION),
            "acceptance_over": each.accepted_until is not None and scope.days_left(each.accepted_until) < 0,
            "looked_at_days": scope.age(assessed.get(str(each.pk))),
            "after_trouble": trouble is None
            or (str(each.pk) in assessed and assessed[str(each.pk)] >= trouble),
        }
        for each in found.order_by("task__phase__order", "key", "pk")
    ]


def _last_looks(scope: Scope) -> dict[str, dt.datetime]:
    """When each risk was last assessed, accepted or otherwise written of in the ledger. 1 query."""
    found = Entry.objects.filter(project=scope.project.slug, subject_type="lifecycle.risk")
    return dict(found.order_by("index").values_list("subject_id", "recorded_at"))


@gathers("requirements")
def requirements(scope: Scope) -> list[Record]:
    """Requirements in force, with what the last evaluation of their gate said. 4 queries."""
    agreed: dict[str, tuple[Any, str]] = {}
    words = Entry.objects.filter(project=scope.project.slug, action=LifecycleAction.REQUIREMENT_AGREED)
    for key, moment, actor in words.order_by("index").values_list("subject_id", "recorded_at", "actor"):
        agreed[key] = (moment, actor)
    verdicts = _verdicts(scope)
    first = _first_candidate(scope)
    found = scope.project.requirements.exclude(state=Requirement.State.SUPERSEDED)
    listed = []
    for each in found.select_related("created_by").order_by("key"):
        moment, actor = agreed.get(str(each.pk), (None, ""))
        verdict = verdicts.get(each.key, "")
        listed.append(
            {
                "ref": ("requirement", each.pk, f"{each.key}: {each.statement}"[:300]),
                "key": each.key,
                "agreed": moment is not None,
                "changed": each.version > 1,
                "agreed_by_another": moment is not None and actor != each.created_by.actor_key,
                "before_candidate": moment is not None and (first is None or moment <= first),
                "met": verdict == CriterionResult.Verdict.MET,
                "waived": verdict == CriterionResult.Verdict.WAIVED,
                "judged": verdict != "",
                "of_slice": each.slice != "",
                "blocking": each.blocking,
            }
        )
    return listed


def _verdicts(scope: Scope) -> dict[str, str]:
    """What each criterion came to when it was last evaluated for a version that stands. 1 query."""
    found = CriterionResult.objects.filter(evaluation__gate__iteration__project=scope.project)
    if scope.live:
        found = found.filter(evaluation__gate__model_version__in=scope.models)
    rows = found.order_by("evaluation__evaluated_at", "evaluation_id", "order").values_list("key", "verdict")
    return dict(rows)


def _first_candidate(scope: Scope) -> Any:
    """When the first training of the iteration whose work stands began. 1 query."""
    base = scope.base
    if base is None:
        return None
    found = Run.objects.filter(
        project=scope.project, iteration=base, kind=Run.Kind.TRAINING, started_at__isnull=False
    )
    return found.order_by("started_at").values_list("started_at", flat=True).first()


@gathers("handoffs")
def handoffs(scope: Scope) -> list[Record]:
    """Handoffs of the iterations up to the one whose work stands. 2 queries."""
    number = scope.base.number if scope.base else 0
    found = Handoff.objects.filter(iteration__project=scope.project, iteration__number__lte=number)
    return [
        {
            "ref": ("handoff", each.pk, f"{each.key} {each.title}"[:300]),
            "state": each.state,
            "planned": each.state in (Handoff.State.PLANNED, Handoff.State.CANCELLED),
            "accepted": each.state == Handoff.State.ACCEPTED,
            "two_people": each.giver_id is not None and each.taker_id not in (None, each.giver_id),
            "ticked": all(line.ticked_at is not None for line in each.criteria.all()),
            "overdue": each.state in (Handoff.State.OFFERED, Handoff.State.RETURNED)
            and scope.days_left(each.due_on) < 0,
            "in_time": each.due_on is None
            or each.decided_at is None
            or each.decided_at.date() <= each.due_on,
        }
        for each in found.prefetch_related("criteria").order_by("iteration__number", "key", "pk")
    ]


_FIELDS = (
    "pk", "kind", "title", "model_version_id", "started_by_id", "started_at", "finished_at", "batch_id",
    "created_at", "spec_digest", "record__data__sha256", "record__code", "record__seeds",
    "record__parameters", "record__metrics", "record__baseline_metrics", "record__slices",
    "record__interval", "record__quality_metrics", "record__importances", "record__verdict",
    "record__model_sha256", "model_version__digest", "record__reference__sha256", "record__share_drifted",
    "record__metrics_reference",
)  # fmt: skip


@gathers("runs")
def runs(scope: Scope) -> list[Record]:
    """Runs that stand as evidence for the work, and the newest monitoring. 2 queries."""
    used = {
        each.snapshot.run_id
        for each in scope.evidence
        if each.state in _COUNTS and each.snapshot.run_id is not None
    }
    proofs = Run.objects.filter(pk__in=used).values(*_FIELDS)
    watched = Run.objects.filter(
        project=scope.project, kind=Run.Kind.MONITORING, state=Run.State.FINISHED,
        model_version__in=scope.models,
    )  # fmt: skip
    newest = watched.order_by("-finished_at", "-pk").values(*_FIELDS)[:_LAST]
    rows = {row["pk"]: row for row in [*newest, *proofs]}
    return [_run(scope, row) for _pk, row in sorted(rows.items())]


def _run(scope: Scope, row: dict[str, Any]) -> Record:
    slices = _mapping(row["record__slices"])
    measured = _mapping(row["record__metrics"])
    quality = _mapping(row["record__quality_metrics"])
    code = _mapping(row["record__code"])
    said = row["record__model_sha256"] or ""
    return {
        "ref": ("run", row["pk"], f"{row['kind']} {row['pk']} {row['title']}"[:300]),
        "kind": row["kind"],
        "current": row["model_version_id"] is not None and row["model_version_id"] in scope.models,
        "has_model": row["model_version_id"] is not None,
        "data_named": bool(row["record__data__sha256"] or row["record__reference__sha256"]),
        "model_same": not said or said == (row["model_version__digest"] or said),
        "complete": bool(
            (row["spec_digest"] or row["record__parameters"])
            and code
            and (code.get("commit") or row["batch_id"] is not None)
            and row["started_at"]
            and row["finished_at"]
            and (row["started_by_id"] or row["batch_id"] is None)
        ),
        "environment": bool(code),
        "seeded": bool(row["record__seeds"]),
        "timed": bool(row["started_at"] and row["finished_at"]),
        "valid": row["record__verdict"] in ("valid", "met", "ok"),
        "verdict": row["record__verdict"] or "",
        "metrics": len(measured),
        "slices": len(slices),
        "slices_counted": bool(slices)
        and all(_mapping(each).get("rows") is not None for each in slices.values()),
        "slices_small": sum(bool(_mapping(each).get("small")) for each in slices.values()),
        "slices_with_interval": bool(slices)
        and all(_mapping(each).get("interval") or _mapping(each).get("small") for each in slices.values()),
        "robust": quality.get("noise_drop") is not None or quality.get("missing_drop") is not None,
        "explained": bool(row["record__importances"]),
        "baseline": bool(row["record__baseline_metrics"]),
        "uncertainty": bool(row["record__interval"])
        or quality.get("seed_std") is not None
        or "brier" in measured
        or "log_loss" in measured,
        "seed_study": quality.get("seed_std") is not None or quality.get("fold_std") is not None,
        "labels": bool(measured),
        "age_days": scope.age(row["finished_at"]),
    }


def _mapping(value: object) -> dict[str, Any]:
    """A record comes from outside: what should be an object and is not holds nothing."""
    return value if isinstance(value, dict) else {}


@gathers("reproductions")
def reproductions(scope: Scope) -> list[Record]:
    """Models that stand, and whether another training came to the same. 2 queries."""
    near = (Reproduction.State.SAME, Reproduction.State.WITHIN)
    trained: dict[int, list[dict[str, Any]]] = {}
    found = Run.objects.filter(
        kind=Run.Kind.TRAINING, state=Run.State.FINISHED, model_version__in=scope.models
    )
    fields = ("pk", "title", "model_version_id", "record__quality_metrics__seed_std")
    for row in found.order_by("pk").values(*fields):
        trained.setdefault(row["model_version_id"], []).append(row)
    runs_behind = [row["pk"] for rows in trained.values() for row in rows]
    settled = dict(Reproduction.objects.filter(original__in=runs_behind).values_list("original_id", "state"))
    return [
        {
            "ref": ("run", rows[0]["pk"], f"TRN {rows[0]['pk']} {rows[0]['title']}"[:300]),
            "repeated": len(rows) > 1
            or any(settled.get(row["pk"]) in near for row in rows)
            or any(row["record__quality_metrics__seed_std"] is not None for row in rows),
            "differs": any(settled.get(row["pk"]) == Reproduction.State.DIFFERS for row in rows),
        }
        for rows in trained.values()
    ]


@gathers("data")
def data(scope: Scope) -> list[Record]:
    """Data sets that the project's runs used. 1 query."""
    found = DataSetVersion.objects.filter(data_set__project=scope.project).select_related("data_set")
    newest: dict[int, DataSetVersion] = {}
    for version in found.order_by("data_set_id", "number"):
        newest[version.data_set_id] = version
    return [
        {
            "ref": ("data-set", each.data_set_id, str(each)[:300]),
            "named": bool(each.digest),
            "counted": each.rows is not None,
            "typed": bool(each.schema),
            "origin": bool(each.data_set.source or each.uri),
            "described": bool(each.data_set.licence and each.data_set.owner),
        }
        for each in newest.values()
    ]


@gathers("test_sets")
def test_sets(scope: Scope) -> list[Record]:
    """Test sets under lock. 1 query."""
    return [
        {
            "ref": ("project", scope.project.pk, str(each)[:300]),
            "left": each.max_uses - each.uses,
            "within": each.uses <= each.max_uses,
        }
        for each in TestSet.objects.filter(project=scope.project).order_by("pk")
    ]


@gathers("plans")
def plans(scope: Scope) -> list[Record]:
    """Monitoring of each live version: a plan in force, or watching that a schedule or a person starts."""
    found = MonitoringPlan.objects.filter(project=scope.project).exclude(
        state=MonitoringPlan.State.SUPERSEDED
    )
    active = {
        (each.model_version_id, each.environment)
        for each in found
        if each.state == MonitoringPlan.State.ACTIVE
    }
    watched = _last_watched(scope)
    return [
        {
            "ref": ("deployment", each.pk, str(each)[:300]),
            "planned": (each.model_version_id, each.environment) in active,
            "watched_days": watched.get(each.model_version_id, scope.age(None)),
            "live_days": scope.age(each.deployed_at),
        }
        for each in scope.live
    ]


def _last_watched(scope: Scope) -> dict[int, int]:
    """Days since each live version was last monitored. 1 query."""
    if "watched" not in scope.cache:
        found = Run.objects.filter(
            project=scope.project, kind=Run.Kind.MONITORING, state=Run.State.FINISHED,
            model_version__in=scope.models,
        ).order_by("finished_at")  # fmt: skip
        rows = found.values_list("model_version_id", "finished_at")
        scope.cache["watched"] = {pk: scope.age(moment) for pk, moment in rows}
    return dict(scope.cache["watched"])


@gathers("firings")
def firings(scope: Scope) -> list[Record]:
    """What triggers saw. 1 query."""
    found = Firing.objects.filter(trigger__project=scope.project).select_related("trigger")
    return [
        {
            "ref": ("firing", each.pk, str(each)[:300]),
            "settled": each.state != Firing.State.WAITING,
            "says_what": bool(each.outcome) or each.state == Firing.State.MERGED,
            "age_days": scope.age(each.fired_at),
        }
        for each in found.order_by("-fired_at", "-pk")[:200]
    ]


@gathers("score_items")
def score_items(scope: Scope) -> list[Record]:
    """The 28 items of the ML Test Score. 9 queries."""
    return [
        {
            "ref": ("score", scope.project.pk, f"{line.item.key} {line.item.text}"[:300]),
            "key": line.item.key,
            "points": float(line.points),
            "claims_more": line.above,
            "proven": line.found is not None,
        }
        for line in score_of(scope.project).lines
    ]
