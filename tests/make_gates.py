"""Records of decisions for tests: gates to sign, what they authorized, what runs, what was found."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from governance.models import (
    Authorization,
    BreakGlass,
    Condition,
    Deployment,
    Evaluation,
    Finding,
    Gate,
    Waiver,
)
from governance.services.break_glass import ask_break_glass, open_break_glass
from governance.services.conditions import propose_condition
from governance.services.gates import evaluate_gate, open_gate
from governance.services.signoffs import sign_gate
from governance.services.waivers import ask_waiver, grant_waiver, waiver_digest
from lifecycle.definitions import ProcessDocument
from lifecycle.models import ModelVersion, Project, User
from tests import make


def gate_document(*, required: int = 2, expression: str = "true", authorizes: bool = True) -> ProcessDocument:
    """The small process, whose first gate takes signatures of reviewers and authorizes a model."""
    gates = [
        {
            "key": key, "name": f"Gate {key}", "question": f"May {key} be passed?", "between": between,
            "authorizes": authorizes and key == "G1",
            "criteria": [{"key": "holds", "words": "It holds", "expression": expression, "why": "It must"}],
            "signatures": {"required": required, "roles": ["reviewer"], "meaning": "I have seen it"},
            "validity_days": 30,
        }
        for key, between in (("G1", ["P1", "P2"]), ("G2", ["P2"]))
    ]  # fmt: skip
    return make.small_document(gates=gates)


def project(**rules: Any) -> Project:
    """A project with an open iteration whose first phase is in review. `rules` as for `gate_document`."""
    home = make.project(document=gate_document(**rules))
    make.phase(make.iteration(home), "P1", "in_review")
    return home


def gate(home: Project | None = None, **fields: Any) -> Gate:
    """The first gate of the project, opened by its manager for a new model in production."""
    home = home or project()
    values = {
        "model_version": fields.pop("model_version", None) or make.model_version(home),
        "environment": "production",
        "scope": {"country": ["US"]},
    } | fields
    return open_gate(iteration=home.iterations.get(), key="G1", actor=home.created_by, **values)


def evaluation(of: Gate) -> Evaluation:
    """What the manager finds when looking at the gate now."""
    return evaluate_gate(gate=of, actor=of.iteration.project.created_by)


def signed(of: Gate, *signers: User) -> Gate:
    """The gate after these reviewers approved what they were shown."""
    shown = evaluation(of)
    for signer in signers:
        sign_gate(
            gate=of,
            actor=signer,
            password=make.PASSWORD,
            decision="approve",
            meaning="approval",
            digest=shown.digest,
        )
    of.refresh_from_db()
    return of


def authorization(home: Project | None = None, **fields: Any) -> Authorization:
    """What a passed gate gave, under the names of two new reviewers."""
    asked = gate(home, **fields)
    people = [make.member(asked.iteration.project, "reviewer") for _ in range(asked.required_signatures)]
    return signed(asked, *people).authorization


def deployment(given: Authorization | None = None, **fields: Any) -> Deployment:
    """What was put where under the authorization, by the project's manager; live unless it says otherwise."""
    under = given or authorization()
    values = {
        "environment": under.environment, "scope": under.scope, "deployed_by": under.project.created_by,
        "deployed_at": timezone.now(), "iteration": under.gate.iteration,
        "model_version": under.model_version, "project": under.project,
    } | fields  # fmt: skip
    return Deployment.objects.create(authorization=under, **values)


def finding(home: Project, **fields: Any) -> Finding:
    """An open finding of medium severity."""
    values = {"title": f"Finding {make.number()}", "severity": "medium", "opened_at": timezone.now()}
    return Finding.objects.create(project=home, **(values | fields))


def evaluation_of(asked: Gate) -> Evaluation:
    """The last evaluation that the gate has."""
    found = asked.evaluations.order_by("-evaluated_at", "-pk").first()
    assert found is not None
    return found


def broken_glass(version: ModelVersion, environment: str, **fields: Any) -> BreakGlass:
    """An emergency that two people agreed on: `asked_by`, and `by` as the second person."""
    home = version.project
    asked_by = fields.pop("asked_by", None) or make.member(home)
    by = fields.pop("by", None) or home.created_by
    values = {"reason": "The stores wait", "hours": 4} | fields
    glass = ask_break_glass(
        project=home, actor=asked_by, model_version=version, environment=environment, **values
    )
    return open_break_glass(glass=glass, actor=by)


def unmet_gate(expression: str = "metrics.accuracy > 0.9", **rules: Any) -> Gate:
    """An open gate that was evaluated and whose criterion is not met."""
    asked = gate(project(expression=expression, **rules))
    evaluation(asked)
    return asked


def waiver(of: Gate, **fields: Any) -> Waiver:
    """A waiver of its only criterion, asked for by a member who works here."""
    asked_by = fields.pop("requested_by", None) or make.member(of.iteration.project)
    values = {
        "criterion": "holds", "justification": "No data yet", "measure": "Watched by hand",
        "expires_on": timezone.now().date() + timedelta(days=10),
    } | fields  # fmt: skip
    return ask_waiver(gate=of, actor=asked_by, **values)


def granted(of: Gate, by: User | None = None, **fields: Any) -> Waiver:
    """A waiver that a new reviewer signed."""
    asked = waiver(of, **fields)
    signer = by or make.member(of.iteration.project, "reviewer")
    return grant_waiver(waiver=asked, actor=signer, password=make.PASSWORD, digest=waiver_digest(asked))


def condition(of: Gate, **fields: Any) -> Condition:
    """A condition that a new reviewer proposed, owned by somebody who works here."""
    by = fields.pop("by", None) or make.member(of.iteration.project, "reviewer")
    values = {
        "text": "Measure Italy", "due_on": timezone.now().date() + timedelta(days=10),
        "owner": fields.pop("owner", None) or make.member(of.iteration.project),
    } | fields  # fmt: skip
    return propose_condition(gate=of, actor=by, **values)
