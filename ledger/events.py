"""What the ledger tells upwards. Sent with `send()` in the transaction: a receiver that fails undoes it."""

from dataclasses import dataclass
from typing import Any

from django.dispatch import Signal


@dataclass(frozen=True)
class EntryAppended:
    """One entry was written. `detail` is what it says beyond its keys."""

    index: int
    actor: str
    action: str
    subject_type: str
    subject_id: str
    project: str
    detail: dict[str, Any]


entry_appended = Signal()
