"""Turns the parts of a process document into the records of an iteration: tasks, risks, planned handoffs.

Called by the services of iterations and phases inside their transaction; records nothing by itself.
"""

import datetime as dt
from collections.abc import Iterable

from lifecycle.definitions import Handoff as HandoffDefinition
from lifecycle.definitions import OpensOn, ProcessDocument, stored
from lifecycle.definitions import Risk as RiskDefinition
from lifecycle.definitions import Task as TaskDefinition
from lifecycle.models import (
    AcceptanceCriterion,
    Deliverable,
    Handoff,
    Iteration,
    Membership,
    Phase,
    Project,
    Risk,
    Task,
    User,
)


class Cast:
    """Who plays which role of the process in a project. 1 query."""

    def __init__(self, project: Project) -> None:
        members = project.memberships.filter(left_at__isnull=True, user__is_active=True)
        self._active = [
            each
            for each in members.select_related("user").order_by("pk")
            if each.role != Membership.Role.AUDITOR and each.user.org_role != User.OrgRole.AUDITOR
        ]
        self.manager = self._manager(project)

    def only(self, codes: Iterable[str], *, but: User | None = None) -> User | None:
        """The one person for the first of the roles that exactly one person has; `but` is left out."""
        for code in codes:
            found = [each.user for each in self._active if code in each.crisp_roles and each.user != but]
            if len(found) == 1:
                return found[0]
        return None

    def _manager(self, project: Project) -> User | None:
        managers = [each.user for each in self._active if each.role == Membership.Role.MANAGER]
        creators = [user for user in managers if user.pk == project.created_by_id]
        return creators[0] if creators else managers[0] if managers else None


def document_of(iteration: Iteration) -> ProcessDocument:
    """The process document that the iteration runs under."""
    return stored(iteration.process_version.document)


def furnish_phase(phase: Phase, document: ProcessDocument, cast: Cast, start: dt.date) -> list[Task]:
    """Make the tasks of a phase with due dates counted from `start`, their template risks and its
    handoffs.
    """
    parts = document.tasks_of(phase.key)
    tasks = Task.objects.bulk_create(
        _task(phase, part, order, cast, start) for order, part in enumerate(parts, 1)
    )
    Risk.objects.bulk_create(
        Risk(
            task=task, key=risk.key, text=risk.text, category=risk.category.value,
            severity=risk.severity, occurrence=risk.occurrence,
        )
        for task, risks in zip(tasks, _risks(parts, phase.key, document), strict=True)
        for risk in risks
    )  # fmt: skip
    _plan_handoffs(phase, document, cast, start)
    return list(tasks)


def length_of(document: ProcessDocument, phase_key: str) -> int:
    """How many days a phase is planned to last: until its last task is due."""
    return max((task.due_days for task in document.tasks_of(phase_key)), default=0)


def redate_handoffs(iteration: Iteration, event: OpensOn, ref: str, today: dt.date) -> None:
    """Count the due dates of planned handoffs anew, now that the event that opens them has happened."""
    for part in document_of(iteration).handoffs:
        if part.opens.event == event and part.opens.ref == ref:
            planned = iteration.handoffs.filter(key=part.key, state=Handoff.State.PLANNED)
            planned.update(due_on=today + dt.timedelta(days=part.due_days))


def _task(phase: Phase, part: TaskDefinition, order: int, cast: Cast, start: dt.date) -> Task:
    kinds = list(dict.fromkeys(each.kind.value for each in part.proof.evidence))
    return Task(
        phase=phase, key=part.key, name=part.name, summary=part.summary, order=order, stage=part.stage or "",
        role=part.owner, mandatory=not part.optional, evidence_kinds=kinds, owner=cast.only([part.owner]),
        accountable=cast.manager, due_on=start + dt.timedelta(days=part.due_days),
    )  # fmt: skip


def _risks(
    parts: tuple[TaskDefinition, ...], phase_key: str, document: ProcessDocument
) -> list[list[RiskDefinition]]:
    """The template risks of each task; one that concerns the whole phase is watched in its last task."""
    own = [[risk for risk in document.risks if part.key in risk.tasks] for part in parts]
    if own:
        own[-1] += [risk for risk in document.risks if not risk.tasks and risk.phase == phase_key]
    return own


def _plan_handoffs(phase: Phase, document: ProcessDocument, cast: Cast, start: dt.date) -> None:
    parts = [part for part in document.handoffs if part.phase == phase.key]
    end = start + dt.timedelta(days=length_of(document, phase.key))
    made = Handoff.objects.bulk_create(_handoff(phase.iteration, part, cast, start, end) for part in parts)
    pairs = list(zip(made, parts, strict=True))
    Deliverable.objects.bulk_create(
        each for new, part in pairs for each in _deliverables(new, part.deliverables)
    )
    AcceptanceCriterion.objects.bulk_create(
        each for new, part in pairs for each in _criteria(new, part.criteria)
    )


def _handoff(
    iteration: Iteration, part: HandoffDefinition, cast: Cast, start: dt.date, end: dt.date
) -> Handoff:
    giver = cast.only(part.givers)
    taker = cast.only(part.takers, but=giver)
    base = {OpensOn.PHASE_STARTED: start, OpensOn.TRIGGER: None}.get(part.opens.event, end)
    return Handoff(
        iteration=iteration, key=part.key, title=part.name, phase_key=part.phase,
        giver_roles=list(part.givers), taker_roles=list(part.takers), giver=giver, taker=taker,
        due_on=base + dt.timedelta(days=part.due_days) if base else None,
    )  # fmt: skip


def fill_handoff(handoff: Handoff, deliverables: Iterable[str], criteria: Iterable[str]) -> None:
    """Give a new handoff its deliverables and acceptance criteria, numbered from 1."""
    Deliverable.objects.bulk_create(_deliverables(handoff, deliverables))
    AcceptanceCriterion.objects.bulk_create(_criteria(handoff, criteria))


def _deliverables(handoff: Handoff, names: Iterable[str]) -> list[Deliverable]:
    return [Deliverable(handoff=handoff, order=order, name=name) for order, name in enumerate(names, 1)]


def _criteria(handoff: Handoff, texts: Iterable[str]) -> list[AcceptanceCriterion]:
    return [
        AcceptanceCriterion(handoff=handoff, order=order, text=text) for order, text in enumerate(texts, 1)
    ]


def assigned_detail(task: Task) -> dict[str, object]:
    """Who got a task, as the ledger says it: separation of duties is computed from this."""
    return {"task": task.pk, "key": task.key, "owner": task.owner_id, "accountable": task.accountable_id}
