"""Random people take a project round the cycle: work, gates, signatures, triggers, iterations.

After every step the invariants of the process hold (I1 to I10; I7, the uses of a test set, where those are
tested), every state was reached along declared transitions, and the ledger has grown by exactly what
succeeded.
"""

import hashlib
import operator
from itertools import chain

import pytest
from django.core.exceptions import PermissionDenied
from django.db import transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from governance.models import (
    AUTHORIZATION_STATES,
    DEPLOYMENT_STATES,
    GATE_STATES,
    Authorization,
    BreakGlass,
    CriterionResult,
    Deployment,
    Finding,
    Gate,
    Signoff,
)
from governance.queries.duties import barred_from_signing
from governance.services.break_glass import ask_break_glass, open_break_glass
from governance.services.deployments import record_deployment
from governance.services.gates import evaluate_gate, open_gate, refuse_gate, withdraw_gate
from governance.services.signoffs import sign_gate
from ledger.errors import Invalid, Refused
from ledger.models import Entry
from ledger.verification import verify
from lifecycle.models import (
    EVIDENCE_STATES,
    FIRING_STATES,
    HANDOFF_STATES,
    ITERATION_STATES,
    PHASE_STATES,
    RISK_STATES,
    TASK_STATES,
    Evidence,
    Firing,
    Handoff,
    Iteration,
    Requirement,
    Risk,
    Snapshot,
    Task,
)
from lifecycle.models import Phase as PhaseRecord
from lifecycle.services.iterations import complete_iteration, open_iteration, stop_iteration
from lifecycle.services.requirements import agree_requirement, change_requirement
from lifecycle.services.tasks import assign_task
from lifecycle.services.triggers import fire_manually, handle_event, merge_firing, reject_firing, start_firing
from tests import make, make_gates
from tests.lifecycle.test_random_work import STARTS, Work, person

pytestmark = pytest.mark.any_database

MACHINES = (
    (Iteration, ITERATION_STATES),
    (PhaseRecord, PHASE_STATES),
    (Task, TASK_STATES),
    (Risk, RISK_STATES),
    (Evidence, EVIDENCE_STATES),
    (Handoff, HANDOFF_STATES),
    (Firing, FIRING_STATES),
    (Gate, GATE_STATES),
    (Authorization, AUTHORIZATION_STATES),
    (Deployment, DEPLOYMENT_STATES),
)
# What one action may set off besides its own entry.
CONSEQUENCES = {
    "authorization.given",
    "authorization.suspended",
    "authorization.withdrawn",
    "deployment.ended",
    "deployment.recorded",
    "finding.opened",
    "firing.started",
    "gate.decided",
    "gate.evaluated",
    "iteration.opened",
    "phase.decided",
    "phase.reopened",
    "run.finished",
}
OPERATORS = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt}
DONE = ("verified", "not_applicable")
SIGNERS = ("reviewer", "second", "third")
NEVER = ("auditor", "stranger", "org_auditor")
signer = st.sampled_from((*SIGNERS * 4, "manager", "scientist", "auditor", "stranger", "org_auditor"))


class Walk(Work):
    """One project, one iteration after the other; every rule is one service call by somebody."""

    def __init__(self):
        RuleBasedStateMachine.__init__(self)
        self.sandbox = transaction.atomic()
        self.sandbox.__enter__()
        project = make.project(document=make_gates.gate_document())
        self.people = {
            "manager": project.created_by,
            "scientist": make.member(project, "contributor", "DS"),
            "helper": make.member(project, "contributor", "PO"),
            "auditor": make.member(project, "auditor"),
            "stranger": make.user(),
            "org_auditor": make.member(project, "manager", user=make.user(org_role="auditor")),
            **{name: make.member(project, "reviewer") for name in SIGNERS},
        }
        self.project, self.iteration = project, make.iteration(project)
        for key in ("P1", "P2"):
            make.phase(self.iteration, key, "in_progress")
        self.handoff = self.iteration.handoffs.get()
        self.version = make.model_version(project)
        make.requirement(project, gate="G1", blocking=False)
        self.triggers = [
            make.trigger(project, action="open_iteration", target_phase="P2"),
            make.trigger(project, action="reopen_phase", target_phase="P1"),
            make.trigger(project, action="suspend_authorization"),
        ]
        self.entries, self.verified = Entry.objects.count(), 0
        self.remember()

    @initialize(
        first=st.sampled_from(STARTS),
        second=st.sampled_from(STARTS),
        ready=st.sampled_from((True, True, False)),
    )
    def begin_somewhere(self, first, second, ready):
        Work.begin_somewhere(self, "verified" if ready else first, second)
        if ready:
            make.phase(self.iteration, "P1", "in_review")
            make_gates.evaluation(make_gates.gate(self.project, model_version=self.version, scope={}))
            self.entries = Entry.objects.count()
        self.remember()

    def remember(self):
        """The states, scores and limits as they are, to compare with after the next step."""
        self.states = {model: dict(model.objects.values_list("pk", "state")) for model, _ in MACHINES}
        # What the process suggests is no score yet: the first assessment sets the inherent one.
        assessed = Risk.objects.filter(inherent_severity__isnull=False)
        self.scores = dict(assessed.values_list("pk", "score"))
        self.limits = dict(Requirement.objects.values_list("pk", "limit"))

    def arranged(self):
        """What was written directly is no step of anybody."""
        self.entries = Entry.objects.count()
        self.remember()

    def attempt(self, act, who, own=1, **fields):
        """The ledger grows by what succeeded and by nothing else; auditors and strangers never succeed."""
        before = self.entries
        try:
            act(actor=self.people[who], **fields)
        except (PermissionDenied, Refused, Invalid) as no:
            wrong = getattr(no, "code", "") == "wrong_password"
            assert Entry.objects.count() == before + wrong
            self.entries = before + wrong
            return False
        written = list(Entry.objects.filter(index__gte=before).values_list("action", flat=True))
        self.entries = before + len(written)
        assert len(written) >= own
        assert set(written[1:]) <= CONSEQUENCES
        assert who not in NEVER
        return True

    def current(self):
        return Iteration.objects.filter(project=self.project).latest("number")

    def gate(self):
        return Gate.objects.filter(iteration__project=self.project).order_by("-pk").first()

    # ---- gates and signatures ----

    @rule(who=st.sampled_from(("manager", "manager", "scientist", "reviewer", "auditor", "stranger")))
    def ask_for_a_decision(self, who):
        self.attempt(
            open_gate, who, iteration=self.current(), key="G1", model_version=self.version,
            environment="production",
        )  # fmt: skip

    @precondition(lambda self: self.gate() is not None)
    @rule(who=signer)
    def evaluate(self, who):
        gate = self.gate()
        self.attempt(evaluate_gate, who, own=0, gate=gate)

    @precondition(lambda self: self.gate() is not None)
    @rule(data=st.data(), times=st.integers(1, 4))
    def sign(self, data, times):
        for _ in range(times):
            self.sign_once(
                data.draw(signer),
                decision=data.draw(st.sampled_from(("approve",) * 6 + ("acknowledge", "reject"))),
                knows=data.draw(st.sampled_from((True,) * 9 + (False,))),
                looked=data.draw(st.sampled_from((True,) * 6 + (False,))),
                back_to=data.draw(st.sampled_from(("", "P1", "P2"))),
            )

    @precondition(lambda self: self.gate() is not None)
    @rule(data=st.data())
    def sign_another_time(self, data):
        self.sign_once(data.draw(signer), decision="approve", knows=True, looked=True, back_to="")

    def sign_once(self, who, decision, knows, looked, back_to):
        gate = self.gate()
        if looked and gate.state == "open":
            self.attempt(evaluate_gate, "manager", own=0, gate=gate)
        seen = gate.evaluations.order_by("-evaluated_at", "-pk").first()
        before = Authorization.objects.count()
        done = self.attempt(
            sign_gate, who, gate=gate, password=make.PASSWORD if knows else "guess", decision=decision,
            meaning="approval", digest=seen.digest if seen else "0" * 64, comment="So be it",
            target_phase=back_to,
        )  # fmt: skip
        assert not done or (knows and who in SIGNERS)
        if Authorization.objects.count() > before:
            self.check_the_new_authorization()

    def check_the_new_authorization(self):
        given = Authorization.objects.latest("pk")
        gate, barred = given.gate, barred_from_signing(given.gate)
        last = gate.evaluations.order_by("-evaluated_at", "-pk").first()
        approvers = {each.signer for each in last.signoffs.filter(decision="approve")}
        free = [each for each in approvers if each.actor_key not in barred]
        assert gate.state == "passed"
        assert last.verdict
        assert len(free) >= gate.required_signatures

    @precondition(lambda self: self.gate() is not None)
    @rule(who=person, act=st.sampled_from((refuse_gate, withdraw_gate)))
    def end_a_gate(self, who, act):
        if self.attempt(act, who, gate=self.gate(), reason="So be it"):
            assert who == "manager"

    @rule(
        who=st.sampled_from(("manager", "scientist")), to=st.sampled_from((*SIGNERS, "scientist", "auditor"))
    )
    def give_a_task_away(self, who, to):
        task = Task.objects.filter(phase__iteration=self.current()).first()
        if task is not None and self.attempt(assign_task, who, task=task, owner=self.people[to]):
            assert (who, to != "auditor") == ("manager", True)

    @rule(who=person)
    def deploy(self, who):
        done = self.attempt(
            record_deployment, who, iteration=self.current(), model_version=self.version,
            environment="production",
        )  # fmt: skip
        deployed = Deployment.objects.order_by("pk").last()
        assert not done or deployed.authorization is not None or deployed.break_glass is not None

    @precondition(lambda self: self.gate() is not None and self.gate().state == "open")
    @rule(who=st.sampled_from(SIGNERS))
    def somebody_who_had_a_part_signs(self, who):
        task = Task.objects.filter(phase__iteration=self.current()).exclude(state__in=DONE).first()
        if task is not None and self.attempt(assign_task, "manager", task=task, owner=self.people[who]):
            before = Signoff.objects.filter(signer=self.people[who]).count()
            self.sign_once(who, decision="approve", knows=True, looked=True, back_to="")
            assert Signoff.objects.filter(signer=self.people[who]).count() == before

    @precondition(lambda _: Firing.objects.exclude(state="waiting").exists())
    @rule(data=st.data(), act=st.sampled_from((start_firing, reject_firing)))
    def a_firing_is_decided_again(self, data, act):
        over = list(Firing.objects.exclude(state="waiting").order_by("pk"))
        fields = {"reason": "No"} if act is reject_firing else {}
        firing = data.draw(st.sampled_from(over))
        assert not self.attempt(act, "manager", firing=firing, **fields)

    @rule(who=person, second=person)
    def break_the_glass(self, who, second):
        self.attempt(
            ask_break_glass, who, project=self.project, model_version=self.version,
            environment="production", reason="It burns", hours=1,
        )  # fmt: skip
        asked = BreakGlass.objects.filter(state="asked").first()
        if asked is not None and self.attempt(open_break_glass, second, glass=asked):
            assert self.people[second] != asked.asked_by

    # ---- requirements, triggers, iterations ----

    @rule(who=person, limit=st.sampled_from((0.5, 0.9)), agree=st.booleans())
    def change_a_requirement(self, who, limit, agree):
        demand = Requirement.objects.exclude(state="superseded").get()
        if agree:
            self.attempt(agree_requirement, who, requirement=demand)
        else:
            self.attempt(change_requirement, who, requirement=demand, limit=limit, reason="So be it")

    @rule(who=person, at=st.integers(0, 2))
    def fire_by_hand(self, who, at):
        self.attempt(fire_manually, who, trigger=self.triggers[at], reason="Now")

    @rule(key=st.integers(1, 3))
    def something_happens(self, key):
        fired = handle_event(project=self.project, kind="manual", event={}, event_key=f"event-{key}")
        self.entries += len(fired) + sum(each.state == "merged" for each in fired)  # in the cooldown
        assert Entry.objects.count() == self.entries

    @precondition(lambda _: Firing.objects.exists())
    @rule(who=person, act=st.sampled_from((start_firing, reject_firing, merge_firing)), data=st.data())
    def decide_about_a_firing(self, who, act, data):
        found = list(Firing.objects.order_by("pk"))
        firing, other = data.draw(st.sampled_from(found)), data.draw(st.sampled_from(found))
        fields = {start_firing: {}, reject_firing: {"reason": "No"}, merge_firing: {"into": other}}[act]
        self.attempt(act, who, firing=firing, **fields)

    @rule(who=st.sampled_from(("manager", "scientist", "auditor")), how=st.sampled_from(("stop", "complete")))
    def end_the_iteration(self, who, how):
        if how == "stop":
            if who != "manager" or Iteration.objects.count() < 2:
                self.attempt(stop_iteration, who, iteration=self.current(), reason="So be it")
        else:
            self.attempt(complete_iteration, who, iteration=self.current())

    @rule(who=person)
    def open_another_iteration(self, who):
        self.attempt(open_iteration, who, project=self.project, title="Again", reason="Because")

    # ---- what holds after every step ----

    @invariant()
    def states_move_along_declared_transitions_only(self):
        for model, machine in MACHINES:
            now = dict(model.objects.values_list("pk", "state"))
            before = self.states[model]
            for pk, state in now.items():
                assert state in _reach(machine, before.get(pk)), (model, before.get(pk), state)
            assert set(before) <= set(now)

    @invariant()
    def the_ledger_is_intact_and_holds_what_succeeded(self):
        assert Entry.objects.count() == self.entries
        if self.verified != self.entries:
            assert verify().intact
            self.verified = self.entries

    @invariant()
    def never_two_open_iterations(self):
        assert Iteration.objects.filter(project=self.project, state="open").count() <= 1

    @invariant()
    def i1_a_score_falls_with_a_passed_measure_and_its_evidence_only(self):
        for risk in Risk.objects.all():
            before = self.scores.get(risk.pk)
            if before is not None and risk.score < before:
                assert risk.actions.filter(state="passed", evidence__isnull=False).exists()

    @invariant()
    def i2_above_the_appetite_a_manager_accepts_with_reason_and_date(self):
        above = Risk.objects.filter(state="accepted", accepted_by__isnull=False)
        for risk in above.filter(score__gt=self.project.risk_appetite):
            assert risk.accepted_by == self.people["manager"]
            assert risk.accepted_reason
            assert risk.accepted_until

    # I3, performer and verifier differ: `nobody_verified_their_own_work`.

    @invariant()
    def i4_evidence_points_to_what_cannot_change(self):
        for snapshot in Snapshot.objects.all():
            assert hashlib.sha256(snapshot.content.encode()).hexdigest() == snapshot.digest

    @invariant()
    def i5_a_verdict_follows_from_value_operator_and_limit(self):
        for result in CriterionResult.objects.exclude(metric=""):
            met = result.observed is not None and OPERATORS[result.operator](result.observed, result.limit)
            assert met or result.verdict == "not_met"

    @invariant()
    def i6_another_limit_is_another_version(self):
        now = dict(Requirement.objects.values_list("pk", "limit"))
        assert {pk: now[pk] for pk in self.limits} == self.limits
        assert Requirement.objects.exclude(state="superseded").count() == 1

    @invariant()
    def i8_what_is_reopened_keeps_no_evidence(self):
        before = self.states[PhaseRecord]
        for phase in PhaseRecord.objects.filter(state="reopened"):
            if before.get(phase.pk) != "reopened":
                rests = Evidence.objects.filter(
                    task__phase__iteration=phase.iteration_id, task__phase__order__gte=phase.order
                )
                assert not rests.filter(state__in=["attached", "verified"]).exists()

    @invariant()
    def i9_every_deployment_rests_on_a_passed_gate_or_on_a_finding(self):
        for deployment in Deployment.objects.select_related("authorization__gate"):
            given = deployment.authorization
            if given is None:
                assert Finding.objects.filter(severity="high").exists()
            else:
                assert (given.gate.state, given.model_version_id) == ("passed", deployment.model_version_id)

    @invariant()
    def i10_every_firing_comes_to_one_end(self):
        ends = ["firing.started", "firing.rejected", "firing.merged"]
        for firing in Firing.objects.all():
            told = Entry.objects.filter(
                subject_type="lifecycle.firing", subject_id=str(firing.pk), action__in=ends
            )
            assert [entry.action for entry in told] == (
                [] if firing.state == "waiting" else [f"firing.{firing.state}"]
            )
            assert (firing.merged_into is not None) == (firing.state == "merged")

    @invariant()
    def no_authorization_without_a_gate_that_enough_people_passed(self):
        for given in Authorization.objects.select_related("gate"):
            approved = given.gate.signoffs.filter(decision="approve", evaluation__verdict=True)
            assert given.gate.state == "passed"
            assert approved.values("signer").distinct().count() >= given.gate.required_signatures
            assert given.model_digest == given.gate.model_version.digest

    @invariant()
    def z_remember_for_the_next_step(self):
        self.remember()

    # ---- of the machine that this one extends, what the gates change ----

    @invariant()
    def a_passed_phase_has_no_unfinished_mandatory_task(self):
        passed = Task.objects.filter(phase__state__in=["passed", "in_review"], mandatory=True)
        assert not passed.exclude(state__in=["verified", "not_applicable", "reopened"]).exists()


def _reach(machine, state):
    """States that one service call may lead to: at most two declared steps, as some go on at once."""
    if state is None:
        return set(machine.states)
    steps = {source: set() for source in machine.states}
    for edge in machine.edges:
        steps[edge.source].add(edge.target)
    once = {state} | steps[state]
    return once | set(chain.from_iterable(steps[each] for each in once))


class TestRandomWalks(Walk.TestCase, TestCase):
    """Each example runs in a transaction of its own; the same examples in each run."""

    settings = settings(
        max_examples=12,
        stateful_step_count=35,
        deadline=None,
        derandomize=True,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
        database=None,
    )
