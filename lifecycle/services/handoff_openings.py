"""Handoffs that arise by themselves because a trigger has started its action."""

import datetime as dt

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from ledger.actors import Actor, SystemActor
from lifecycle.actions import LifecycleAction
from lifecycle.definitions import Handoff as HandoffDefinition
from lifecycle.definitions import OpensOn
from lifecycle.models import Firing, Handoff, Iteration
from lifecycle.services.furnishing import Cast, document_of, fill_handoff
from lifecycle.services.steps import locked, record

_UNDER_WAY = (Handoff.State.OFFERED, Handoff.State.RETURNED)


def arise_for_firing(firing: Firing) -> list[Handoff]:
    """Date or plan the handoffs that the process of the open iteration opens on this trigger."""
    trigger = firing.trigger
    iteration = Iteration.objects.filter(project=trigger.project_id, state=Iteration.State.OPEN).first()
    if iteration is None:
        return []
    parts = [
        part
        for part in document_of(iteration).handoffs
        if part.opens.event == OpensOn.TRIGGER and part.opens.ref == trigger.key
    ]
    actor = SystemActor(f"trigger {trigger.key}")
    found = (arise_handoff(iteration=iteration, part=part, actor=actor, firing=firing) for part in parts)
    return [each for each in found if each is not None]


@transaction.atomic
def arise_handoff(
    *, iteration: Iteration, part: HandoffDefinition, actor: Actor, firing: Firing
) -> Handoff | None:
    """Date the planned handoff of this part from today; plan another one when the last is settled.

    None while one is on offer or returned: it answers this firing too.
    """
    iteration = locked(iteration, "project", "process_version")
    keys = Q(key=part.key) | Q(key__startswith=f"{part.key}-")
    same = list(iteration.handoffs.select_for_update().filter(keys).order_by("pk"))
    if any(each.state in _UNDER_WAY for each in same):
        return None
    due_on = timezone.localdate() + dt.timedelta(days=part.due_days)
    handoff = next((each for each in same if each.state == Handoff.State.PLANNED), None)
    if handoff is not None and handoff.due_on is not None:
        return None  # its clock runs already
    if handoff is not None:
        handoff.due_on = due_on
        handoff.save(update_fields=["due_on"])
        action = LifecycleAction.HANDOFF_ASSIGNED
    else:
        handoff = _plan(iteration, part, len(same), due_on)
        action = LifecycleAction.HANDOFF_PLANNED
    record(
        action, handoff, actor=actor, project=iteration.project, iteration=iteration,
        handoff=handoff.pk, key=handoff.key, phase=handoff.phase_key, giver=handoff.giver_id,
        taker=handoff.taker_id, due_on=due_on.isoformat(), firing=firing.pk, to=handoff.state,
    )  # fmt: skip
    return handoff


def _plan(iteration: Iteration, part: HandoffDefinition, before: int, due_on: dt.date) -> Handoff:
    cast = Cast(iteration.project)
    giver = cast.only(part.givers)
    handoff = Handoff.objects.create(
        iteration=iteration, key=f"{part.key}-{before + 1}" if before else part.key, title=part.name,
        phase_key=part.phase, giver_roles=list(part.givers), taker_roles=list(part.takers), giver=giver,
        taker=cast.only(part.takers, but=giver), due_on=due_on,
    )  # fmt: skip
    fill_handoff(handoff, part.deliverables, part.criteria)
    return handoff
