"""The part of the ledger that a report rests on."""

from dataclasses import dataclass
from datetime import datetime

from reports.documents.states import Mark


@dataclass(frozen=True, kw_only=True)
class LedgerEntry:
    """One entry. `number` is what people call it, `leaf_index` its place in the tree counted from 0.

    `proof` is the RFC 9162 inclusion path (hexadecimal, leaf to root) for the size and root of the extract;
    with it a reader proves the entry without the server.
    """

    number: int
    leaf_index: int
    at: datetime
    action: str
    actor: str
    subject: str
    leaf_hash: str
    proof: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class LedgerExtract:
    """The ledger at the time of the report: root over `size` entries, and the entries of this project.

    `mark` says what the last verification found; `checkpoint` is the signed note as text, if there is one.
    """

    origin: str
    root: str
    size: int
    mark: Mark
    entries: tuple[LedgerEntry, ...] = ()
    checkpoint: str = ""

    @property
    def first(self) -> int | None:
        """Number of the first entry of the project."""
        return self.entries[0].number if self.entries else None

    @property
    def last(self) -> int | None:
        """Number of the last entry of the project."""
        return self.entries[-1].number if self.entries else None
