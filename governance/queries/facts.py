"""What a gate's criteria may look at, gathered from the records."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet

from governance.models import Authorization, Finding, Gate
from lifecycle.models import Evidence, ModelSignature, ModelVersion, Reproduction, Requirement, Risk, Task

_LARGEST = sys.float_info.max  # not a number fails every comparison
_COUNTS = (Evidence.State.ATTACHED, Evidence.State.VERIFIED)


@dataclass(frozen=True)
class Facts:
    """The variables of the criteria, and the records that they rest on."""

    variables: dict[str, Any]
    evidence: tuple[Evidence, ...]
    requirements: tuple[Requirement, ...]

    def requirements_at(self, gate: Gate) -> list[Requirement]:
        """Those that this gate checks, blocking ones first."""
        here = [requirement for requirement in self.requirements if requirement.gate == gate.key]
        return sorted(here, key=lambda requirement: (not requirement.blocking, requirement.key))


def facts_of(gate: Gate) -> Facts:
    """Everything the criteria of this gate may look at. 9 queries, whatever the number of records.

    Metrics come from the snapshots of evaluation and training runs of the gate's model version alone, so that
    another version's numbers can't speak for it; a later evaluation overrides what the training measured.
    """
    evidence = tuple(
        Evidence.objects.filter(task__phase__iteration=gate.iteration)
        .select_related("snapshot__run", "task__phase")
        .order_by("attached_at", "pk")
    )
    records = _records(evidence, gate.model_version_id)
    metrics, slices = _numbers(records)
    variables: dict[str, Any] = {
        "metrics": metrics,
        "slices": slices,
        "previous": _previous(gate),
        "tasks": _tasks(gate),
        "handoffs": [
            {"key": key, "phase": phase, "state": state}
            for key, phase, state in gate.iteration.handoffs.values_list("key", "phase_key", "state")
        ],
        "risks": _risks(gate),
        "findings": list(
            Finding.objects.filter(_concerns(gate), project=gate.iteration.project)
            .values("severity", "state")
            .order_by("pk")
        ),
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
    return Facts(variables, evidence, requirements)


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
    """What is agreed, and changes not agreed yet: else changing a requirement would take it off the gate."""
    without = Q(state=Requirement.State.SUPERSEDED) | Q(state=Requirement.State.DRAFT, version=1)
    return gate.iteration.project.requirements.exclude(without)


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


def _previous(gate: Gate) -> dict[str, Any] | None:
    last = (
        Authorization.objects.filter(project=gate.iteration.project, environment=gate.environment)
        .exclude(model_version=gate.model_version_id)
        .select_related("model_version")
        .order_by("-valid_from", "-pk")
        .first()
    )
    if last is None:
        return None
    metrics, slices = _numbers(_all_records(last.model_version))
    return {"metrics": metrics, "slices": slices}


def _all_records(version: ModelVersion) -> list[dict[str, Any]]:
    evidence = Evidence.objects.filter(snapshot__run__model_version=version).select_related("snapshot__run")
    return _records(evidence.order_by("attached_at", "pk"), version.pk)


def _tasks(gate: Gate) -> list[dict[str, Any]]:
    rows = Task.objects.filter(phase__iteration=gate.iteration_id)
    return [
        {"key": key, "phase": phase, "state": state, "mandatory": mandatory, "verified": state == "verified"}
        for phase, key, state, mandatory in rows.order_by("phase__order", "order").values_list(
            "phase__key", "key", "state", "mandatory"
        )
    ]


def _risks(gate: Gate) -> list[dict[str, Any]]:
    """The risks of the phases up to the gate's: what comes later is not looked at yet."""
    appetite = gate.iteration.project.risk_appetite
    reached = Risk.objects.filter(
        task__phase__iteration=gate.iteration, task__phase__order__lte=gate.phase.order
    ).exclude(task__state=Task.State.NOT_APPLICABLE)
    rows = reached.values_list("key", "task__phase__key", "score", "state")
    return [
        {
            "key": key,
            "phase": phase,
            "score": score if score is not None else -1,
            "appetite": appetite,
            "state": state,
            "acceptable": state in (Risk.State.ACCEPTED, Risk.State.CLOSED),
        }
        for key, phase, score, state in rows.order_by("task__phase__order", "key", "pk")
    ]


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
