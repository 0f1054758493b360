"""Firings: an event is held against the conditions of triggers, and each firing comes to one end.

A firing is started, rejected or merged into another; until then it waits. Nothing that fired is dropped:
inside the cooldown it is merged, and where an action cannot be carried out it waits with the reason.
"""

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from ledger.actors import Actor, SystemActor
from ledger.errors import GatebookError
from lifecycle import events, rules
from lifecycle.actions import LifecycleAction
from lifecycle.errors import Invalid, Refused
from lifecycle.models import FIRING_STATES, Firing, Project, Run, Trigger, User
from lifecycle.services.steps import allow, ensure_active, locked, person, record
from lifecycle.services.streaks import held_before
from lifecycle.services.texts import prose
from lifecycle.services.trigger_actions import carry_out, open_iteration_of
from lifecycle.services.trigger_conditions import read_condition

_LONGEST = 600


@transaction.atomic
def handle_event(
    *, project: Project, kind: str, event: Mapping[str, Any], event_key: str, run: Run | None = None
) -> list[Firing]:
    """Put an event before the project's enabled triggers of its kind; returns the firings.

    The same `event_key` fires a trigger once, however often it comes.
    """
    project = locked(project)  # one event after the other, or two could both find the cooldown over
    if project.state != Project.State.ACTIVE:
        return []
    triggers = Trigger.objects.filter(project=project, kind=kind, enabled=True).order_by("key", "pk")
    firings = (_consider(trigger, event, event_key, run) for trigger in triggers)
    return [firing for firing in firings if firing is not None]


def _consider(trigger: Trigger, event: Mapping[str, Any], event_key: str, run: Run | None) -> Firing | None:
    if trigger.firings.filter(event_key=event_key).exists():
        return None
    reading = read_condition(trigger, event)
    if not reading.holds:
        return None
    if not reading.problem and not held_before(trigger, event, run):
        return None  # a guard that cannot be read waits for no streak
    earlier = _cooling(trigger)
    firing = _fire(trigger, event, event_key, run, _summary(trigger, event))
    actor = SystemActor(f"trigger {trigger.key}")
    if earlier is not None:
        text = _("It fired less than %(hours)d hours ago.") % {"hours": trigger.cooldown_hours}
        return _end(firing, "merge", actor, text, merged_into=earlier)
    if reading.problem:
        return _wait(
            firing, _("The condition could not be read: %(problem)s.") % {"problem": reading.problem}
        )
    if trigger.mode == Trigger.Mode.ASK:
        return _wait(firing)
    return _start_by_itself(firing, actor)


def _cooling(trigger: Trigger) -> Firing | None:
    """The firing whose cooldown is not over, never one that was itself merged."""
    since = timezone.now() - timedelta(hours=trigger.cooldown_hours)
    recent = trigger.firings.filter(fired_at__gt=since).exclude(state=Firing.State.MERGED)
    return recent.order_by("-fired_at", "-pk").first() if trigger.cooldown_hours else None


def _summary(trigger: Trigger, event: Mapping[str, Any]) -> str:
    said = str(event.get("summary") or "").strip()
    return f"{trigger.name}: {said}"[:_LONGEST] if said else trigger.name


def _fire(
    trigger: Trigger,
    event: Mapping[str, Any],
    event_key: str,
    run: Run | None,
    summary: str,
    by: Actor | None = None,
) -> Firing:
    firing = Firing.objects.create(
        trigger=trigger,
        event_key=event_key,
        observed=dict(event),
        summary=summary,
        run=run,
        fired_at=timezone.now(),
    )
    record(
        LifecycleAction.TRIGGER_FIRED, firing, actor=by or SystemActor("triggers"), project=trigger.project,
        trigger=trigger.key, kind=trigger.kind, event=event_key, run=run.pk if run else None,
    )  # fmt: skip
    return firing


def _start_by_itself(firing: Firing, actor: Actor) -> Firing:
    """Start the action; if it cannot be done now, merge into what is under way or wait for a person."""
    try:
        with transaction.atomic():
            return _start(firing, actor)
    except GatebookError as no:
        firing = Firing.objects.select_related("trigger__project").get(pk=firing.pk)  # what was set is undone
        under_way = _under_way(firing)
        if under_way is not None:
            text = _("Iteration %(number)d is under way for it.") % {"number": under_way.iteration.number}
            return _end(firing, "merge", actor, text, merged_into=under_way)
        return _wait(firing, str(no))


def _under_way(firing: Firing) -> Firing | None:
    """The firing that opened the open iteration, when opening one is what this firing wants too."""
    if firing.trigger.action != Trigger.Action.OPEN_ITERATION:
        return None
    iteration = open_iteration_of(firing)
    return iteration.firing if iteration else None


def _start(firing: Firing, actor: Actor) -> Firing:
    done = carry_out(firing, actor)
    firing = _end(firing, "start", actor, done)
    trigger = firing.trigger
    event = events.TriggerStarted(firing_id=firing.pk, project_id=trigger.project_id, action=trigger.action)
    events.trigger_started.send(sender=Firing, event=event)
    return firing


def _wait(firing: Firing, why: str = "") -> Firing:
    """Leave the firing to a person; `why` says what kept the action from starting by itself."""
    if why:
        firing.outcome = why[:_LONGEST]
        firing.save(update_fields=["outcome"])
    event = events.FiringWaits(firing.pk, firing.trigger.project_id)
    events.firing_waits.send(sender=Firing, event=event)
    return firing


_ENDS = {
    "start": LifecycleAction.FIRING_STARTED,
    "reject": LifecycleAction.FIRING_REJECTED,
    "merge": LifecycleAction.FIRING_MERGED,
}


def _end(firing: Firing, event: str, actor: Actor, outcome: str, merged_into: Firing | None = None) -> Firing:
    """Bring the firing to its one end and record it."""
    firing.state = FIRING_STATES.next(firing.state, event)
    firing.outcome, firing.merged_into = outcome[:_LONGEST], merged_into
    firing.decided_at, firing.decided_by = timezone.now(), person(actor)
    firing.save(update_fields=["state", "outcome", "merged_into", "decided_at", "decided_by"])
    trigger = firing.trigger
    record(
        _ENDS[event], firing, actor=actor, project=trigger.project, trigger=trigger.key,
        starts=trigger.action, outcome=firing.outcome, merged_into=merged_into.pk if merged_into else None,
    )  # fmt: skip
    return firing


def _to_decide(firing: Firing, actor: User, event: str) -> Firing:
    """The waiting firing, locked behind its project; refused if decided or not the actor's to decide."""
    project = locked(firing.trigger.project)
    firing = locked(firing, "trigger__project")
    allow(rules.can_manage_project(actor, project), _("Only a manager of the project decides about firings."))
    ensure_active(project)
    FIRING_STATES.next(firing.state, event)
    return firing


@transaction.atomic
def start_firing(*, firing: Firing, actor: User) -> Firing:
    """Start what a waiting firing asks for. Raises Refused with the reason when it cannot be done now."""
    return _start(_to_decide(firing, actor, "start"), actor)


@transaction.atomic
def reject_firing(*, firing: Firing, actor: User, reason: str) -> Firing:
    """Decide against a waiting firing, with a reason."""
    firing = _to_decide(firing, actor, "reject")
    return _end(firing, "reject", actor, prose(reason, "reason", most=_LONGEST))


@transaction.atomic
def merge_firing(*, firing: Firing, into: Firing, actor: User, reason: str = "") -> Firing:
    """Let a waiting firing be answered together with another of the project that is not itself merged."""
    firing = _to_decide(firing, actor, "merge")
    into = locked(into, "trigger")
    if into.pk == firing.pk or into.trigger.project_id != firing.trigger.project_id:
        raise Invalid("other_project", _("Choose another firing of the same project."), "into")
    if into.state == Firing.State.MERGED:
        raise Refused("merged_already", _("That firing was itself merged: choose the one it went into."))
    if firing.merged.exists():
        raise Refused("has_merged", _("Other firings were merged into this one."))
    text = prose(reason, "reason", most=_LONGEST, needed=False)
    return _end(firing, "merge", actor, text or _("Answered together."), merged_into=into)


@transaction.atomic
def fire_manually(*, trigger: Trigger, actor: User, reason: str) -> Firing:
    """Fire a trigger by hand: condition and cooldown do not matter, and its action starts at once.

    Raises Refused, and leaves nothing, when the action cannot be carried out.
    """
    project = locked(trigger.project)
    trigger = locked(trigger, "project")
    allow(rules.can_manage_project(actor, project), _("Only a manager of the project fires triggers."))
    reason = prose(reason, "reason", most=_LONGEST)
    ensure_active(project)
    if not trigger.enabled:
        raise Refused("trigger_disabled", _("This trigger is switched off."))

    event = {"reason": reason, "by": actor.actor_key}
    summary = f"{trigger.name}: {reason}"[:_LONGEST]
    firing = _fire(trigger, event, f"manual:{secrets.token_hex(8)}", None, summary, by=actor)
    return _start(firing, actor)


def fire_due(*, trigger: Trigger, due: datetime) -> Firing | None:
    """Fire a trigger of kind schedule for one due time; `schedules` sees to it that it is once."""
    event = {"due": due.isoformat(), "summary": _("due %(time)s") % {"time": f"{due:%Y-%m-%d %H:%M} UTC"}}
    return _consider(trigger, event, f"schedule:{due.isoformat()}", None)
