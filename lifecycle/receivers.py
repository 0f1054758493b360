"""What this app does when it hears its own events."""

from typing import Any

from django.dispatch import receiver
from django.utils.translation import gettext as _

from ledger.actors import SystemActor
from lifecycle import events
from lifecycle.events import RunEnded, run_ended
from lifecycle.models import Firing, Requirement, Run, Task, TestSet
from lifecycle.services import (
    handoff_events,
    idempotency,  # noqa: F401  # registers its part of the day's sweep
    reminders,  # noqa: F401  # likewise
    reproductions,
    sources,
    telling,
    telling_shares,
    test_sets,
)
from lifecycle.services.firings import handle_event
from lifecycle.services.handoff_openings import arise_for_firing
from lifecycle.services.observations import QUIET, observations_of


@receiver(run_ended, dispatch_uid="lifecycle.triggers")
def show_monitoring_to_triggers(event: RunEnded, **kwargs: Any) -> None:
    """What a finished look at data saw is put before the triggers, in the transaction of its end."""
    looks = (Run.Kind.MONITORING, Run.Kind.DATA_VALIDATION)
    if event.kind not in looks or event.state != Run.State.FINISHED:
        return
    run = Run.objects.select_related("project").get(pk=event.run_id)
    for kind, observed in observations_of(run):
        handle_event(project=run.project, kind=kind, event=observed, event_key=f"run:{run.pk}", run=run)


@receiver(events.run_content_changed, dispatch_uid="lifecycle.sources")
def compare_with_frozen(event: events.RunContentChanged, **kwargs: Any) -> None:
    """Evidence that was frozen from a run is marked when its source says something else."""
    sources.compare_sources_of(run=Run(pk=event.run_id))


@receiver(run_ended, dispatch_uid="lifecycle.reproductions")
def settle_a_reproduction(event: RunEnded, **kwargs: Any) -> None:
    """A training that was done again is compared with the first one; only what runs here is done again."""
    if event.kind == Run.Kind.TRAINING and event.source == "builtin":
        reproductions.settle_reproduction(run_id=event.run_id)


@receiver(run_ended, dispatch_uid="lifecycle.test_sets")
def count_a_use(event: RunEnded, **kwargs: Any) -> None:
    """An evaluation that ran elsewhere on a locked test set is a use of it."""
    if event.kind == Run.Kind.EVALUATION and event.state == Run.State.FINISHED:
        run = Run.objects.get(pk=event.run_id)
        test_sets.count_use_elsewhere(run, SystemActor("test sets"))


@receiver(events.test_set_used, dispatch_uid="lifecycle.triggers_test_set")
def show_a_use_to_triggers(event: events.TestSetUsed, **kwargs: Any) -> None:
    """A use of a test set is an event that triggers may listen to: used too often, it is spoilt."""
    used = TestSet.objects.select_related("project").get(pk=event.test_set_id)
    run = Run.objects.get(pk=event.run_id)
    said = {"name": used.name, "uses": used.uses, "most": used.max_uses}
    seen = {
        **QUIET, "run": run.pk, "title": run.title, "test_set": used.name, "test_set_uses": used.uses,
        "summary": _("Test set “%(name)s”: use %(uses)d of %(most)d.") % said,
    }  # fmt: skip
    key = f"test_set:{used.pk}:{used.uses}"
    handle_event(project=used.project, kind="anomaly", event=seen, event_key=key, run=run)


@receiver(run_ended, dispatch_uid="lifecycle.tell_run_failed")
def tell_of_a_failed_run(event: RunEnded, **kwargs: Any) -> None:
    """A failed run is told to whoever waits for it."""
    if event.state == Run.State.FAILED:
        telling.tell_run_failed(event.run_id)


@receiver(events.handoff_moved, dispatch_uid="lifecycle.tell_handoff")
def tell_of_a_handoff(event: events.HandoffMoved, **kwargs: Any) -> None:
    """The other party hears of it."""
    telling.tell_handoff(event.handoff_id, event.actor_id)


@receiver(events.handoff_moved, dispatch_uid="lifecycle.triggers_handoff")
def show_a_handoff_to_triggers(event: events.HandoffMoved, **kwargs: Any) -> None:
    """A step of a handoff is an event that triggers may listen to."""
    handoff_events.show_step(event.handoff_id)


@receiver(events.task_assigned, dispatch_uid="lifecycle.tell_assigned")
def tell_of_a_task(event: events.TaskAssigned, **kwargs: Any) -> None:
    """The new owner hears of it."""
    telling.tell_assigned(event.task_id, event.owner_id, event.actor_id)


@receiver(events.tasks_assigned, dispatch_uid="lifecycle.tell_shares")
def tell_of_many_tasks(event: events.TasksAssigned, **kwargs: Any) -> None:
    """Everybody hears once what they came to."""
    telling_shares.tell_shares(event.project_id, event.shares, f"assigned:{event.entry}", event.actor_id)


@receiver(events.task_moved, dispatch_uid="lifecycle.tell_to_verify")
def tell_of_a_proven_task(event: events.TaskMoved, **kwargs: Any) -> None:
    """Reviewers hear of a task that is ready for them."""
    if event.state == Task.State.EVIDENCE_ATTACHED:
        telling.tell_to_verify(event.task_id)


@receiver(events.evidence_changed, dispatch_uid="lifecycle.tell_to_verify")
def tell_of_new_evidence(event: events.EvidenceChanged, **kwargs: Any) -> None:
    """Reviewers hear of a task that the last piece of evidence has made ready for them."""
    telling.tell_to_verify(event.task_id)


@receiver(events.firing_waits, dispatch_uid="lifecycle.tell_firing")
def tell_of_a_firing(event: events.FiringWaits, **kwargs: Any) -> None:
    """Managers hear of what they have to decide."""
    telling.tell_firing(event.firing_id)


@receiver(events.trigger_started, dispatch_uid="lifecycle.tell_firing")
def tell_of_an_action(event: events.TriggerStarted, **kwargs: Any) -> None:
    """A trigger that is there to tell tells; of others managers hear that they acted."""
    telling.tell_firing(event.firing_id)


@receiver(events.requirement_changed, dispatch_uid="lifecycle.triggers_requirement")
def show_a_requirement_to_triggers(event: events.RequirementChanged, **kwargs: Any) -> None:
    """A new version of a requirement is a change that triggers may listen to."""
    new = Requirement.objects.select_related("project").get(pk=event.requirement_id)
    seen = {"change": "requirement", "requirement": new.key, "version": new.version, "summary": str(new)}
    handle_event(project=new.project, kind="change", event=seen, event_key=f"requirement:{new.pk}")


@receiver(events.risk_escalated, dispatch_uid="lifecycle.tell_escalated")
def tell_of_an_escalated_risk(event: events.RiskEscalated, **kwargs: Any) -> None:
    """Managers hear of a risk that they have to decide about."""
    telling.tell_escalated(event.risk_id, event.reason, event.actor_id)


@receiver(events.trigger_started, dispatch_uid="lifecycle.handoffs_of_trigger")
def let_handoffs_arise(event: events.TriggerStarted, **kwargs: Any) -> None:
    """The handoffs that the process opens on this trigger are due from now on."""
    arise_for_firing(Firing.objects.select_related("trigger__project").get(pk=event.firing_id))
