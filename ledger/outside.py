"""The ledger held against what lies outside its database: checkpoints kept elsewhere, and the order of time.

Whoever may write the database may rewrite all of it so that it fits, or put an old copy in its place. Only
what they cannot reach tells: a checkpoint that somebody else holds.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from django.db.models import F, Window
from django.db.models.functions import Lag
from django.utils.translation import gettext as _

from ledger.merkle import VerificationError, verify_consistency
from ledger.models import Entry
from ledger.notes import open_checkpoint
from ledger.publishing import consistency_of, origin, verifiers
from ledger.queries import head

SUFFIX = ".checkpoint"
# Clocks of several machines may differ by so much without anybody having turned one back.
STEADY = timedelta(seconds=5)


@dataclass(frozen=True)
class Disagreement:
    """A checkpoint that this ledger does not continue: where it lies, and what that means."""

    where: str
    text: str

    def __str__(self) -> str:
        return f"{self.where}: {self.text}"


def checkpoints_in(place: Path) -> list[Path]:
    """The file itself, or each `*.checkpoint` of a folder. Raises ValueError if there is none."""
    found = sorted(place.glob(f"*{SUFFIX}")) if place.is_dir() else [place]
    if not found or not all(each.is_file() for each in found):
        raise ValueError(_("There is no checkpoint at %(place)s.") % {"place": place})
    return found


def disagreements(files: list[Path]) -> Iterator[Disagreement]:
    """Compare the ledger with each checkpoint, signed with any key that was ever its own.

    A few queries for each file, however long the ledger is. The ledger has to be verified for itself before:
    the proofs come from its tiles and leaves.
    """
    for file in files:
        try:
            _compare(file.read_bytes().decode(errors="replace"))
        except (VerificationError, OSError) as error:
            yield Disagreement(str(file), str(error))


def _compare(note: str) -> None:
    known = open_checkpoint(note, verifiers(), origin=origin())
    now = head()
    if known.size > now.size:
        text = _("An older copy was put in its place, or its end was cut off: %(now)d entries, once %(old)d.")
        raise VerificationError(text % {"now": now.size, "old": known.size})
    try:
        verify_consistency(
            old=known.size,
            new=now.size,
            proof=consistency_of(known.size, now.size),
            old_root=known.root,
            new_root=bytes.fromhex(now.root),
        )
    except VerificationError as error:
        text = _("The first %(n)d entries are not those of the checkpoint: the ledger was rewritten.")
        raise VerificationError(text % {"n": known.size}) from error


def clock_set_back() -> Iterator[str]:
    """Each entry that says it was recorded well before the one ahead of it; oldest first, one query.

    The order of entries is that of the tree, so a clock that was turned back cannot move an entry, but shows.
    """
    before = Window(Lag("recorded_at"), order_by="index")
    late = Entry.objects.annotate(before=before).filter(recorded_at__lt=F("before") - STEADY)
    for index, at, ahead in late.order_by("index").values_list("index", "recorded_at", "before").iterator():
        yield _("The clock was set back by %(span)s before entry %(index)d.") % {
            "span": ahead - at,
            "index": index,
        }
