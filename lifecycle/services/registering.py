"""Carries a registration out: the handler `registrations.carry_out` of the outbox.

Reads outside any transaction; only what was read whole and unchanged is kept, in one transaction at the end.
A worker that dies leaves nothing but a scratch folder, and the next attempt begins anew.
"""

from __future__ import annotations

from ledger.errors import GatebookError
from lifecycle.artifacts.places import PlaceError
from lifecycle.models import Registration
from lifecycle.outbox_registry import handler
from lifecycle.services.registering_models import keep_model, read_model
from lifecycle.services.registrations import ENDED, begin, fail


def give_up(*, error: str, registration_id: int) -> None:
    """The outbox has given it up."""
    fail(registration_id=registration_id, error=error)


@handler("registrations.carry_out", gave_up=give_up)
def carry_out(*, registration_id: int) -> None:
    """One attempt. What is refused on purpose ends it; a place that does not answer is asked again."""
    registration = begin(registration_id=registration_id)
    if registration.state in ENDED:
        return
    try:
        if registration.kind == Registration.Kind.MODEL:
            keep_model(registration, read_model(registration))
        else:
            from lifecycle.services.registering_data import keep_data, read_data  # noqa: PLC0415  (heavy)

            keep_data(registration, read_data(registration))
    except PlaceError:
        raise
    except GatebookError as no:
        fail(registration_id=registration_id, error=str(no))
