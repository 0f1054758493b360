"""A file that somebody dropped, checked: what it proves by itself, and what the ledger knows of it."""

from dataclasses import dataclass, replace
from hashlib import sha256

from ledger.publishing import latest_checkpoint, origin, verifiers
from ledger.queries import Head, head
from reports import verify
from reports.models import Report
from reports.queries.ledger import root_of


@dataclass(frozen=True)
class Check:
    """`refused` says why it does not hold, empty if it does. `since` counts the entries after its own."""

    digest: str
    size: int
    refused: str = ""
    found: verify.Holds | None = None
    report: Report | None = None
    continued: bool = False
    since: int = 0

    @property
    def holds(self) -> bool:
        """The file proves itself, and the ledger of today continues the one that it stands in."""
        return self.found is not None and self.continued


def checked(raw: bytes) -> Check:
    """What `verify.py` says of the file, what was recorded of its digest, whether the log only grew.

    At most 9 queries, more by a handful where the root has to be taken from tiles. Changes nothing.
    """
    digest = sha256(raw).hexdigest()
    report = Report.objects.select_related("project").filter(digest=digest).order_by("pk").first()
    known = Check(digest, len(raw), report=report)
    keys = [verify.read_key(str(each)) for each in verifiers()]
    try:
        found = verify.verify(raw, keys)
    except verify.Refused as no:
        return replace(known, refused=str(no))
    present = head()
    return replace(
        known,
        found=found,
        continued=_continues(present, found.state),
        since=max(present.size - found.index - 1, 0),
    )


def _continues(present: Head, state: verify.State) -> bool:
    return state.size <= present.size and root_of(state.size) == state.root.hex()


def published() -> tuple[str, list[str], int]:
    """Name of the log, its keys, and how many entries its newest checkpoint covers. 4 queries."""
    newest = latest_checkpoint()
    return origin(), [str(each) for each in verifiers()], newest.size if newest else 0
