"""What this app does when a lower one tells it something."""

from __future__ import annotations

from django.dispatch import receiver

from governance import events
from governance.models import Gate
from governance.services import (
    deployment_events,
    due,  # noqa: F401  # registers its parts of the day's sweep
    expiry,  # noqa: F401  # likewise
    review_reminders,  # noqa: F401  # registers its parts of the day's sweep
    telling,
    trigger_actions,
)
from governance.services.attestations import ask_for_attestations
from governance.services.gateless import pass_gateless
from governance.services.lapses import lapse_on_entry
from governance.services.reevaluation import reevaluate_after
from governance.services.rollouts import judge_run
from governance.services.sources import note_source_changed
from ledger.events import EntryAppended, entry_appended
from lifecycle.events import (
    EvidenceSourceChanged,
    PhaseChanged,
    RunEnded,
    TriggerStarted,
    evidence_source_changed,
    phase_changed,
    run_ended,
    trigger_started,
)
from lifecycle.models import Firing, Phase, Run


@receiver(trigger_started, dispatch_uid="governance.trigger_actions")
def on_trigger_started(event: TriggerStarted, **kwargs: object) -> None:
    """A trigger may suspend or shorten what is authorized, or open a finding."""
    if event.action in trigger_actions.ACTIONS:
        firing = Firing.objects.select_related("trigger__project", "run").get(pk=event.firing_id)
        trigger_actions.carry_out(firing)


@receiver(entry_appended, dispatch_uid="governance.lapse")
def on_entry_appended(event: EntryAppended, **kwargs: object) -> None:
    """What was signed for something that has changed stands no longer."""
    lapse_on_entry(event)


@receiver(evidence_source_changed, dispatch_uid="governance.sources")
def on_source_changed(event: EvidenceSourceChanged, **kwargs: object) -> None:
    """What was signed on evidence whose source has changed since is stale, and somebody has to look at it."""
    note_source_changed(snapshot_id=event.snapshot_id)


@receiver(entry_appended, dispatch_uid="governance.reevaluate")
def on_fact_changed(event: EntryAppended, **kwargs: object) -> None:
    """What waits for a decision is looked at again."""
    reevaluate_after(event)


@receiver(run_ended, dispatch_uid="governance.abort_metric")
def on_run_ended(event: RunEnded, **kwargs: object) -> None:
    """What was measured may end the roll-out of the version that was looked at."""
    if event.kind in (Run.Kind.MONITORING, Run.Kind.EVALUATION):
        judge_run(event.run_id)


@receiver(phase_changed, dispatch_uid="governance.gateless")
def on_phase_changed(event: PhaseChanged, **kwargs: object) -> None:
    """A phase that no gate ends passes when its work is done."""
    if event.state == Phase.State.IN_REVIEW:
        pass_gateless(event.phase_id)


@receiver(events.gate_evaluated, dispatch_uid="governance.tell_to_sign")
def on_gate_evaluated(event: events.GateEvaluated, **kwargs: object) -> None:
    """Those who may sign hear that they can."""
    telling.tell_to_sign(event.evaluation_id)


@receiver(events.gate_decided, dispatch_uid="governance.tell_decided")
def on_gate_decided(event: events.GateDecided, **kwargs: object) -> None:
    """Those who asked hear the answer."""
    telling.tell_decided(event.gate_id)
    if event.state != Gate.State.WITHDRAWN:
        ask_for_attestations(gate_id=event.gate_id)


@receiver(events.authorization_stopped, dispatch_uid="governance.tell_stopped")
def on_authorization_stopped(event: events.AuthorizationStopped, **kwargs: object) -> None:
    """Those who rely on it hear that it no longer holds."""
    telling.tell_stopped(event.authorization_id)


@receiver(events.deployment_moved, dispatch_uid="governance.triggers_deployment")
def on_deployment_moved(event: events.DeploymentMoved, **kwargs: object) -> None:
    """A step of a deployment is an event that triggers may listen to."""
    deployment_events.show_deployment(event.deployment_id, event.entry)
