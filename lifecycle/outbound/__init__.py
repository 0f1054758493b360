"""Requests to other systems, guarded. docs/connectors.md says what is let through."""

from lifecycle.outbound.addresses import AllowList, resolve
from lifecycle.outbound.errors import OutboundError
from lifecycle.outbound.session import (
    Answer,
    Flow,
    Limits,
    Session,
    ensure_permitted,
    ensure_web_address,
    fetch,
)

__all__ = [
    "AllowList",
    "Answer",
    "Flow",
    "Limits",
    "OutboundError",
    "Session",
    "ensure_permitted",
    "ensure_web_address",
    "fetch",
    "resolve",
]
