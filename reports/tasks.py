"""What workers must know of this app: importing it registers the handlers of the outbox."""

from celery import shared_task
from django.utils.timezone import now

from reports.services import (
    log,
    making,  # noqa: F401  # registers "reports.render"
    reports,
    verifications,  # noqa: F401  # registers "ledger.verify"
)


@shared_task(name="reports.publish", acks_late=True)
def publish() -> None:
    """Sign the ledger as it stands, when that is due."""
    log.publish_due(now())


@shared_task(name="reports.expire", acks_late=True)
def expire() -> None:
    """Let go of files that need not be kept any longer."""
    reports.expire_due(now())
