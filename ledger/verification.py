"""Recomputes the whole ledger from its rows and finds the first that is not what was written.

Trusts nothing that can be computed: leaf bytes are built anew from the columns, the tree from the leaves.
Reads by key in chunks, so that memory stays constant and writers are not held up; entries that are appended
meanwhile are verified too.
"""

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from django.db import OperationalError, connection

from ledger import canonical
from ledger.actions import LedgerAction
from ledger.merkle import Frontier, leaf_hash
from ledger.sound import sound_runs
from ledger.tables import ENTRY_COLUMNS

CHUNK = 2000

Row = tuple[Any, ...]
Progress = Callable[[int, int], None]
Reached = Callable[[Frontier], None]


@dataclass(frozen=True)
class Fault:
    """The first thing that is wrong. `index` is the entry's, None if it is not about one."""

    index: int | None
    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Verdict:
    """What verification found: how many entries are good, their root, and the first fault if any."""

    size: int
    root: str
    fault: Fault | None = None

    @property
    def intact(self) -> bool:
        return self.fault is None

    def __str__(self) -> str:
        if self.fault:
            return f"{self.fault.text} ({self.size} entries before it are good)"
        return f"{self.size} {'entry' if self.size == 1 else 'entries'}, root {self.root}, intact"


def verify(
    progress: Progress | None = None,
    *,
    start: Frontier | None = None,
    reached: Reached | None = None,
) -> Verdict:
    """Verify everything, in constant memory. `progress` is called now and then with (done, total).

    Checks for each entry: it follows the one before; its columns give its leaf hash; its payload gives its
    payload hash, or a later entry says that it was erased. Then the head: the
    tree of all leaf hashes has its size, frontier and root.

    `start` is the tree of entries that were verified before and are not looked at again; `reached` is told
    the tree from time to time, so that a later call can start there.
    """
    walk = _Walk(start or Frontier(), progress or _nobody, reached or _nobody)
    fault = walk.first_fault()
    return Verdict(walk.tree.size, walk.tree.root().hex(), fault)


class _Walk:
    """The way along the entries: the tree of those that were good."""

    def __init__(self, tree: Frontier, progress: Progress, reached: Reached) -> None:
        self.tree, self._progress, self._reached = tree, progress, reached
        self._last: object = tree.size - 1 if tree.size else None

    def first_fault(self) -> Fault | None:
        while True:
            self._take_sound_runs()
            rows = _fetch_rows(self._last)
            if not rows:
                # The head is read after the rows ran out: were there more by now, it says so.
                size, fault = _judge_head(self.tree)
                if fault or size == self.tree.size:
                    return fault or _payload_without_entry()
                rows = _fetch_rows(self._last)
                if not rows:
                    good = self.tree.size
                    return Fault(good, f"entry {good} is missing: the head says {size} entries")
            self._last = rows[-1][0]
            if why := self._judge_rows(rows):
                return Fault(self.tree.size, why)
            self._tell()

    def _take_sound_runs(self) -> None:
        if self._last is None and _fetch('SELECT 1 FROM ledger_entry WHERE "index" < 0'):
            return
        for leaves in sound_runs(self.tree.size):
            self.tree.extend(leaves)
            self._last = self.tree.size - 1
            self._tell()

    def _judge_rows(self, rows: list[Row]) -> str | None:
        erased = _recorded_erasures(rows)
        for row in rows:
            if why := _judge_leaf(row, self.tree.size) or _judge_payload(row, erased):
                return why
            self.tree.append(row[8])
        return None

    def _tell(self) -> None:
        self._reached(self.tree)
        self._progress(self.tree.size, max(_head_size(), self.tree.size))


def _nobody(*_told: object) -> None:
    """Who does not want to know."""


# --- One entry ---


def _judge_leaf(row: Row, expected: int) -> str | None:
    """What is wrong with the place of a row or with its columns."""
    index, time, actor, action, subject_type, subject_id, project, payload_hash, leaf = row[:9]
    if index != expected or type(index) is not int:
        return _out_of_order(index, expected)
    try:
        data = canonical.leaf_bytes(
            index=index,
            time=_time_text(time),
            actor=actor,
            action=action,
            subject_type=subject_type,
            subject_id=subject_id,
            project=project,
            payload_hash=payload_hash.hex(),
        )
    except (TypeError, ValueError, AttributeError):  # a type or bytes that only a hand can have put there
        return f"{_name(row)}: its columns hold what is never written there"
    return None if leaf_hash(data) == leaf else f"{_name(row)}: its columns do not match its leaf hash"


def _name(row: Row) -> str:
    return _readable(f"entry {row[0]} ({row[3]} on {row[4]} {row[5]})")


def _out_of_order(index: object, expected: int) -> str:
    if isinstance(index, int) and index > expected:
        return f"entry {expected} is missing: the next one is {index}"
    return f"entry {expected} is missing: in its place is one numbered {_readable(repr(index))}"


def _judge_payload(row: Row, erased: set[tuple[str, Any]]) -> str | None:
    index, payload_hash = row[0], row[7]
    key, salt, body, erased_at = row[9:]
    if key is None:
        return f"{_name(row)}: its payload is missing"
    if salt is None and body is None:
        if (str(index), erased_at) in erased:
            return None
        return f"{_name(row)}: its payload was erased without a record"
    if erased_at is not None:
        return f"{_name(row)}: its payload is marked as erased, but is there"
    fits = isinstance(salt, bytes) and isinstance(body, str) and len(salt) == canonical.SALT_SIZE
    if not fits or sha256(salt + body.encode(errors="surrogateescape")).digest() != payload_hash:
        return f"{_name(row)}: its payload does not match its hash"
    return None


def _readable(text: str) -> str:
    return text.encode(errors="backslashreplace").decode()


# --- Head and payloads as a whole ---


def _judge_head(tree: Frontier) -> tuple[int, Fault | None]:
    """The size that the head states, and what is wrong with it. A head ahead of us is no fault yet."""
    heads = _fetch("SELECT id, size, frontier, root FROM ledger_treehead ORDER BY id")
    if not heads:
        fault = Fault(None, "the head of the tree is missing") if tree.size else None
        return 0, fault
    if len(heads) > 1 or heads[0][0] != 1:
        return 0, Fault(None, "the tree has more than one head")
    _, size, frontier, root = heads[0]
    if not isinstance(size, int) or size < tree.size:
        return tree.size, Fault(None, f"the head says {size} entries, but there are {tree.size}")
    if size == tree.size and root != tree.root():
        return size, Fault(None, "the root of the head is not that of the entries")
    if size == tree.size and frontier != tree.to_bytes():
        return size, Fault(None, "the frontier of the head is not that of the entries")
    return size, None


def _head_size() -> int:
    rows = _fetch("SELECT size FROM ledger_treehead WHERE id = 1")
    return int(rows[0][0]) if rows and isinstance(rows[0][0], int) else 0


def _payload_without_entry() -> Fault | None:
    rows = _fetch(
        'SELECT "index" FROM ledger_payload p WHERE NOT EXISTS '
        '(SELECT 1 FROM ledger_entry e WHERE e."index" = p."index") ORDER BY "index" LIMIT 1'
    )
    return Fault(None, f"there is a payload for entry {rows[0][0]}, which does not exist") if rows else None


# --- Reading ---


def _fetch_rows(after: object) -> list[Row]:
    """The next rows behind an index (None: from the very first), each with its payload if it has one."""
    columns = ", ".join(f'e."{column}"' for column in ENTRY_COLUMNS)
    columns = columns.replace('e."recorded_at"', _plain_time('e."recorded_at"'))
    beyond = "" if after is None else 'WHERE e."index" > %s'
    sql = (
        f'SELECT {columns}, p."index", p.salt, p.body, {_plain_time("p.erased_at")} FROM ledger_entry e '  # noqa: S608  (constants)
        f'LEFT JOIN ledger_payload p ON p."index" = e."index" {beyond} ORDER BY e."index" LIMIT {CHUNK}'
    )
    return _fetch(sql, [] if after is None else [after])


def _plain_time(column: str) -> str:
    """On SQLite the plus, which does nothing else, keeps the driver from parsing the text leniently."""
    return f"+{column}" if connection.vendor == "sqlite" else column


def _recorded_erasures(rows: list[Row]) -> set[tuple[str, Any]]:
    """Which of these rows have an entry that says their payload was erased, and when it says so.

    Those entries are verified themselves in their turn.
    """
    keys = [str(row[0]) for row in rows if row[9] is not None and row[11] is None]
    if not keys:
        return set()
    marks = ", ".join(["%s"] * len(keys))
    found = _fetch(
        f"SELECT subject_id, {_plain_time('recorded_at')} FROM ledger_entry "  # noqa: S608  (marks)
        f"WHERE subject_type = 'ledger.entry' AND action = %s AND subject_id IN ({marks})",
        [LedgerAction.PAYLOAD_ERASED.value, *keys],
    )
    return {(key, moment) for key, moment in found}


def _fetch(sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
    """Rows as the driver gives them.

    SQLite keeps any bytes in a text column, and its driver stops at those that are not UTF-8. They are read
    once more then, as lone surrogates, so that the entry can be named.
    """
    try:
        return _all_rows(sql, parameters)
    except OperationalError:
        raw = connection.connection
        if not isinstance(raw, sqlite3.Connection):
            raise
    before, raw.text_factory = raw.text_factory, _lenient_text
    try:
        return _all_rows(sql, parameters)
    finally:
        raw.text_factory = before


def _all_rows(sql: str, parameters: Sequence[Any]) -> list[Row]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        rows: list[Row] = cursor.fetchall()
    return rows


def _lenient_text(raw: bytes) -> str:
    return raw.decode(errors="surrogateescape")


def _time_text(value: object) -> str:
    """The time of a row as it stands in the leaf; ValueError for a SQLite text in another form than Django's.

    SQLite has no type for time: Django writes `2026-11-23 14:52:01.000250`, no decimals if they are 0.
    """
    if not isinstance(value, str):
        return canonical.time_text(value)  # type: ignore[arg-type]  # AttributeError, caught above, if it is no time
    if len(value) == 19:
        value += ".000000"
    elif value.endswith(".000000"):
        raise ValueError(value)
    if len(value) != 26 or value[10] != " ":
        raise ValueError(value)
    return f"{value[:10]}T{value[11:]}Z"
