"""The part of the ledger that a report rests on."""

from collections import defaultdict
from collections.abc import Sequence

from django.utils.translation import gettext as _

from ledger.merkle import Frontier
from ledger.models import Entry
from ledger.queries import Head, entries_of_project, head
from ledger.tiles import Reader
from ledger.verification import Verdict
from reports.documents import LedgerEntry, LedgerExtract, Mark, State
from reports.queries.moment import Moment, mark
from reports.queries.proofs import inclusion_paths

ORIGIN = "gatebook"


def head_at(moment: Moment) -> Head:
    """The tree as it stood then. 2 queries, quick for a moment near the end of the
    ledger; some more for an earlier root.
    """
    last = Entry.objects.filter(recorded_at__lte=moment.at).order_by("-index").values_list("index").first()
    size = last[0] + 1 if last else 0
    present = head()
    return present if present.size == size else Head(size, root_of(size))


def root_of(size: int) -> str:
    """The root of the first entries: from the tiles, or from the leaves where those are not stored yet."""
    try:
        return Reader(size).root().hex()
    except LookupError:
        tree = Frontier()
        leaves = Entry.objects.filter(index__lt=size).order_by("index").values_list("leaf_hash", flat=True)
        for leaf in leaves.iterator(chunk_size=2000):
            tree.append(bytes.fromhex(leaf))
        return tree.root().hex()


def project_entries(slug: str, head: Head) -> list[Entry]:
    """What happened in a project up to that head, oldest first, payloads included. 1 query."""
    return list(entries_of_project(slug).filter(index__lt=head.size).order_by("index"))


def by_record(entries: Sequence[Entry]) -> dict[tuple[str, str, str], list[int]]:
    """The numbers of entries by action and record, in order."""
    found: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for entry in entries:
        found[entry.action, entry.subject_type, entry.subject_id].append(entry.index)
    return dict(found)


def extract_of(entries: Sequence[Entry], head: Head, verdict: Verdict | None) -> LedgerExtract:
    """Entries with their inclusion proofs. 1 query, which reads every leaf hash once."""
    paths = inclusion_paths([entry.index for entry in entries], head.size)
    return LedgerExtract(
        origin=ORIGIN,
        root=head.root,
        size=head.size,
        mark=_mark(verdict),
        entries=tuple(_entry(each, paths[each.index]) for each in entries),
    )


def _entry(entry: Entry, path: tuple[str, ...]) -> LedgerEntry:
    content = entry.payload.content
    return LedgerEntry(
        number=entry.index,
        leaf_index=entry.index,
        at=entry.recorded_at,
        action=entry.action,
        actor=str(content.get("actor") or entry.actor),
        subject=str(content.get("subject") or f"{entry.subject_type} {entry.subject_id}"),
        leaf_hash=entry.leaf_hash,
        proof=path,
    )


def _mark(verdict: Verdict | None) -> Mark:
    if verdict is None:
        return mark(State.IDLE, _("not verified for this report"))
    if verdict.intact:
        return mark(State.OK, _("intact"))
    return mark(State.BAD, _("not intact: %(why)s") % {"why": verdict})
