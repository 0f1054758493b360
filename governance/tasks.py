"""What workers must know of this app: importing it registers the handlers of the outbox."""

from governance.services import attestations  # noqa: F401  # registers "governance.attest"
