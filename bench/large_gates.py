"""The gates of a few projects: one passed, with its authorization and deployment, and one open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import rfc8785

from bench import large_parts
from bench.large import days, digest
from bench.large_rows import bulk
from governance.actions import GovernanceAction as Action
from governance.models import Authorization, CriterionResult, Deployment, Evaluation, Finding, Gate, Signoff
from ledger.services import Record
from lifecycle.models import Iteration, ModelVersion, Phase

if TYPE_CHECKING:
    from bench.large_projects import Maker

PASSED, OPEN = "G3", "G4"
ENVIRONMENT = "production"


def make(
    maker: Maker, iterations: Sequence[Iteration], phases: Sequence[Phase], models: Sequence[ModelVersion]
) -> list[Record]:
    """Write the rows; the ledger's records are given back."""
    gates = bulk(
        _gate(maker, iteration, phases, model, key)
        for iteration, model in zip(iterations, models, strict=True)
        for key in (PASSED, OPEN)
    )
    large_parts.exceptions(maker, [gate for gate in gates if gate.key == OPEN])
    evaluations = bulk(_evaluation(maker, gate) for gate in gates)
    bulk(each for evaluation in evaluations for each in _results(evaluation))
    passed = [gate for gate in gates if gate.key == PASSED]
    bulk(
        each
        for evaluation in evaluations
        if evaluation.gate.key == PASSED
        for each in _signed(maker, evaluation)
    )
    authorizations = bulk(_authorization(maker, gate) for gate in passed)
    bulk(_deployment(maker, each) for each in authorizations)
    bulk(
        Finding(project=gate.iteration.project, title="Sign the waiver", severity="low", opened_at=maker.now)
        for gate in passed
    )
    lead = maker.people[0]
    opened = [
        Record(lead, Action.GATE_OPENED, gate, gate.iteration.project.slug, {"gate": gate.key})
        for gate in gates
    ]
    given = [
        Record(lead, Action.AUTHORIZATION_GIVEN, each, each.project.slug, {"model": each.model_digest})
        for each in authorizations
    ]
    return [*opened, *given]


def _gate(maker: Maker, iteration: Iteration, phases: Sequence[Phase], model: ModelVersion, key: str) -> Gate:
    part = next(gate for gate in maker.document.gates if gate.key == key)
    phase = next(each for each in phases if each.iteration_id == iteration.pk and each.key == part.between[0])
    passed = key == PASSED
    return Gate(
        iteration=iteration, phase=phase, key=key, name=part.name, question=part.question,
        definition=part.model_dump(mode="json"), model_version=model, environment=ENVIRONMENT,
        scope={"country": ["US", "IT"]}, state="passed" if passed else "open", requested_by=maker.people[0],
        opened_at=days(maker.now, -20), decided_at=days(maker.now, -15) if passed else None,
    )  # fmt: skip


def _evaluation(maker: Maker, gate: Gate) -> Evaluation:
    subject = rfc8785.dumps({"gate": gate.pk, "model": digest(f"model {gate.pk}")}).decode()
    return Evaluation(
        gate=gate, verdict=gate.state == "passed", subject=subject, digest=digest(subject),
        evaluated_at=days(maker.now, -16),
    )  # fmt: skip


def _results(evaluation: Evaluation) -> list[CriterionResult]:
    return [
        CriterionResult(
            evaluation=evaluation, order=order, key=part["key"], words=part.get("words") or part["key"],
            expression=part["expression"], blocking=True, reason="",
            verdict="met" if evaluation.verdict or order % 2 else "not_met", observed=0.81, limit=0.8,
        )
        for order, part in enumerate(evaluation.gate.definition["criteria"], 1)
    ]  # fmt: skip


def _signed(maker: Maker, evaluation: Evaluation) -> list[Signoff]:
    return [
        Signoff(
            gate=evaluation.gate, evaluation=evaluation, signer=signer, signer_name=str(signer),
            decision="approve", meaning="approval", digest=evaluation.digest, signed_at=days(maker.now, -15),
        )
        for signer in maker.people[1:3]
    ]  # fmt: skip


def _authorization(maker: Maker, gate: Gate) -> Authorization:
    model = gate.model_version
    assert model is not None
    return Authorization(
        project=gate.iteration.project, gate=gate, model_version=model, model_digest=model.digest,
        environment=gate.environment, scope=gate.scope, valid_from=days(maker.now, -15),
        valid_until=days(maker.now, 165),
    )  # fmt: skip


def _deployment(maker: Maker, authorization: Authorization) -> Deployment:
    return Deployment(
        project=authorization.project, iteration=authorization.gate.iteration,
        model_version=authorization.model_version, authorization=authorization,
        environment=authorization.environment, scope=authorization.scope, deployed_by=maker.people[0],
        deployed_at=days(maker.now, -14),
    )  # fmt: skip
