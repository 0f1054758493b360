"""How this app says no."""

from ledger.errors import Invalid, Refused

__all__ = ["Invalid", "Refused"]
