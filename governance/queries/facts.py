"""What a gate's criteria may look at, gathered from the records."""

from __future__ import annotations

import datetime as dt
import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from governance.models import Authorization, Condition, Feedback, Finding, Gate, Waiver
from lifecycle.models import (
    Evidence,
    Handoff,
    ModelSignature,
    ModelVersion,
    Phase,
    Reproduction,
    Requirement,
    Risk,
    Task,
)
from lifecycle.prepared import Prepared

_LARGEST = sys.float_info.max  # not a number fails every comparison
_BINDING = (Condition.State.PROPOSED, Condition.State.OPEN, Condition.State.FULFILLED)
_COUNTS = (Evidence.State.ATTACHED, Evidence.State.VERIFIED)

# A gate is looked at with every signature and every page about it: what has no variants is compiled once.
_HANDOFFS = Prepared(
    lambda iteration: (
        Handoff.objects.filter(iteration=iteration).select_related("giver", "taker").order_by("pk")
    ),
    int,
)
_FEEDBACK = Prepared(
    lambda gate: (
        Feedback.objects.filter(gate=gate).select_related("author", "settled_by").order_by("given_at", "pk")
    ),
    int,
)
_CONDITIONS = Prepared(
    lambda gate: Condition.objects.filter(gate=gate).select_related("owner").order_by("pk"), int
)
_RISKS = Prepared(
    lambda iteration: (
        Risk.objects.filter(task__phase__iteration=iteration)
        .exclude(task__state=Task.State.NOT_APPLICABLE)
        .select_related("task__phase")
        .order_by("task__phase__order", "key", "pk")
    ),
    int,
)


@dataclass(frozen=True)
class Facts:
    """The variables of the criteria, and the records that they rest on."""

    variables: dict[str, Any]
    evidence: tuple[Evidence, ...]
    requirements: tuple[Requirement, ...]
    all_waivers: tuple[Waiver, ...]
    all_conditions: tuple[Condition, ...]
    handoffs: tuple[Handoff, ...]
    risks: tuple[Risk, ...]
    findings: tuple[Finding, ...]
    feedback: tuple[Feedback, ...]
    previous: Authorization | None
    previous_evidence: tuple[Evidence, ...]
    phases: tuple[Phase, ...]

    @property
    def waivers(self) -> list[Waiver]:
        """Those that hold now."""
        today = timezone.now().astimezone(dt.UTC).date()
        granted = [each for each in self.all_waivers if each.state == Waiver.State.GRANTED]
        return [each for each in granted if each.expires_on >= today]

    @property
    def conditions(self) -> list[Condition]:
        """Those that the pass is, or would be, bound to."""
        return [each for each in self.all_conditions if each.state in _BINDING]

    def requirements_at(self, gate: Gate) -> list[Requirement]:
        """Those that this gate checks, blocking ones first."""
        here = [requirement for requirement in self.requirements if requirement.gate == gate.key]
        return sorted(here, key=lambda requirement: (not requirement.blocking, requirement.key))


def facts_of(gate: Gate) -> Facts:
    """Everything the criteria of this gate may look at. At most 15 queries, whatever the number of records.

    Metrics come from the snapshots of evaluation and training runs of the gate's model version alone, so that
    another version's numbers can't speak for it; a later evaluation overrides what the training measured.
    """
    previous = _previous(gate)
    evidence, before = _proofs(gate, previous)
    records = _records(evidence, gate.model_version_id)
    metrics, slices = _numbers(records)
    handoffs = tuple(_HANDOFFS.all(gate.iteration_id))
    phases, tasks = _work(gate)
    risks, findings = _risks(gate), _findings(gate)
    feedback = tuple(_FEEDBACK.all(gate.pk))
    variables: dict[str, Any] = {
        "metrics": metrics,
        "slices": slices,
        "previous": _measured(previous, before),
        "tasks": tasks,
        "handoffs": [{"key": each.key, "phase": each.phase_key, "state": each.state} for each in handoffs],
        "risks": [_risk(each, gate.iteration.project.risk_appetite) for each in risks],
        "findings": [_finding(each) for each in findings],
        "feedback": [
            {"about": each.about, "grade": each.grade, "asks_changes": each.asks_changes, "open": each.waits}
            for each in feedback
        ],
        "evidence": [_evidence(item) for item in _standing(evidence)],
        "run": {
            **_run_facts(records, reproduced=_reproduced(evidence, gate.model_version_id)),
            **_signature(gate.model_version_id),
        },
        "data": _data_facts(records),
        "monitoring": _monitoring(evidence),
        "scope": gate.scope,
    }
    requirements = tuple(_current_requirements(gate).order_by("key"))
    variables["requirements"] = _requirements(requirements, metrics, slices)
    conditions = tuple(_CONDITIONS.all(gate.pk))
    return Facts(
        variables, evidence, requirements, tuple(_waivers(gate)), conditions, handoffs, risks, findings,
        feedback, previous, before, phases,
    )  # fmt: skip


def _waivers(gate: Gate) -> QuerySet[Waiver]:
    """The waivers of this gate and model, whichever round they were asked for in. 1 query."""
    found = Waiver.objects.filter(
        gate__iteration=gate.iteration_id, gate__key=gate.key, gate__model_version=gate.model_version_id
    )
    return found.select_related("requested_by", "decided_by").order_by("pk")


def _concerns(gate: Gate) -> Q:
    """Findings about the gate's model or the whole project; those about another model say nothing here."""
    own = ModelVersion.objects.filter(gates=gate).values("digest")
    return Q(model_digest="") | Q(model_digest__in=own)


def holds(operator: str, observed: float, limit: float) -> bool:
    """Whether `observed operator limit` is true, for the four operators of a requirement."""
    return {
        ">=": observed >= limit,
        "<=": observed <= limit,
        ">": observed > limit,
        "<": observed < limit,
    }[operator]


def is_agreed(requirement: Requirement) -> bool:
    """Whether it may be measured against; a change that nobody has agreed to yet never holds."""
    return requirement.state != Requirement.State.DRAFT


def _current_requirements(gate: Gate) -> QuerySet[Requirement]:
    """What is agreed, and changes not agreed yet: else changing a requirement would take it off the gate.

    A key that came up when the gate's iteration was over is asked of later work, not of what was decided.
    """
    without = Q(state=Requirement.State.SUPERSEDED) | Q(state=Requirement.State.DRAFT, version=1)
    asked = gate.iteration.project.requirements
    if gate.iteration.closed_at is not None:
        later = asked.filter(version=1, created_at__gt=gate.iteration.closed_at)
        without |= Q(key__in=later.values("key"))
    return asked.exclude(without)


def _records(evidence: Iterable[Evidence], model_version_id: int | None) -> list[dict[str, Any]]:
    """Training and evaluation records of the model version, training first, then in order of attachment."""
    found = [
        (item.snapshot.kind == "EVR", _record(item))
        for item in evidence
        if item.state in _COUNTS
        and item.snapshot.kind in ("TRN", "EVR")
        and item.snapshot.run is not None
        and item.snapshot.run.model_version_id == model_version_id
    ]
    return [content for _evaluated, content in sorted(found, key=lambda pair: pair[0])]


def _record(item: Evidence) -> dict[str, Any]:
    """The record of the run behind a piece of evidence."""
    return _mapping(_mapping(json.loads(item.snapshot.content)).get("record"))


def _mapping(value: object) -> dict[str, Any]:
    """A record comes from outside: what should be an object and is not holds nothing."""
    return value if isinstance(value, dict) else {}


def _numbers(records: list[dict[str, Any]]) -> tuple[dict[str, float], dict[str, dict[str, float]]]:
    metrics: dict[str, float] = {}
    slices: dict[str, dict[str, float]] = {}
    for record in records:
        metrics.update(_clean(record.get("quality_metrics")))
        metrics.update(_clean(record.get("metrics")))
        for name, values in _mapping(record.get("slices")).items():
            slices.setdefault(name, {}).update(_clean(values))
    return metrics, slices


def _clean(values: object) -> dict[str, float]:
    """Finite numbers only, as doubles: CEL does not compare whole numbers with fractions; null is missing."""
    return {
        name: float(value)
        for name, value in _mapping(values).items()
        if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _LARGEST
    }


def _previous(gate: Gate) -> Authorization | None:
    """The authorization that another version had last, before this was decided."""
    found = Authorization.objects.filter(project=gate.iteration.project_id)
    if gate.environment:
        found = found.filter(environment=gate.environment)
    if gate.decided_at is not None:
        found = found.filter(valid_from__lt=gate.decided_at)
    found = found.exclude(model_version=gate.model_version_id)
    return found.select_related("model_version", "gate").order_by("-valid_from", "-pk").first()


def _proofs(gate: Gate, previous: Authorization | None) -> tuple[tuple[Evidence, ...], tuple[Evidence, ...]]:
    """The evidence of the iteration, and of the runs of the version before. 1 query."""
    here = Q(task__phase__iteration=gate.iteration)
    last = previous.model_version_id if previous is not None else None
    which = here | Q(snapshot__run__model_version=last) if last is not None else here
    found = Evidence.objects.filter(which).select_related("snapshot__run", "task__phase")
    listed = list(found.order_by("attached_at", "pk"))
    own = tuple(each for each in listed if each.task.phase.iteration_id == gate.iteration_id)
    before = tuple(
        each
        for each in listed
        if last is not None and each.snapshot.run and each.snapshot.run.model_version_id == last
    )
    return own, before


def _measured(last: Authorization | None, evidence: tuple[Evidence, ...]) -> dict[str, Any] | None:
    if last is None:
        return None
    metrics, slices = _numbers(_records(evidence, last.model_version_id))
    return {"metrics": metrics, "slices": slices}


def _findings(gate: Gate) -> tuple[Finding, ...]:
    found = Finding.objects.filter(_concerns(gate), project=gate.iteration.project_id)
    if gate.decided_at is not None:
        # Glass broken for another version says nothing against what was decided: it holds the next gate. Nor
        # does what runs without an authorization.
        later = {"opened_at__gte": gate.decided_at}
        found = found.exclude(break_glass__isnull=False, **later).exclude(of_running=True, **later)
    return tuple(found.select_related("owner").order_by("pk"))


def _finding(finding: Finding) -> dict[str, Any]:
    """`state` is what it is for a decision: open until another person has verified that it was put right."""
    today = timezone.now().astimezone(dt.UTC).date()
    return {
        "id": finding.pk,
        "title": finding.title,
        "severity": finding.severity,
        "state": "open" if finding.stands else "settled",
        "open": finding.stands,
        "holds": finding.holds,
        "overdue": finding.stands and finding.due_on is not None and finding.due_on < today,
    }


def _work(gate: Gate) -> tuple[tuple[Phase, ...], list[dict[str, Any]]]:
    """The phases of the iteration, and its tasks as the criteria see them. 1 query."""
    fields = ("pk", "key", "name", "order", "state", "tasks__key", "tasks__state", "tasks__mandatory")
    rows = list(
        Phase.objects.filter(iteration=gate.iteration_id)
        .order_by("order", "tasks__order")
        .values_list(*fields)
    )
    phases = {
        pk: Phase(pk=pk, iteration_id=gate.iteration_id, key=key, name=name, order=order, state=state)
        for pk, key, name, order, state, *_task in rows
    }
    tasks = [
        {"key": key, "phase": phase, "state": state, "mandatory": mandatory, "verified": state == "verified"}
        for _pk, phase, _name, _order, _state, key, state, mandatory in rows
        if key is not None
    ]
    return tuple(phases.values()), tasks


def _risks(gate: Gate) -> tuple[Risk, ...]:
    """The risks of the phases up to the gate's: what comes later is not looked at yet."""
    found = _RISKS.all(gate.iteration_id)
    return tuple(each for each in found if each.task.phase.order <= gate.phase.order)


def _risk(risk: Risk, appetite: int) -> dict[str, Any]:
    """`acceptable` while it is closed, or accepted and the last day of that is not past."""
    return {
        "key": risk.key,
        "phase": risk.task.phase.key,
        "score": risk.score if risk.score is not None else -1,
        "appetite": appetite,
        "state": risk.state,
        "acceptable": risk.state == Risk.State.CLOSED
        or (risk.state == Risk.State.ACCEPTED and not _is_over(risk.accepted_until)),
        "until": risk.accepted_until.isoformat() if risk.accepted_until else "",
    }


def _is_over(day: dt.date | None) -> bool:
    return day is not None and day < timezone.now().astimezone(dt.UTC).date()


def _requirements(
    requirements: Iterable[Requirement], metrics: dict[str, float], slices: dict[str, dict[str, float]]
) -> list[dict[str, Any]]:
    found = []
    for requirement in requirements:
        held_in = slices.get(requirement.slice, {}) if requirement.slice else metrics
        observed = held_in.get(requirement.metric)
        met = (
            observed is not None
            and is_agreed(requirement)
            and holds(requirement.operator, observed, requirement.limit)
        )
        found.append(
            {
                "key": requirement.key,
                "gate": requirement.gate,
                "metric": requirement.metric,
                "slice": requirement.slice,
                "blocking": requirement.blocking,
                "met": met,
            }
        )
    return found


def _standing(evidence: Iterable[Evidence]) -> list[Evidence]:
    """What counts, and what has lapsed without newer evidence of its kind in its place."""
    listed = list(evidence)
    renewed = {(item.task_id, item.snapshot.kind) for item in listed if item.state in _COUNTS}
    return [
        item for item in listed if item.state in _COUNTS or (item.task_id, item.snapshot.kind) not in renewed
    ]


def _evidence(item: Evidence) -> dict[str, Any]:
    return {
        "kind": item.snapshot.kind,
        "task": item.task.key,
        "verified": item.state == Evidence.State.VERIFIED,
        "expired": item.state in (Evidence.State.EXPIRED, Evidence.State.REJECTED),
        "source": item.snapshot.source_state,
    }


def _reproduced(evidence: Iterable[Evidence], model_version_id: int | None) -> bool:
    """Another training gave this model, or its training was done again and came out within tolerance."""
    runs = {
        item.snapshot.run_id
        for item in evidence
        if item.state in _COUNTS
        and item.snapshot.kind == "TRN"
        and item.snapshot.run is not None
        and item.snapshot.run.model_version_id == model_version_id
    }
    if model_version_id is None or not runs:
        return False
    near = (Reproduction.State.SAME, Reproduction.State.WITHIN)
    return len(runs) > 1 or Reproduction.objects.filter(original__in=runs, state__in=near).exists()


def _run_facts(records: list[dict[str, Any]], *, reproduced: bool) -> dict[str, Any]:
    """Counts of rows from training and evaluation; whether another run made the very same model."""
    found: dict[str, Any] = {"reproduced": reproduced}
    for record in records:
        split, rows = _mapping(record.get("split")), _mapping(record.get("rows"))
        named = {
            "rows_train": split.get("train_rows"),
            "rows_test": rows.get("judged") or split.get("test_rows"),
        }
        found.update({name: value for name, value in named.items() if value is not None})
    return found


def _signature(model_version_id: int | None) -> dict[str, Any]:
    """What the signature of the model was worth when it was last looked at: `none` without one. 1 query."""
    found = ModelSignature.objects.filter(model_version=model_version_id).order_by("-pk")
    state, key = found.values_list("state", "key_name").first() or ("none", "")
    return {"model_signature": state, "model_signed_by": key}


def _data_facts(records: list[dict[str, Any]]) -> dict[str, Any]:
    data = _mapping(records[-1].get("data")) if records else {}
    return {**data, "digest": data.get("sha256", "")}


def _monitoring(evidence: Iterable[Evidence]) -> dict[str, Any]:
    found = [item for item in evidence if item.snapshot.kind == "MON" and item.state in _COUNTS]
    if not found:
        return {}
    return _record(found[-1])
