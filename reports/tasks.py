"""What workers must know of this app: importing it registers the handlers of the outbox."""

from reports.services import (
    reports,  # noqa: F401  # registers "reports.render"
    verifications,  # noqa: F401  # registers "ledger.verify"
)
