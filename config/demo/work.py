"""How the people of the stories do their work: through the services, as pages and API would.

Every function looks at what is there first and does only what is missing, so that a demo that was interrupted
goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from config.demo.console import DemoConsole
from config.demo.people import logins
from config.demo.worker import DemoError, wait_for
from governance.models import Evaluation, Gate
from governance.services.gates import evaluate_gate, open_gate
from governance.services.signoffs import sign_gate
from lifecycle.definitions import ProcessDocument
from lifecycle.models import (
    Evidence,
    Handoff,
    Iteration,
    ModelVersion,
    Phase,
    Project,
    Risk,
    Run,
    Snapshot,
    Task,
    User,
)
from lifecycle.services.evidence import attach_evidence, freeze_document, freeze_run
from lifecycle.services.handoffs import (
    accept_handoff,
    offer_handoff,
    return_handoff,
    set_parties,
    tick_criterion,
)
from lifecycle.services.measures import choose_measure, finish_measure, start_measure
from lifecycle.services.phases import agree_requirements, request_review, start_phase
from lifecycle.services.risks import accept_risk, assess_risk, refuse_risk
from lifecycle.services.tasks import accept_risks, assign_task, identify_risks, start_task, verify_task

Prove = Callable[[Task], Sequence[Snapshot]]


@dataclass
class Team:
    """A project, its people and the iteration at work."""

    project: Project
    people: Mapping[str, User]
    iteration: Iteration
    document: ProcessDocument
    console: DemoConsole

    def who(self, username: str) -> User:
        """A person by user name."""
        return self.people[username]

    def phase(self, key: str) -> Phase:
        """A phase of the iteration as it is now."""
        return self.iteration.phases.get(key=key)

    def task(self, key: str) -> Task:
        """A task of the iteration as it is now."""
        return Task.objects.select_related("owner", "phase").get(phase__iteration=self.iteration, key=key)


def begin_phase(team: Team, key: str) -> None:
    """Start a phase and agree on its requirements."""
    lead, phase = team.who("marta"), team.phase(key)
    if phase.state in (Phase.State.NOT_STARTED, Phase.State.REOPENED):
        phase = start_phase(phase=phase, actor=lead)
    if phase.state == Phase.State.DEFINING_REQUIREMENTS:
        agree_requirements(phase=phase, actor=lead)


def do_task(team: Team, key: str, prove: Prove, *, owner: str = "", verifier: str = "ife") -> Task:
    """Take one task from planned, or from where it is, to verified."""
    task = team.task(key)
    if task.state == Task.State.VERIFIED:
        return task
    if owner and task.owner != team.who(owner):
        task = assign_task(task=task, owner=team.who(owner), actor=team.who("marta"))
    doer = owner_of(task)
    if task.state in (Task.State.PLANNED, Task.State.REOPENED, Task.State.BLOCKED):
        task = start_task(task=task, actor=doer)
    if task.state == Task.State.INSTANTIATED:
        task = identify_risks(task=task, actor=doer, none_statement_by=team.who("ife"))
    for snapshot in prove(task):
        if not task.evidence.filter(snapshot=snapshot).exists():
            attach_evidence(task=task, snapshot=snapshot, actor=doer)
    task = team.task(key)
    if task.state in (Task.State.RISKS_IDENTIFIED, Task.State.MITIGATING):
        for risk in task.risks.order_by("key"):
            _settle(team, risk, doer)
        task = accept_risks(task=team.task(key), actor=doer)
    return verify_task(task=team.task(key), actor=team.who(verifier))


def owner_of(task: Task) -> User:
    """The task's owner; `DemoError` if nobody is."""
    if task.owner is None:
        raise DemoError(f"Nobody owns task {task.key}.")
    return task.owner


def review(team: Team, title: str, **content: object) -> Prove:
    """Evidence of the kind REV: a recorded review. Each attempt is a document of its own."""

    def prove(task: Task) -> list[Snapshot]:
        attempt = (
            1 + task.evidence.filter(state__in=[Evidence.State.EXPIRED, Evidence.State.REJECTED]).count()
        )
        told: dict[str, Any] = {"iteration": team.iteration.number, "attempt": attempt, **content}
        return [
            freeze_document(project=team.project, kind="REV", title=title, content=told, actor=owner_of(task))
        ]

    return prove


def shown_by(*runs: Run) -> Prove:
    """Evidence from finished runs."""

    def prove(task: Task) -> list[Snapshot]:
        return [freeze_run(run=run, actor=owner_of(task)) for run in runs]

    return prove


def both(*parts: Prove) -> Prove:
    """All of these."""
    return lambda task: [snapshot for part in parts for snapshot in part(task)]


def finished(team: Team, text: str, ask: Callable[[], Run]) -> Run:
    """Ask for a run and wait for the worker, with a bar."""
    with team.console.step(text) as report:
        return wait_for(ask(), report)


def ask_gate(
    team: Team,
    key: str,
    *,
    model: ModelVersion | None = None,
    environment: str = "",
    scope: dict[str, list[str]] | None = None,
) -> Evaluation:
    """Request the review of the gate's phase, open the gate and have it evaluated."""
    lead = team.who("marta")
    definition = team.document.gate(key)
    phase = team.phase(definition.between[0])
    if phase.state == Phase.State.IN_PROGRESS:
        request_review(phase=phase, actor=lead)
    gate = team.iteration.gates.filter(key=key, state=Gate.State.OPEN).first() or open_gate(
        iteration=team.iteration,
        key=key,
        actor=lead,
        model_version=model,
        environment=environment,
        scope=scope,
    )
    return evaluate_gate(gate=gate, actor=lead)


def pass_gate(
    team: Team,
    key: str,
    signers: Sequence[str],
    *,
    model: ModelVersion | None = None,
    environment: str = "",
    scope: dict[str, list[str]] | None = None,
    comment: str = "",
) -> Gate:
    """Have a gate evaluated and signed. Raises `DemoError` with what is not met if it does not hold."""
    passed = team.iteration.gates.filter(key=key, state=Gate.State.PASSED).order_by("-round").first()
    if passed is not None and team.phase(team.document.gate(key).between[0]).state == Phase.State.PASSED:
        return passed
    evaluation = ask_gate(team, key, model=model, environment=environment, scope=scope)
    if not evaluation.verdict:
        raise DemoError(f"{key} does not pass: " + "; ".join(unmet(evaluation)))
    for username in signers:
        sign(team, evaluation, username, comment)
    evaluation.gate.refresh_from_db()
    names = " and ".join(str(team.who(username)) for username in signers)
    team.console.line(f"{key} {evaluation.gate.name}: passed, signed by {names}.")
    return evaluation.gate


def sign(team: Team, evaluation: Evaluation, username: str, comment: str) -> None:
    """One approval under what was evaluated."""
    sign_gate(
        gate=evaluation.gate,
        actor=team.who(username),
        password=logins()[username],
        decision="approve",
        meaning="approval",
        digest=evaluation.digest,
        comment=comment,
    )


def unmet(evaluation: Evaluation) -> list[str]:
    """The blocking criteria that are not met, with their reasons."""
    results = evaluation.results.filter(blocking=True).exclude(verdict="met")
    return [f"{result.words} {result.reason}" for result in results]


def hand_over(
    team: Team,
    key: str,
    giver: str,
    taker: str,
    *,
    snapshots: Sequence[Snapshot] = (),
    returned_for: str = "",
) -> Handoff:
    """Offer a handoff and have it accepted; with `returned_for` it is returned once before, for that."""
    handoff = team.iteration.handoffs.get(key=key)
    if handoff.state == Handoff.State.ACCEPTED:
        return handoff
    give, take = team.who(giver), team.who(taker)
    if handoff.state == Handoff.State.PLANNED:
        handoff = set_parties(handoff=handoff, giver=give, taker=take, actor=team.who("marta"))
    if returned_for and handoff.rounds == 0:
        handoff = _offer(handoff, give, snapshots)
        handoff = return_handoff(handoff=handoff, actor=take, reason=returned_for)
    if handoff.state != Handoff.State.OFFERED:
        handoff = _offer(handoff, give, snapshots)
    for criterion in handoff.criteria.filter(ticked_at__isnull=True):
        tick_criterion(criterion=criterion, actor=take)
    return accept_handoff(handoff=handoff, actor=take)


def _offer(handoff: Handoff, giver: User, snapshots: Sequence[Snapshot]) -> Handoff:
    """Tie the first deliverables to the snapshots and the others to where they are kept."""
    orders = list(handoff.deliverables.order_by("order").values_list("order", "name"))
    tied = {order: snapshot for (order, _name), snapshot in zip(orders, snapshots, strict=False)}
    kept = {order: f"team drive: {name}"[:600] for order, name in orders if order not in tied}
    return offer_handoff(handoff=handoff, actor=giver, snapshots=tied, references=kept)


def _settle(team: Team, risk: Risk, doer: User) -> None:
    """Assess a risk and accept it; above the appetite first put its first method to work."""
    state = Risk.State
    appetite = team.project.risk_appetite
    suggestion = team.document.risk(risk.key)
    severity, occurrence = suggestion.severity or 3, suggestion.occurrence or 3
    if risk.state in (state.IDENTIFIED, state.REOPENED):
        risk = assess_risk(risk=risk, severity=severity, occurrence=occurrence, actor=doer)
    if risk.state == state.ASSESSED and severity * occurrence > appetite:
        risk = refuse_risk(risk=risk, actor=doer, reason="Above the appetite of the project.")
    if risk.state == state.UNACCEPTABLE:
        _mitigate(team, risk, doer, severity, max(1, appetite // severity))
    risk.refresh_from_db()
    if risk.state in (state.ASSESSED, state.REASSESSED):
        accept_risk(risk=risk, actor=doer)


def _mitigate(team: Team, risk: Risk, doer: User, severity: int, occurrence: int) -> None:
    method = team.document.method(team.document.risk(risk.key).methods[0])
    proof = risk.task.evidence.filter(state__in=[Evidence.State.ATTACHED, Evidence.State.VERIFIED]).last()
    if proof is None:
        raise DemoError(f"Nothing proves the measure against {risk.key}.")
    action = choose_measure(risk=risk, method=method.key, name=method.name, actor=doer)
    action = start_measure(action=action, performer=doer, actor=doer)
    finish_measure(
        action=action, result="passed", evidence=proof, actor=doer, severity=severity, occurrence=occurrence
    )
