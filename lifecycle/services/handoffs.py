"""Handoffs: deliverables offered by a giver, accepted or returned by a taker."""

import datetime as dt
from collections.abc import Mapping, Sequence

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from lifecycle import events, rules
from lifecycle.actions import LifecycleAction
from lifecycle.errors import Invalid, Refused
from lifecycle.models import (
    HANDOFF_STATES,
    AcceptanceCriterion,
    Deliverable,
    Handoff,
    Iteration,
    Snapshot,
    User,
)
from lifecycle.services.furnishing import fill_handoff
from lifecycle.services.handoff_versions import ensure_current
from lifecycle.services.steps import allow, change, ensure_open, ensure_same_project, locked, record
from lifecycle.services.texts import line, prose

_S = Handoff.State
_RELATED = ("iteration__project", "giver", "taker")


@transaction.atomic
def plan_handoff(
    *, iteration: Iteration, key: str, title: str, phase_key: str, deliverables: Sequence[str],
    criteria: Sequence[str], actor: User, giver: User | None = None, taker: User | None = None,
    giver_roles: Sequence[str] = (), taker_roles: Sequence[str] = (), due_on: dt.date | None = None,
) -> Handoff:  # fmt: skip
    """Plan one more handoff in an iteration, beyond those of the process."""
    iteration = locked(iteration, "project")
    allow(rules.can_manage_project(actor, iteration.project), _("Only a manager plans handoffs."))
    key, title = line(key, "key", most=20), line(title, "title", most=600)
    names = [line(name, f"deliverables/{at}") for at, name in enumerate(deliverables)]
    texts = [line(text, f"criteria/{at}", most=600) for at, text in enumerate(criteria)]
    _check_content(iteration, phase_key, names, texts)
    ensure_open(iteration)
    _check_parties(iteration, giver, taker)

    handoff = Handoff.objects.create(
        iteration=iteration, key=key, title=title, phase_key=phase_key, giver=giver, taker=taker,
        giver_roles=list(giver_roles), taker_roles=list(taker_roles), due_on=due_on,
    )  # fmt: skip
    fill_handoff(handoff, names, texts)
    _record(LifecycleAction.HANDOFF_PLANNED, handoff, actor, to=handoff.state)
    return handoff


@transaction.atomic
def set_parties(
    *, handoff: Handoff, giver: User | None, taker: User | None, actor: User, due_on: dt.date | None = None
) -> Handoff:
    """Name the two people of a handoff that is not on offer; `due_on` moves its date if it is given."""
    handoff = locked(handoff, *_RELATED)
    allow(rules.can_manage_project(actor, handoff.iteration.project), _("Only a manager names the parties."))
    ensure_open(handoff.iteration)
    if handoff.state not in (_S.PLANNED, _S.RETURNED):
        raise Refused("wrong_state", _("The parties are named while a handoff is planned or returned."))
    if handoff.state == _S.RETURNED and (giver is None or taker is None):
        raise Invalid(
            "missing", _("A returned handoff keeps two parties."), "giver" if giver is None else "taker"
        )
    _check_parties(handoff.iteration, giver, taker)

    before = {"giver": handoff.giver_id, "taker": handoff.taker_id}
    handoff.giver, handoff.taker, handoff.due_on = giver, taker, due_on or handoff.due_on
    handoff.save(update_fields=["giver", "taker", "due_on"])
    _record(
        LifecycleAction.HANDOFF_ASSIGNED, handoff, actor, **{"from": before},
        due_on=handoff.due_on.isoformat() if handoff.due_on else None,
    )  # fmt: skip
    return handoff


@transaction.atomic
def offer_handoff(
    *, handoff: Handoff, actor: User, snapshots: Mapping[int, Snapshot] | None = None,
    references: Mapping[int, str] | None = None,
) -> Handoff:  # fmt: skip
    """The giver offers; each deliverable is tied to a snapshot or to a reference, by its order from 1.

    What a returned handoff was tied to before stays unless it is replaced. Ticks begin anew.
    Raises `Refused` (`no_taker`, `deliverable_missing`, and `deliverable_changed` for expired evidence),
    `Invalid` for an order that is not there.
    """
    handoff = _held(handoff)
    allow(rules.can_offer(actor, handoff), _("Only its giver offers a handoff."))
    ensure_open(handoff.iteration)
    state = HANDOFF_STATES.next(handoff.state, "offer")
    if handoff.taker_id is None:
        raise Refused("no_taker", _("Somebody has to be named as taker first."))
    deliverables = {each.order: each for each in handoff.deliverables.select_for_update().order_by("order")}
    _tie(handoff, deliverables, snapshots or {}, references or {})
    ensure_current(deliverables.values(), None)

    Deliverable.objects.bulk_update(deliverables.values(), ["snapshot", "reference"])
    handoff.criteria.update(ticked_at=None)
    handoff.offered_at, handoff.decided_at, handoff.reason = timezone.now(), None, ""
    handoff.rounds += 1
    return _move(
        handoff, state, LifecycleAction.HANDOFF_OFFERED, actor, "offered_at", "decided_at", "reason",
        "rounds",
        round=handoff.rounds, deliverables=[_tied(each) for each in deliverables.values()],
    )  # fmt: skip


@transaction.atomic
def tick_criterion(
    *, criterion: AcceptanceCriterion, actor: User, ticked: bool = True
) -> AcceptanceCriterion:
    """The taker confirms one acceptance criterion of a handoff on offer, or takes the tick back."""
    handoff = locked(criterion.handoff, *_RELATED)
    allow(rules.can_decide_handoff(actor, handoff), _("Only its taker checks a handoff."))
    ensure_open(handoff.iteration)
    if handoff.state != _S.OFFERED:
        raise Refused("not_on_offer", _("This handoff is not on offer."))
    criterion = locked(criterion)
    if (criterion.ticked_at is not None) == ticked:
        raise Refused("no_change", _("This criterion is so already."))

    criterion.ticked_at = timezone.now() if ticked else None
    criterion.save(update_fields=["ticked_at"])
    _record(LifecycleAction.HANDOFF_TICKED, handoff, actor, criterion=criterion.order, ticked=ticked)
    return criterion


@transaction.atomic
def accept_handoff(*, handoff: Handoff, actor: User) -> Handoff:
    """The taker takes the deliverables over, after ticking every criterion: `Refused("criteria_open")`
    else.

    What has changed since the offer is `Refused("deliverable_changed")` with the difference named: its giver
    offers it anew.
    """
    handoff = _held(handoff)
    allow(rules.can_decide_handoff(actor, handoff), _("Only its taker accepts a handoff."))
    ensure_open(handoff.iteration)
    state = HANDOFF_STATES.next(handoff.state, "accept")
    deliverables = list(handoff.deliverables.select_related("snapshot__run__model_version").order_by("order"))
    ensure_current(deliverables, handoff.offered_at)
    waiting = handoff.criteria.filter(ticked_at__isnull=True).count()
    if waiting:
        text = _("Criteria that are not ticked: %(count)d.") % {"count": waiting}
        raise Refused("criteria_open", text)

    handoff.decided_at = timezone.now()
    tied = [_tied(each) for each in deliverables]
    return _move(
        handoff,
        state,
        LifecycleAction.HANDOFF_ACCEPTED,
        actor,
        "decided_at",
        round=handoff.rounds,
        deliverables=tied,
    )


@transaction.atomic
def return_handoff(*, handoff: Handoff, actor: User, reason: str) -> Handoff:
    """The taker gives the deliverables back and says why."""
    handoff = _held(handoff)
    allow(rules.can_decide_handoff(actor, handoff), _("Only its taker returns a handoff."))
    reason = prose(reason, "reason")
    ensure_open(handoff.iteration)
    state = HANDOFF_STATES.next(handoff.state, "return")

    handoff.decided_at, handoff.reason = timezone.now(), reason
    return _move(
        handoff, state, LifecycleAction.HANDOFF_RETURNED, actor, "decided_at", "reason",
        reason=reason, round=handoff.rounds,
    )  # fmt: skip


@transaction.atomic
def withdraw_handoff(*, handoff: Handoff, actor: User) -> Handoff:
    """The giver takes an offer back before it is decided."""
    handoff = _held(handoff)
    allow(rules.can_offer(actor, handoff), _("Only its giver withdraws a handoff."))
    ensure_open(handoff.iteration)
    state = HANDOFF_STATES.next(handoff.state, "withdraw")

    return _move(handoff, state, LifecycleAction.HANDOFF_WITHDRAWN, actor)


@transaction.atomic
def cancel_handoff(*, handoff: Handoff, actor: User, reason: str) -> Handoff:
    """Drop a handoff that is not needed; its giver or a manager may."""
    handoff = _held(handoff)
    allow(rules.can_cancel(actor, handoff), _("Only its giver or a manager cancels a handoff."))
    reason = prose(reason, "reason")
    ensure_open(handoff.iteration)
    state = HANDOFF_STATES.next(handoff.state, "cancel")

    handoff.reason, handoff.decided_at = reason, None
    return _move(
        handoff, state, LifecycleAction.HANDOFF_CANCELLED, actor, "reason", "decided_at", reason=reason
    )


def _held(handoff: Handoff) -> Handoff:
    """The handoff as it stands now, locked behind its project, which triggers lock too."""
    locked(handoff.iteration.project)
    return locked(handoff, *_RELATED)


def _check_content(iteration: Iteration, phase_key: str, names: list[str], texts: list[str]) -> None:
    if not iteration.phases.filter(key=phase_key).exists():
        raise Invalid("unknown_phase", _("The process has no such phase."), "phase_key")
    for where, values in (("deliverables", names), ("criteria", texts)):
        if not values:
            raise Invalid("missing", _("Name at least one."), where)


def _check_parties(iteration: Iteration, giver: User | None, taker: User | None) -> None:
    if giver is not None and giver == taker:
        raise Refused("same_person", _("A handoff needs two people."))
    for user in filter(None, (giver, taker)):
        if not rules.can_take_part(user, iteration.project):
            raise Refused("not_member", _("%(name)s can not take part in this project.") % {"name": user})


def _tie(
    handoff: Handoff, deliverables: dict[int, Deliverable], snapshots: Mapping[int, Snapshot],
    references: Mapping[int, str],
) -> None:  # fmt: skip
    for order in [*snapshots, *references]:
        if order not in deliverables:
            raise Invalid("unknown_deliverable", _("There is no such deliverable."), f"deliverables/{order}")
    for order, snapshot in snapshots.items():
        ensure_same_project(handoff.iteration.project, snapshot.project_id, f"snapshots/{order}")
        deliverables[order].snapshot = snapshot
    for order, text in references.items():
        deliverables[order].reference = line(text, f"references/{order}", most=600)
    bare = [each.name for each in deliverables.values() if each.snapshot_id is None and not each.reference]
    if bare:
        text = _("Without snapshot or reference: %(names)s.") % {"names": ", ".join(bare)}
        raise Refused("deliverable_missing", text)


def _tied(deliverable: Deliverable) -> dict[str, object]:
    snapshot = deliverable.snapshot
    return {
        "order": deliverable.order,
        "digest": snapshot.digest if snapshot else None,
        "reference": deliverable.reference,
    }


def _record(action: LifecycleAction, handoff: Handoff, actor: User, **detail: object) -> None:
    record(
        action, handoff, actor=actor, project=handoff.iteration.project, iteration=handoff.iteration,
        handoff=handoff.pk, key=handoff.key, phase=handoff.phase_key,
        giver=handoff.giver_id, taker=handoff.taker_id, **detail,
    )  # fmt: skip


def _move(
    handoff: Handoff, state: str, action: LifecycleAction, actor: User, *fields: str, **detail: object
) -> Handoff:
    before, handoff.state = handoff.state, state
    handoff.save(update_fields=["state", *fields])
    _record(action, handoff, actor, **change(before, state), **detail)
    event = events.HandoffMoved(handoff.pk, handoff.iteration.project_id, state, actor.pk)
    events.handoff_moved.send(sender=Handoff, event=event)
    return handoff
