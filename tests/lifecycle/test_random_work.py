"""Random people do random things to an iteration; whatever happens, the rules of the house hold."""

from django.core.exceptions import PermissionDenied
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase
from hypothesis.stateful import initialize, invariant, rule

from ledger.errors import Invalid, Refused
from ledger.models import Entry
from lifecycle.models import Evidence, Handoff, QualityAction, Risk, Task
from lifecycle.services.evidence import attach_evidence, expire_evidence
from lifecycle.services.handoffs import accept_handoff, offer_handoff, return_handoff, tick_criterion
from lifecycle.services.measures import choose_measure, finish_measure, start_measure
from lifecycle.services.phases import (
    agree_requirements,
    decide_phase,
    reopen_phase,
    request_review,
    start_phase,
)
from lifecycle.services.risks import accept_risk, add_risk, assess_risk, close_risk, refuse_risk, reopen_risk
from lifecycle.services.tasks import (
    accept_risks,
    identify_risks,
    reject_evidence,
    reopen_task,
    start_task,
    verify_task,
)
from tests import make
from tests.lifecycle.random_edges import Edges

PEOPLE = (
    "manager",
    "manager",
    "scientist",
    "scientist",
    "helper",
    "reviewer",
    "reviewer",
    "auditor",
    "stranger",
)
person = st.sampled_from(PEOPLE)
workers = st.sampled_from(("manager", "scientist", "helper"))
task_keys = st.sampled_from(("1.1", "2.1"))
score = st.integers(1, 5)
STARTS = ("planned", "instantiated", "risks_identified", "risks_accepted", "evidence_attached", "verified")


class Work(Edges):
    """One iteration with one handoff; every rule is one service call by somebody."""

    def __init__(self):
        super().__init__()
        self.sandbox = transaction.atomic()
        self.sandbox.__enter__()
        project = make.small_project()
        self.people = {
            "manager": project.created_by,
            "scientist": make.member(project, "contributor", "DS"),
            "helper": make.member(project, "contributor", "PO"),
            "reviewer": make.member(project, "reviewer"),
            "auditor": make.member(project, "auditor"),
            "stranger": make.user(),
        }
        self.project, self.iteration = project, make.iteration(project)
        for key in ("P1", "P2"):
            make.phase(self.iteration, key, "in_progress")
        self.handoff = self.iteration.handoffs.get()
        self.entries = Entry.objects.count()

    def teardown(self):
        transaction.set_rollback(True)
        self.sandbox.__exit__(None, None, None)

    @initialize(first=st.sampled_from(STARTS), second=st.sampled_from(STARTS))
    def begin_somewhere(self, first, second):
        for key, kind, state in (("1.1", "TRN", first), ("2.1", "EVR", second)):
            task = make.task(self.iteration.phases.get(key=f"P{key[0]}"), key, state)
            if state in ("risks_accepted", "evidence_attached", "verified"):
                task.risks.update(state="accepted", inherent_severity=4, inherent_occurrence=3)
            if state in ("evidence_attached", "verified"):
                make.evidence(task, kind, "verified" if state == "verified" else "attached")
        self.entries = Entry.objects.count()

    def arranged(self):
        """What was written directly is no step of anybody."""
        self.entries = Entry.objects.count()

    def any_risk(self, data):
        return data.draw(st.sampled_from(list(Risk.objects.order_by("pk"))))

    def attempt(self, act, who, **fields):
        """One entry if it works and none if it is refused; auditors and strangers never succeed."""
        before = self.entries
        try:
            act(actor=self.people[who], **fields)
        except (PermissionDenied, Refused, Invalid):
            assert Entry.objects.count() == before
            return False
        self.entries = Entry.objects.count()
        assert self.entries == before + 1
        assert who not in ("auditor", "stranger")
        return True

    def task(self, key):
        return Task.objects.get(phase__iteration=self.iteration, key=key)

    @rule(
        who=person,
        key=task_keys,
        act=st.sampled_from((start_task, identify_risks, accept_risks, verify_task)),
    )
    def move_a_task(self, who, key, act):
        self.attempt(act, who, task=self.task(key))

    @rule(who=person, key=task_keys, act=st.sampled_from((reject_evidence, reopen_task)))
    def send_a_task_back(self, who, key, act):
        self.attempt(act, who, task=self.task(key), reason="Once more")

    @rule(who=st.sampled_from(("manager", "reviewer")), key=task_keys)
    def verify(self, who, key):
        self.attempt(verify_task, who, task=self.task(key))

    @rule(who=workers, key=task_keys)
    def put_the_risks_aside(self, who, key):
        for risk in self.task(key).risks.order_by("pk"):
            self.attempt(assess_risk, who, risk=risk, severity=2, occurrence=2)
            self.attempt(accept_risk, who, risk=risk)
        self.attempt(accept_risks, who, task=self.task(key))

    @rule(who=person, key=task_keys)
    def add_a_risk(self, who, key):
        self.attempt(add_risk, who, task=self.task(key), text="Something", category="technical")

    @rule(who=person, key=task_keys)
    def attach(self, who, key):
        kind = "TRN" if key == "1.1" else "EVR"
        self.attempt(attach_evidence, who, task=self.task(key), snapshot=make.snapshot(self.project, kind))

    @rule(who=person, data=st.data())
    def expire(self, who, data):
        evidence = list(Evidence.objects.order_by("pk"))
        if evidence:
            self.attempt(
                expire_evidence, who, evidence=data.draw(st.sampled_from(evidence)), reason="Changed"
            )

    @rule(who=workers, severity=score, occurrence=score, data=st.data())
    def judge_a_risk(self, who, severity, occurrence, data):
        risk = self.any_risk(data)
        before = risk.score or 0
        assessed_before = risk.inherent_severity is not None
        done = self.attempt(assess_risk, who, risk=risk, severity=severity, occurrence=occurrence)
        assert not (done and assessed_before and severity * occurrence < before)

    @rule(who=workers, data=st.data(), act=st.sampled_from((accept_risk, refuse_risk)))
    def decide_a_risk(self, who, data, act):
        risk = self.any_risk(data)
        fields = {"until": make.tomorrow()} if act is accept_risk else {}
        done = self.attempt(act, who, risk=risk, reason="So be it", **fields)
        if done and act is accept_risk and risk.score > self.project.risk_appetite:
            assert who == "manager"

    @rule(who=workers, data=st.data(), act=st.sampled_from((close_risk, reopen_risk)))
    def end_a_risk(self, who, data, act):
        self.attempt(act, who, risk=self.any_risk(data), reason="So be it")

    @rule(who=workers, data=st.data())
    def choose(self, who, data):
        risk = self.any_risk(data)
        self.attempt(choose_measure, who, risk=risk, method="Q1-01", name="Look")

    @rule(
        who=workers,
        data=st.data(),
        result=st.sampled_from(("passed", "failed", "inconclusive")),
        severity=score,
    )
    def measure(self, who, data, result, severity):
        actions, evidence = list(QualityAction.objects.order_by("pk")), list(Evidence.objects.order_by("pk"))
        if not actions or not evidence:
            return
        action, proof = data.draw(st.sampled_from(actions)), data.draw(st.sampled_from(evidence))
        self.attempt(start_measure, who, action=action, performer=self.people[who])
        before = Risk.objects.get(pk=action.risk_id).score
        done = self.attempt(
            finish_measure, who, action=action, result=result, evidence=proof, severity=severity, occurrence=1
        )
        after = Risk.objects.get(pk=action.risk_id).score
        assert after >= before or (done and result == "passed")

    @rule(who=person, act=st.sampled_from((accept_handoff, offer_handoff)))
    def move_the_handoff(self, who, act):
        fields = {"references": {1: "a", 2: "b"}} if act is offer_handoff else {}
        if self.attempt(act, who, handoff=self.handoff, **fields):
            assert who == ("helper" if act is offer_handoff else "scientist")

    @rule(who=person)
    def return_the_handoff(self, who):
        self.attempt(return_handoff, who, handoff=self.handoff, reason="Not complete")

    @rule(who=person, at=st.integers(0, 1), ticked=st.booleans())
    def tick(self, who, at, ticked):
        self.attempt(tick_criterion, who, criterion=self.handoff.criteria.all()[at], ticked=ticked)

    @rule(
        who=person,
        key=st.sampled_from(("P1", "P2")),
        act=st.sampled_from((start_phase, agree_requirements, request_review)),
    )
    def move_a_phase(self, who, key, act):
        self.attempt(act, who, phase=self.iteration.phases.get(key=key))

    @rule(
        who=person,
        key=st.sampled_from(("P1", "P2")),
        outcome=st.sampled_from(("pass", "iterate", "send_back")),
    )
    def decide_a_phase(self, who, key, outcome):
        self.attempt(
            decide_phase, who, phase=self.iteration.phases.get(key=key), outcome=outcome, reason="Seen"
        )

    @rule(who=person, key=st.sampled_from(("P1", "P2")))
    def reopen_a_phase(self, who, key):
        self.attempt(reopen_phase, who, phase=self.iteration.phases.get(key=key), reason="Once more")

    @invariant()
    def nobody_verified_their_own_work(self):
        for task in Task.objects.filter(state="verified"):
            proof = task.evidence.filter(state="verified")
            assert task.verified_by_id != task.owner_id
            assert task.verified_by_id not in proof.values_list("attached_by_id", flat=True)
            assert set(task.evidence_kinds) <= set(proof.values_list("snapshot__kind", flat=True))

    @invariant()
    def what_is_proven_has_no_open_risk(self):
        done = Task.objects.filter(state__in=["risks_accepted", "evidence_attached", "verified"])
        assert not Risk.objects.filter(task__in=done).exclude(state__in=["accepted", "closed"]).exists()

    @invariant()
    def a_passed_phase_has_no_unfinished_mandatory_task(self):
        passed = Task.objects.filter(phase__state__in=["passed", "in_review"], mandatory=True)
        assert not passed.exclude(state__in=["verified", "not_applicable", "reopened"]).exists()

    @invariant()
    def an_accepted_handoff_has_every_tick(self):
        assert not Handoff.objects.filter(state="accepted", criteria__ticked_at=None).exists()


class TestRandomWork(Work.TestCase, TestCase):
    """Each example runs in a transaction of its own."""

    settings = settings(
        max_examples=12,
        stateful_step_count=40,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
    )
