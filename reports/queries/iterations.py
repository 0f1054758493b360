"""Iterations as documents: phases, tasks with their evidence, handoffs, runs and gates."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from governance.models import Gate
from lifecycle.models import Evidence, Handoff, Iteration, Phase, Requirement, Run, Task
from reports.documents import EvidenceItem, Mark, PhaseState, State
from reports.documents import Handoff as HandoffDocument
from reports.documents import Iteration as IterationDocument
from reports.documents import Task as TaskDocument
from reports.queries.gates import Signing, gate_documents
from reports.queries.moment import Moment, mark, name_of, phase_number
from reports.queries.runs import run_document

STANDING = (Evidence.State.ATTACHED, Evidence.State.VERIFIED)
DONE = (Task.State.VERIFIED, Task.State.NOT_APPLICABLE)
PHASE_MARKS = {
    Phase.State.PASSED: State.OK,
    Phase.State.PASSED_WITH_CONDITIONS: State.WAIVED,
    Phase.State.REOPENED: State.WARN,
    Phase.State.ON_HOLD: State.WARN,
    Phase.State.STOPPED: State.BAD,
}
ITERATION_MARKS = {Iteration.State.COMPLETED: State.OK, Iteration.State.STOPPED: State.BAD}


@dataclass(frozen=True)
class Parts:
    """The records of a project's iterations, all read: filling documents from them costs no query."""

    iterations: Sequence[Iteration]
    phases: Sequence[Phase]
    tasks: Sequence[Task]
    handoffs: Sequence[Handoff]
    runs: Sequence[Run]
    gates: Sequence[Gate]
    requirements: Sequence[Requirement]
    snapshots: Mapping[int, str]


def read_iterations(project_id: int, moment: Moment) -> Parts:
    """All of it, in the order in which a report shows it. 14 queries for any number of records."""
    mine = {"iteration__project": project_id, "iteration__opened_at__lte": moment.at}
    tasks = Task.objects.filter(
        phase__iteration__project=project_id, phase__iteration__opened_at__lte=moment.at
    ).select_related("phase", "owner", "accountable")
    gates = Gate.objects.filter(iteration__project=project_id, opened_at__lte=moment.at)
    runs = Run.objects.filter(project=project_id, created_at__lte=moment.at)
    snapshots = runs.filter(snapshots__created_at__lte=moment.at).order_by("snapshots__pk")
    return Parts(
        iterations=list(
            Iteration.objects.filter(project=project_id, opened_at__lte=moment.at)
            .select_related("opened_by", "firing__trigger")
            .order_by("number")
        ),
        phases=list(Phase.objects.filter(**mine).order_by("iteration__number", "order")),
        tasks=list(
            tasks.prefetch_related("duties", "evidence__attached_by", "evidence__snapshot").order_by(
                "phase__iteration__number", "phase__order", "order"
            )
        ),
        handoffs=list(Handoff.objects.filter(**mine).select_related("giver", "taker").order_by("key", "pk")),
        runs=list(runs.select_related("started_by", "model_version").order_by("created_at", "pk")),
        gates=list(
            gates.select_related("model_version")
            .prefetch_related("evaluations__results", "signoffs")
            .order_by("opened_at", "pk")
        ),
        requirements=list(
            Requirement.objects.filter(project=project_id, created_at__lte=moment.at).order_by("pk")
        ),
        snapshots=dict(snapshots.values_list("pk", "snapshots__digest")),
    )


def iteration_documents(parts: Parts, moment: Moment, signing: Signing) -> tuple[IterationDocument, ...]:
    """The iterations in order. No query."""
    phases: dict[int, list[Phase]] = defaultdict(list)
    tasks: dict[int, list[Task]] = defaultdict(list)
    for phase in parts.phases:
        phases[phase.iteration_id].append(phase)
    for task in parts.tasks:
        tasks[task.phase.iteration_id].append(task)
    return tuple(
        _iteration(each, phases[each.pk], tasks[each.pk], parts, moment, signing) for each in parts.iterations
    )


def _iteration(
    iteration: Iteration,
    phases: Sequence[Phase],
    tasks: Sequence[Task],
    parts: Parts,
    moment: Moment,
    signing: Signing,
) -> IterationDocument:
    names = {phase.key: phase.name for phase in phases}
    closed = moment.seen(iteration.closed_at)
    return IterationDocument(
        number=iteration.number,
        reason=iteration.reason,
        opened_by=_opener(iteration),
        opened_at=iteration.opened_at,
        mark=mark(ITERATION_MARKS[Iteration.State(iteration.state)], iteration.get_state_display())
        if closed
        else mark(State.IDLE, _("open")),
        closed_at=closed,
        start_phase=names.get(iteration.start_phase, iteration.start_phase),
        phases=tuple(_phase(phase, tasks, moment) for phase in phases),
        tasks=tuple(_task(task, moment) for task in tasks),
        handoffs=tuple(
            _handoff(each, moment) for each in parts.handoffs if each.iteration_id == iteration.pk
        ),
        runs=tuple(
            run_document(run, parts.requirements, parts.snapshots, moment)
            for run in parts.runs
            if run.iteration_id == iteration.pk and run.kind != Run.Kind.MONITORING
        ),
        gates=gate_documents(
            [gate for gate in parts.gates if gate.iteration_id == iteration.pk], moment, signing
        ),
    )


def _opener(iteration: Iteration) -> str:
    trigger = iteration.firing.trigger.key if iteration.firing else ""
    if not trigger:
        return name_of(iteration.opened_by, _("Gatebook"))
    if iteration.opened_by is None:
        return _("trigger %(key)s") % {"key": trigger}
    return _("%(name)s after trigger %(key)s") % {"name": iteration.opened_by, "key": trigger}


def _phase(phase: Phase, tasks: Sequence[Task], moment: Moment) -> PhaseState:
    mine = [t for t in tasks if t.phase_id == phase.pk and t.state != Task.State.NOT_APPLICABLE]
    return PhaseState(
        number=phase_number(phase.key),
        name=phase.name,
        mark=_phase_mark(phase, moment),
        tasks_done=sum(bool(moment.seen(task.verified_at)) for task in mine),
        tasks_total=len(mine),
        opened_at=moment.seen(phase.started_at),
        closed_at=moment.seen(phase.ended_at),
    )


def _phase_mark(phase: Phase, moment: Moment) -> Mark:
    """The state as it is now, unless it came about after the moment of the report."""
    if phase.started_at and not moment.seen(phase.started_at):
        return mark(State.IDLE, _("not started"))
    if phase.ended_at and not moment.seen(phase.ended_at):
        return mark(State.IDLE, _("in progress"))
    return mark(PHASE_MARKS.get(Phase.State(phase.state), State.IDLE), phase.get_state_display())


def _task(task: Task, moment: Moment) -> TaskDocument:
    return TaskDocument(
        code=task.key,
        phase=phase_number(task.phase.key),
        title=task.name,
        owner=name_of(task.owner),
        mark=_task_mark(task, moment),
        due_on=task.due_on,
        evidence=tuple(
            _item(each, task, moment)
            for each in sorted(task.evidence.all(), key=lambda e: (e.attached_at, e.pk))
            if each.state in STANDING and moment.seen(each.attached_at)
        ),
    )


def _task_mark(task: Task, moment: Moment) -> Mark:
    if task.state == Task.State.VERIFIED and moment.seen(task.verified_at):
        return mark(State.OK, task.get_state_display())
    if task.state not in DONE and moment.late(task.due_on):
        return mark(State.WARN, _("late"))
    if task.state in (Task.State.BLOCKED, Task.State.REOPENED):
        return mark(State.WARN, task.get_state_display())
    if task.state == Task.State.VERIFIED:
        return mark(State.IDLE, _("in progress") if moment.seen(task.started_at) else _("planned"))
    return mark(State.IDLE, task.get_state_display())


def _item(evidence: Evidence, task: Task, moment: Moment) -> EvidenceItem:
    snapshot = evidence.snapshot
    moved = snapshot.source_seen_at is not None and moment.seen(snapshot.source_seen_at)
    return EvidenceItem(
        code=f"{snapshot.kind} S{snapshot.pk}",
        kind=snapshot.kind,
        title=snapshot.title,
        digest=snapshot.digest,
        frozen_at=snapshot.created_at,
        proves=task.key,
        frozen_by=str(evidence.attached_by),
        source=str(snapshot.get_source_state_display()) if moved else "",
    )


def _handoff(handoff: Handoff, moment: Moment) -> HandoffDocument:
    return HandoffDocument(
        code=handoff.key,
        title=handoff.title,
        giver=name_of(handoff.giver),
        taker=name_of(handoff.taker),
        mark=_handoff_mark(handoff, moment),
        due_on=handoff.due_on,
        offered_at=moment.seen(handoff.offered_at),
        decided_at=moment.seen(handoff.decided_at),
        comment=handoff.reason if moment.seen(handoff.decided_at) or not handoff.decided_at else "",
    )


def _handoff_mark(handoff: Handoff, moment: Moment) -> Mark:
    over = (Handoff.State.ACCEPTED, Handoff.State.CANCELLED)
    decided = not handoff.decided_at or moment.seen(handoff.decided_at)
    if handoff.state == Handoff.State.ACCEPTED and decided:
        again = handoff.rounds > 1
        return mark(State.OK, _("accepted when offered again") if again else handoff.get_state_display())
    if moment.late(handoff.due_on) and handoff.state not in over:
        return mark(State.WARN, _("late"))
    if not decided:
        return mark(State.IDLE, _("offered") if moment.seen(handoff.offered_at) else _("planned"))
    state = State.WARN if handoff.state == Handoff.State.RETURNED else State.IDLE
    return mark(state, handoff.get_state_display())
