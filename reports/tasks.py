"""What workers must know of this app: importing it registers the handlers of the outbox."""

from celery import shared_task
from django.utils.timezone import now

from reports.services import (
    log,
    reports,  # noqa: F401  # registers "reports.render"
    verifications,  # noqa: F401  # registers "ledger.verify"
)


@shared_task(name="reports.publish", acks_late=True)
def publish() -> None:
    """Sign the ledger as it stands, when that is due."""
    log.publish_due(now())
