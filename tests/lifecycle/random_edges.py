"""Rules that bring a record to the edge of what is forbidden, and then let somebody try the step over it.

A walk that only stumbles on comes to these edges too seldom to notice that a guard is gone. What is arranged
is written directly; the step itself is a service call like all others.
"""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from lifecycle.models import Evidence, Iteration, Phase, Risk, Task
from lifecycle.services.handoffs import accept_handoff
from lifecycle.services.measures import finish_measure
from lifecycle.services.phases import reopen_phase, request_review
from lifecycle.services.risks import accept_risk, assess_risk
from lifecycle.services.tasks import verify_task
from tests import make

EARLY = ("instantiated", "risks_identified", "mitigating")
LIVE = ("attached", "verified")
workers = st.sampled_from(("manager", "scientist", "helper"))


class Edges(RuleBasedStateMachine):
    """Wants `people`, `project`, `attempt`, `arranged` of the machine that it is mixed into."""

    def trip(self):
        return Iteration.objects.filter(project=self.project).latest("number")

    def early_task(self):
        """A task under way whose risks may still be open, None if there is none."""
        return Task.objects.filter(phase__iteration=self.trip(), state__in=EARLY).first()

    def proven_phase(self, state):
        """The first phase with its task verified, put into the state; None where the iteration is over."""
        if self.trip().state != "open":
            return None
        phase = self.trip().phases.order_by("order").first()
        for task in phase.tasks.all():
            Evidence.objects.filter(task=task).update(state="expired")
            task.risks.update(state="accepted", inherent_severity=4, inherent_occurrence=3)
            make.task(phase, task.key, "verified")
            for kind in task.evidence_kinds:
                make.evidence(task, kind, "verified")
        return make.phase(self.trip(), phase.key, state)

    @rule(
        who=workers,
        result=st.sampled_from(("passed", "failed", "inconclusive")),
        severity=st.integers(1, 5),
    )
    def a_measure_ends(self, who, result, severity):
        task = self.early_task()
        if task is None:
            return
        risk = make.risk(task, "in_mitigation", key=f"R{make.number()}")
        action, proof = make.quality_action(risk, "running"), make.evidence(task)
        self.arranged()
        done = self.attempt(
            finish_measure, who, action=action, result=result, evidence=proof, severity=severity, occurrence=1
        )
        score = Risk.objects.get(pk=risk.pk).score
        assert score >= 12 or (done and result == "passed")

    @rule(who=workers, reason=st.booleans(), until=st.booleans())
    def a_risk_above_the_appetite_is_borne(self, who, reason, until):
        task = self.early_task()
        if task is None:
            return
        risk = make.risk(task, "assessed", key=f"R{make.number()}")
        self.arranged()
        done = self.attempt(
            accept_risk, who, risk=risk, reason="So be it" if reason else "",
            until=make.tomorrow() if until else None,
        )  # fmt: skip
        assert not done or (who == "manager" and reason and until)

    @rule(who=workers)
    def a_score_is_talked_down(self, who):
        task = self.early_task()
        if task is None:
            return
        risk = make.risk(task, "reopened", key=f"R{make.number()}")
        self.arranged()
        assert not self.attempt(assess_risk, who, risk=risk, severity=1, occurrence=1)

    @rule(who=st.sampled_from(("manager", "reviewer")), part=st.sampled_from(("owner", "giver", "nothing")))
    def own_work_is_verified(self, who, part):
        phase = self.trip().phases.filter(state=Phase.State.IN_PROGRESS).last()
        if phase is None or self.trip().state != "open":
            return
        task, me, other = phase.tasks.first(), self.people[who], self.people["scientist"]
        task.risks.update(state="accepted", inherent_severity=4, inherent_occurrence=3)
        Evidence.objects.filter(task=task).update(state="expired")
        make.task(
            phase, task.key, "evidence_attached", owner=me if part == "owner" else other, verified_by=None,
            verified_at=None,
        )  # fmt: skip
        for kind in task.evidence_kinds:
            make.evidence(task, kind, attached_by=me if part == "giver" else other)
        self.arranged()
        assert self.attempt(verify_task, who, task=task) == (part == "nothing")

    @rule(ticks=st.tuples(st.booleans(), st.booleans()))
    def a_handoff_is_accepted(self, ticks):
        if self.trip().state != "open":
            return
        giver, taker = self.people["scientist"], self.people["helper"]
        handoff = make.handoff(self.trip(), "offered", giver=giver, taker=taker)
        for criterion, ticked in zip(handoff.criteria.all(), ticks, strict=True):
            criterion.ticked_at = handoff.offered_at if ticked else None
            criterion.save()
        self.arranged()
        assert self.attempt(accept_handoff, "helper", handoff=handoff) == all(ticks)

    @rule(done=st.booleans())
    def a_phase_with_open_work_is_submitted(self, done):
        phase = self.proven_phase("in_progress")
        if phase is None:
            return
        if not done:
            key = phase.tasks.filter(mandatory=True).first().key
            make.task(phase, key, "evidence_attached", verified_by=None, verified_at=None)
        self.arranged()
        assert self.attempt(request_review, "manager", phase=phase) == done

    @rule()
    def a_passed_phase_is_opened_again(self):
        phase = self.proven_phase("passed")
        if phase is None:
            return
        self.arranged()
        if self.attempt(reopen_phase, "manager", phase=phase, reason="New data"):
            rests = Evidence.objects.filter(task__phase__iteration=self.trip(), state__in=LIVE)
            assert not rests.filter(task__phase__order__gte=phase.order).exists()
