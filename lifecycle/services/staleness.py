"""What expires when the ground beneath it changes: data -> model -> evaluation -> deployment.

Called by other services inside their transaction; records nothing by itself, so that a service has one entry.
"""

from dataclasses import dataclass, field

from lifecycle import events
from lifecycle.models import EVIDENCE_STATES, PHASE_STATES, TASK_STATES, Evidence, Phase, Task


@dataclass
class Stale:
    """What a change has made stale."""

    project_id: int = 0
    evidence: list[Evidence] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)
    phases: list[Phase] = field(default_factory=list)

    @property
    def detail(self) -> dict[str, object]:
        """For the ledger: ids of evidence, tasks with their new state, phases with theirs."""
        if not self.project_id:
            return {}
        return {
            "expired_evidence": [each.pk for each in self.evidence],
            "tasks": {str(task.pk): task.state for task in self.tasks},
            "phases": {phase.key: phase.state for phase in self.phases},
        }

    def tell(self) -> None:
        """Tell of each piece of evidence and each later phase."""
        for each in self.evidence:
            tell_evidence(each, self.project_id)
        for phase in self.phases:
            event = events.PhaseChanged(phase_id=phase.pk, project_id=self.project_id, state=phase.state)
            events.phase_changed.send(sender=Phase, event=event)


def tell_evidence(evidence: Evidence, project_id: int) -> None:
    """Tell that a piece of evidence has changed."""
    event = events.EvidenceChanged(evidence_id=evidence.pk, task_id=evidence.task_id, project_id=project_id)
    events.evidence_changed.send(sender=Evidence, event=event)


def expire_from(phase: Phase, reason: str) -> Stale:
    """Expire the evidence of this phase and of later ones, reopen their tasks and the later phases.

    Later phases that are passed are reopened, one in review goes back to work; inherited ones rest on an
    earlier iteration and stay.
    """
    later = list(phase.iteration.phases.select_for_update().filter(order__gt=phase.order).order_by("order"))
    stale = Stale(project_id=phase.iteration.project_id)
    tasks = Task.objects.select_for_update().filter(phase__in=[phase, *later]).order_by("pk")
    for task in tasks:
        evidence = [each for each in task.evidence.all() if EVIDENCE_STATES.can(each.state, "expire")]
        for each in evidence:
            expire_one(each, reason)
        stale.evidence += evidence
        if reopen_stale(task, reason):
            stale.tasks.append(task)
    for each_phase in later:
        if _reopen_phase(each_phase):
            stale.phases.append(each_phase)
    return stale


def expire_one(evidence: Evidence, reason: str) -> None:
    """Mark one piece of evidence expired."""
    evidence.state = EVIDENCE_STATES.next(evidence.state, "expire")
    evidence.state_reason = reason
    evidence.save(update_fields=["state", "state_reason"])


def reopen_stale(task: Task, reason: str) -> bool:
    """Move a task back so that its proof is given again; False if it needs no move."""
    if task.state == Task.State.VERIFIED:
        task.state = TASK_STATES.next(task.state, "reopen")
        task.verified_at = task.verified_by = None
    elif task.state == Task.State.EVIDENCE_ATTACHED:
        task.state = TASK_STATES.next(task.state, "reject_evidence")
    else:
        return False
    task.state_reason = reason
    task.save(update_fields=["state", "state_reason", "verified_at", "verified_by"])
    return True


def _reopen_phase(phase: Phase) -> bool:
    if phase.state in (Phase.State.PASSED, Phase.State.PASSED_WITH_CONDITIONS):
        phase.state = PHASE_STATES.next(phase.state, "reopen")
    elif phase.state == Phase.State.IN_REVIEW:
        phase.state = PHASE_STATES.next(phase.state, "iterate")
    else:
        return False
    phase.ended_at = None
    phase.save(update_fields=["state", "ended_at"])
    return True
