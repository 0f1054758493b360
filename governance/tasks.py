"""What workers must know of this app: importing it registers the handlers of the outbox."""

from celery import shared_task

from governance.services import attestations, protection_rules  # noqa: F401  # registers their handlers
from governance.services.compliance import look_at_changed
from governance.services.looks import look_at_due


@shared_task(name="governance.look_at_compliance", acks_late=True)
def look_at_compliance() -> None:
    """Look at the projects of which there is something new; twice does nothing more than once."""
    look_at_changed()


@shared_task(name="governance.look_at_running", acks_late=True)
def look_at_running() -> None:
    """Look at what runs where its time has come; twice does nothing more than once."""
    look_at_due()
