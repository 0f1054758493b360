"""What this app does when a lower one tells it something."""

from __future__ import annotations

from django.dispatch import receiver

from governance import events
from governance.models import Authorization
from governance.services import (
    expiry,  # noqa: F401  # registers its parts of the day's sweep
    telling,
)
from governance.services.authorizations import suspend_authorization
from governance.services.lapses import lapse_on_entry
from governance.services.sources import note_source_changed
from ledger.actors import SystemActor
from ledger.events import EntryAppended, entry_appended
from lifecycle.events import (
    EvidenceSourceChanged,
    TriggerStarted,
    evidence_source_changed,
    trigger_started,
)
from lifecycle.models import Firing, Trigger


@receiver(trigger_started, dispatch_uid="governance.suspend")
def on_trigger_started(event: TriggerStarted, **kwargs: object) -> None:
    """A trigger may suspend what is authorized for production."""
    if event.action != Trigger.Action.SUSPEND_AUTHORIZATION:
        return
    firing = Firing.objects.select_related("trigger").get(pk=event.firing_id)
    actor = SystemActor(f"trigger {firing.trigger.key}")
    active = Authorization.objects.filter(project_id=event.project_id, state=Authorization.State.ACTIVE)
    for authorization in active:
        suspend_authorization(authorization=authorization, actor=actor, reason=firing.summary)


@receiver(entry_appended, dispatch_uid="governance.lapse")
def on_entry_appended(event: EntryAppended, **kwargs: object) -> None:
    """What was signed for something that has changed stands no longer."""
    lapse_on_entry(event)


@receiver(evidence_source_changed, dispatch_uid="governance.sources")
def on_source_changed(event: EvidenceSourceChanged, **kwargs: object) -> None:
    """What was signed on evidence whose source has changed since is stale, and somebody has to look at it."""
    note_source_changed(snapshot_id=event.snapshot_id)


@receiver(events.gate_evaluated, dispatch_uid="governance.tell_to_sign")
def on_gate_evaluated(event: events.GateEvaluated, **kwargs: object) -> None:
    """Those who may sign hear that they can."""
    telling.tell_to_sign(event.evaluation_id)


@receiver(events.gate_decided, dispatch_uid="governance.tell_decided")
def on_gate_decided(event: events.GateDecided, **kwargs: object) -> None:
    """Those who asked hear the answer."""
    telling.tell_decided(event.gate_id)


@receiver(events.authorization_stopped, dispatch_uid="governance.tell_stopped")
def on_authorization_stopped(event: events.AuthorizationStopped, **kwargs: object) -> None:
    """Those who rely on it hear that it no longer holds."""
    telling.tell_stopped(event.authorization_id)
