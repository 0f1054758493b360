"""What Celery runs: thin edges, each of which may run twice."""

from celery import shared_task
from django.utils.timezone import now

from lifecycle.services import (
    connector_syncs,
    connector_work,  # noqa: F401  # registers the handler of connectors
    figures,
    mails,
    monitoring_windows,
    outbox,
    posts,  # noqa: F401  # registers the handler of channels
    registering,  # noqa: F401  # registers the handler of registrations
    run_execution,  # noqa: F401  # registers the handler of runs
    sources,  # noqa: F401  # registers the handler that looks at sources
    sweeps,
    triggers,
)


@shared_task(name="lifecycle.deliver", acks_late=True)
def deliver(job_id: int) -> None:
    """Do one job of the outbox; a second message for it does nothing."""
    outbox.deliver(job_id)


@shared_task(name="lifecycle.sweep_outbox", acks_late=True)
def sweep_outbox() -> None:
    """Send again what the broker lost, what waited, and what a dead worker held."""
    outbox.sweep(now())


@shared_task(name="lifecycle.tick", acks_late=True)
def tick() -> None:
    """Do what has become due by the clock."""
    moment = now()
    triggers.run_due_schedules(moment)
    connector_syncs.run_due_syncs(moment)
    monitoring_windows.run_due_plans(moment)
    sweeps.sweep_day(moment)
    mails.plan_digests(moment)


@shared_task(name="lifecycle.keep_figures", acks_late=True)
def keep_figures() -> None:
    """Compute ahead what pages of a long ledger show of the whole organization."""
    figures.keep_figures()
