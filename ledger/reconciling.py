"""The governed tables held against the ledger: every row that is not as the ledger last recorded it."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.db import connection, transaction

from ledger.governed import Governed, governed
from ledger.models import Payload
from ledger.rows import live_digests

CHUNK = 2000
TOUCHED = ',"touched":['
"""How a payload that names rows is found."""
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Difference:
    """A row that is not as it was recorded. `how` is changed, added or removed; `entry` recorded it last."""

    label: str
    key: int
    how: str
    entry: int | None

    def __str__(self) -> str:
        if self.entry is None:
            return f"{self.label} {self.key} was {self.how}: no entry knows of it"
        return f"{self.label} {self.key} was {self.how} after entry {self.entry}, which recorded it last"


Recorded = dict[str, dict[int, tuple[str, int]]]


def reconcile(progress: Progress | None = None) -> list[Difference]:
    """Each live row that is not as the ledger last recorded it, and each that is gone, by table and key.

    Believes the payloads: `verify` says whether they may be. Reads one state of the database. Memory grows
    with the number of rows ever recorded (about 150 bytes each), not with the length of the ledger.
    """
    alone = not connection.in_atomic_block
    with transaction.atomic():
        if alone and connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        recorded = last_recorded()
        found: list[Difference] = []
        tables = governed()
        for done, each in enumerate(tables, 1):
            found += differences(each, recorded.get(each.table, {}))
            if progress:
                progress(done, len(tables))
    return found


def last_recorded() -> Recorded:
    """By table and key: the digest that was recorded last (empty: the row was removed), and the entry."""
    recorded: Recorded = defaultdict(dict)
    bodies = Payload.objects.filter(body__contains=TOUCHED).order_by("entry")
    for index, body in bodies.values_list("entry", "body").iterator(chunk_size=CHUNK):
        for table, key, digest in touched_in(body):
            recorded[table][key] = digest, index
    return recorded


def touched_in(body: str | None) -> Iterator[tuple[str, int, str]]:
    """Table, key and digest of each row that a payload names, in order."""
    for said in json.loads(body or "{}").get("touched", ()):
        name, _equals, digest = said.partition("=")
        table, _colon, key = name.rpartition(":")
        yield table, int(key), digest


def differences(each: Governed, recorded: dict[int, tuple[str, int]]) -> list[Difference]:
    """What is wrong in one table. 1 query."""
    found, left = [], {key for key, (digest, _index) in recorded.items() if digest}
    for key, digest in live_digests(each):
        left.discard(key)
        last, entry = recorded.get(key, ("", None))
        if last != digest:
            found.append(Difference(each.label, key, "changed" if last else "added", entry))
    found += [Difference(each.label, key, "removed", recorded[key][1]) for key in left]
    return sorted(found, key=lambda difference: difference.key)


def rows_known_by(index: int, body: str) -> dict[Governed, list[int]]:
    """The rows that this payload recorded last, and that are still as it says."""
    named = {(table, key): digest for table, key, digest in touched_in(body)}
    if not named:
        return {}
    recorded, found = last_recorded(), dict[Governed, list[int]]()
    for each in governed():
        keys = [key for table, key in named if table == each.table]
        keys = [key for key in keys if recorded[each.table].get(key) == (named[each.table, key], index)]
        live = dict(live_digests(each, keys))
        if fitting := [key for key in keys if live.get(key) == named[each.table, key]]:
            found[each] = fitting
    return found
