"""What this app does when it hears its own events."""

from typing import Any

from django.dispatch import receiver

from lifecycle.events import RunEnded, run_ended
from lifecycle.models import Run
from lifecycle.services.firings import handle_event
from lifecycle.services.observations import observations_of


@receiver(run_ended, dispatch_uid="lifecycle.triggers")
def show_monitoring_to_triggers(event: RunEnded, **kwargs: Any) -> None:
    """What a finished monitoring run saw is put before the triggers, in the transaction of its end."""
    run = Run.objects.select_related("project").get(pk=event.run_id)
    if run.kind != Run.Kind.MONITORING or run.state != Run.State.FINISHED:
        return
    for kind, observed in observations_of(run):
        handle_event(project=run.project, kind=kind, event=observed, event_key=f"run:{run.pk}", run=run)
