"""Reads of the ledger's pages, for what a reader may see of it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import QuerySet
from django.urls import NoReverseMatch, reverse

from ledger import canonical
from ledger.merkle import VerificationError, verify_inclusion
from ledger.models import Entry
from ledger.queries import Head, entries
from ledger.tiles import Reader
from lifecycle.models import Project, User
from lifecycle.queries.projects import projects_visible_to
from lifecycle.rules import sees_everything
from reports.queries.proofs import inclusion_paths

PAGE = 50
_BEGINNING = "a-1"  # the cursor of the first page, oldest first
SHORT = 5_000
"""Up to so many entries all leaf hashes are read: one query, and no need of tiles."""
INLINE_PROOF = 200_000
"""Up to this size a page computes the proof itself (under half a second); beyond, it is a download."""

RECORD_PAGES = {
    "lifecycle.project": "governance:project",
    "lifecycle.task": "lifecycle:task",
    "lifecycle.run": "lifecycle:run",
    "lifecycle.handoff": "lifecycle:handoff",
    "lifecycle.modelversion": "governance:model",
    "governance.gate": "governance:gate",
    "governance.authorization": "governance:authorization",
}


@dataclass(frozen=True)
class Filters:
    """What a list of entries is narrowed to; empty texts narrow nothing. `subject` is `type:key`."""

    project: str = ""
    action: str = ""
    actor: str = ""
    subject: str = ""

    @classmethod
    def read(cls, given: Mapping[str, str]) -> "Filters":
        """From the query of an address; whatever it holds, it is only ever compared."""
        return cls(**{name: given.get(name, "")[:201] for name in ("project", "action", "actor", "subject")})

    def apply(self, found: QuerySet[Entry]) -> QuerySet[Entry]:
        """The entries that fit."""
        if "\0" in f"{self.project}{self.action}{self.actor}{self.subject}":
            return found.none()  # no entry holds it, and PostgreSQL does not take it
        for name in ("project", "action", "actor"):
            if value := getattr(self, name):
                found = found.filter(**{name: value})
        if self.subject:
            kind, _colon, key = self.subject.partition(":")
            found = found.filter(subject_type=kind, subject_id=key)
        return found

    def __bool__(self) -> bool:
        return any((self.project, self.action, self.actor, self.subject))


@dataclass(frozen=True)
class Slice:
    """A page of entries, newest first, with the cursors to its neighbours (empty where there is none)."""

    rows: list[Entry]
    older: str = ""
    newer: str = ""


@dataclass(frozen=True)
class Proof:
    """The inclusion of an entry under a head. `fault` says why it does not hold, empty if it does."""

    head: Head
    path: tuple[str, ...]
    fault: str = ""


@dataclass(frozen=True)
class Shown:
    """An entry with everything that its page says. `proof` is None where it takes too long for a page."""

    entry: Entry
    content: dict[str, Any]
    leaf_text: str
    record_url: str
    proof: Proof | None
    detail: list[tuple[str, str]] = field(default_factory=list)


def entries_visible_to(user: User) -> QuerySet[Entry]:
    """All entries for those who see everything, else those of the projects that the user sees. 1 query."""
    if sees_everything(user):
        return entries()
    return entries().filter(project__in=projects_visible_to(user).values("slug"))


def visible_projects(user: User) -> list[Project]:
    """The projects whose entries can be asked for, by name. 1 query."""
    return list(projects_visible_to(user).select_related(None).order_by("name")[:500])


def slice_of(found: QuerySet[Entry], cursor: str, *, oldest_first: bool = False) -> Slice:
    """A page by its cursor: `b120` is what came before entry 120, `a120` what came after it. 1 or 2 queries.

    By index, so that no page costs more than the first, however long the ledger is.
    """
    if not oldest_first:
        return _slice(found, cursor)
    page = _slice(found, cursor or _BEGINNING)
    older = "" if cursor in ("", _BEGINNING) else page.older
    return Slice(page.rows[::-1], older=older, newer=page.newer)


def _slice(found: QuerySet[Entry], cursor: str) -> Slice:
    side, number = cursor[:1], cursor[1:]
    at = int(number) if number.isascii() and number.isdigit() and len(number) <= 18 else None
    at = -1 if cursor == _BEGINNING else at
    if side == "a" and at is not None:
        rows = list(found.filter(index__gt=at).order_by("index")[: PAGE + 1])
        more, rows = len(rows) > PAGE, rows[:PAGE][::-1]
        older = f"b{rows[-1].index}" if rows else ""
        return Slice(rows, older=older, newer=f"a{rows[0].index}" if more else "")
    before = at if side == "b" else None
    bounded = found.filter(index__lt=before) if before is not None else found
    rows = list(bounded.order_by("-index")[: PAGE + 1])
    more, rows = len(rows) > PAGE, rows[:PAGE]
    newer = f"a{rows[0].index}" if rows and before is not None else ""
    if newer and not found.filter(index__gt=rows[0].index).exists():
        newer = ""
    return Slice(rows, older=f"b{rows[-1].index}" if more else "", newer=newer)


def shown(entry: Entry, head: Head) -> Shown:
    """One entry with its payload and its proof under the head. 1 query, reading every leaf hash once."""
    content = entry.payload.content
    detail = content.get("detail") or {}
    return Shown(
        entry=entry,
        content=content,
        leaf_text=leaf_text(entry),
        record_url=record_url(entry),
        proof=proof_of(entry, head) if head.size <= INLINE_PROOF else None,
        detail=[(name, _said(value)) for name, value in detail.items()],
    )


def leaf_text(entry: Entry) -> str:
    """What is hashed as the leaf: the entry's columns as canonical JSON, without names."""
    return canonical.leaf_bytes(
        index=entry.index,
        time=canonical.time_text(entry.recorded_at),
        actor=entry.actor,
        action=entry.action,
        subject_type=entry.subject_type,
        subject_id=entry.subject_id,
        project=entry.project,
        payload_hash=entry.payload_hash,
    ).decode()


def proof_of(entry: Entry, head: Head) -> Proof:
    """The inclusion path of an entry, checked here as anybody can check it. 1 query in a short ledger.

    In a long one the path comes from the tiles, a few short reads. Should it not hold, or should tiles be
    missing, all leaves are read: they say whether the entry or a tile is wrong.
    """
    if head.size > SHORT and (path := _from_tiles(entry.index, head.size)):
        quick = _checked(entry, head, path)
        if not quick.fault:
            return quick
    return _checked(entry, head, inclusion_paths([entry.index], head.size)[entry.index])


def _from_tiles(index: int, size: int) -> tuple[str, ...]:
    """The path from the tiles of published checkpoints; empty where they do not suffice."""
    try:
        return tuple(each.hex() for each in Reader(size).inclusion(index))
    except LookupError:
        return ()


def _checked(entry: Entry, head: Head, path: tuple[str, ...]) -> Proof:
    try:
        verify_inclusion(
            leaf=bytes.fromhex(entry.leaf_hash),
            index=entry.index,
            size=head.size,
            proof=[bytes.fromhex(each) for each in path],
            root=bytes.fromhex(head.root),
        )
    except VerificationError as fault:
        return Proof(head, path, str(fault))
    return Proof(head, path)


def record_url(entry: Entry) -> str:
    """The page of the record that an entry is about; empty where it has none."""
    name = RECORD_PAGES.get(entry.subject_type)
    if name is None:
        return ""
    argument = entry.project if entry.subject_type == "lifecycle.project" else entry.subject_id
    try:
        return reverse(name, args=[argument])
    except NoReverseMatch:
        return ""


def _said(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
