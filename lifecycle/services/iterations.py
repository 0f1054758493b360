"""Iterations: opened, completed, stopped."""

import datetime as dt

from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from ledger.actors import Actor
from lifecycle import rules
from lifecycle.actions import LifecycleAction
from lifecycle.definitions import ProcessDocument
from lifecycle.errors import Invalid, Refused
from lifecycle.models import (
    HANDOFF_STATES,
    ITERATION_STATES,
    PHASE_STATES,
    Firing,
    Handoff,
    Iteration,
    Phase,
    Project,
    Task,
)
from lifecycle.services.furnishing import Cast, assigned_detail, document_of, furnish_phase, length_of
from lifecycle.services.steps import allow, change, ensure_active, locked, person, record
from lifecycle.services.texts import line, prose

_PASSED = ("passed", "passed_with_conditions", "inherited")


@transaction.atomic
def open_iteration(
    *,
    project: Project,
    title: str,
    reason: str,
    start_phase: str = "P1",
    actor: Actor,
    firing: Firing | None = None,
) -> Iteration:
    """Begin a trip round the cycle at `start_phase`; a manager or a trigger may.

    Phases before it are inherited. The others get their tasks with due dates, template risks and planned
    handoffs. Whoever alone has a task's role owns it; the project's manager is accountable.
    Raises `Refused("iteration_open")` while another one is open, `Invalid` for an unknown phase.
    """
    project = locked(project, "process_version", "created_by")
    allow(
        rules.is_machine(actor) or rules.can_manage_project(actor, project),
        _("Only a manager opens iterations."),
    )
    title, reason = line(title, "title"), prose(reason, "reason")
    ensure_active(project)
    if project.iterations.filter(state=Iteration.State.OPEN).exists():
        raise Refused("iteration_open", _("Complete or stop the open iteration first."))
    number = (project.iterations.aggregate(last=Max("number"))["last"] or 0) + 1
    iteration = Iteration(
        project=project, number=number, title=title, reason=reason, start_phase=start_phase, firing=firing,
        process_version=project.process_version, opened_by=person(actor), opened_at=timezone.now(),
    )  # fmt: skip
    document = document_of(iteration)
    if start_phase not in [phase.key for phase in document.phases]:
        raise Invalid("unknown_phase", _("The process has no such phase."), "start_phase")

    iteration.save()
    tasks = _furnish(iteration, document)
    record(
        LifecycleAction.ITERATION_OPENED, iteration, actor=actor, project=project, iteration=iteration,
        to=iteration.state, reason=reason, start_phase=start_phase, process=project.process_version.digest,
        firing=firing.pk if firing else None,
        assigned=[assigned_detail(task) for task in tasks if task.owner_id],
    )  # fmt: skip
    return iteration


@transaction.atomic
def complete_iteration(*, iteration: Iteration, actor: Actor) -> Iteration:
    """End an iteration whose work is done. The last phase, monitoring, never passes by itself and may run on.

    Raises `Refused("phases_open")` while another phase has begun and is not passed.
    """
    iteration = locked(iteration, "project")
    allow(
        rules.is_machine(actor) or rules.can_manage_project(actor, iteration.project),
        _("Only a manager completes iterations."),
    )
    state = ITERATION_STATES.next(iteration.state, "complete")
    phases = list(iteration.phases.order_by("order"))
    waiting = [phase.key for phase in phases[:-1] if phase.state not in _PASSED]
    if waiting:
        text = _("These phases are not passed: %(phases)s.") % {"phases": ", ".join(waiting)}
        raise Refused("phases_open", text)

    before, iteration.state, iteration.closed_at = iteration.state, state, timezone.now()
    iteration.save(update_fields=["state", "closed_at"])
    record(
        LifecycleAction.ITERATION_COMPLETED, iteration, actor=actor, project=iteration.project,
        iteration=iteration,
        **change(before, state), phases={phase.key: phase.state for phase in phases},
    )  # fmt: skip
    return iteration


@transaction.atomic
def stop_iteration(*, iteration: Iteration, actor: Actor, reason: str) -> Iteration:
    """Give an iteration up: its running phases stop, its open handoffs are cancelled."""
    iteration = locked(iteration, "project")
    allow(rules.can_manage_project(actor, iteration.project), _("Only a manager stops iterations."))
    reason = prose(reason, "reason")
    state = ITERATION_STATES.next(iteration.state, "stop")

    now = timezone.now()
    before, iteration.state, iteration.closed_at = iteration.state, state, now
    iteration.save(update_fields=["state", "closed_at"])
    stopped = [
        phase for phase in iteration.phases.select_for_update() if PHASE_STATES.can(phase.state, "stop")
    ]
    Phase.objects.filter(pk__in=[phase.pk for phase in stopped]).update(
        state=Phase.State.STOPPED, ended_at=now
    )
    dropped = [
        each for each in iteration.handoffs.select_for_update() if HANDOFF_STATES.can(each.state, "cancel")
    ]
    Handoff.objects.filter(pk__in=[each.pk for each in dropped]).update(
        state=Handoff.State.CANCELLED, reason=reason, decided_at=None
    )
    record(
        LifecycleAction.ITERATION_STOPPED, iteration, actor=actor, project=iteration.project,
        iteration=iteration,
        **change(before, state), reason=reason, phases=[phase.key for phase in stopped],
        handoffs=[each.pk for each in dropped],
    )  # fmt: skip
    return iteration


def _furnish(iteration: Iteration, document: ProcessDocument) -> list[Task]:
    """Phases and all that is in them; each is planned to start when the one before it is due."""
    cast, begun, tasks = Cast(iteration.project), False, list[Task]()
    start = timezone.localdate(iteration.opened_at)
    for order, part in enumerate(document.phases, 1):
        begun = begun or part.key == iteration.start_phase
        state = Phase.State.NOT_STARTED if begun else Phase.State.INHERITED
        phase = Phase.objects.create(
            iteration=iteration, key=part.key, name=part.name, order=order, state=state
        )
        if begun:
            tasks += furnish_phase(phase, document, cast, start)
            start += dt.timedelta(days=length_of(document, part.key))
    return tasks
