"""Migrations change governed rows without an entry of a service: what they changed is recorded after them."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from django.db import connection, transaction
from django.db.migrations.recorder import MigrationRecorder

from ledger.actions import LedgerAction
from ledger.actors import SystemActor
from ledger.governed import Governed, governed
from ledger.models import Entry, Payload
from ledger.reconciling import TOUCHED, differences, last_recorded
from ledger.rows import touch, unwatch, watch
from ledger.services import append

UPGRADER = SystemActor("migrations")
CHUNK = 5000

Wrong = set[tuple[str, int]]
_wrong_before: dict[str, Wrong] = {}


def begin_upgrade(*, plan: list[Any], **_more: object) -> None:
    """A receiver of `pre_migrate`: note what does not fit the ledger already, and stop watching.

    As long as no entry has ever named a row, nothing can be wrong: the rows are taken as they are.
    """
    if not plan or not _ready():
        return
    known = Payload.objects.filter(body__contains=TOUCHED).exists()
    _wrong_before[connection.alias] = set(_differing()) if known else set()
    unwatch()


def end_upgrade(*, plan: list[Any] | None = None, **_more: object) -> None:
    """A receiver of `post_migrate`: watch again, and record the rows that fitted before and do not now.

    What did not fit before still does not: a migration launders nothing.
    """
    if not _ready():
        return
    watch()
    wrong = _wrong_before.pop(connection.alias, set())
    if not plan:
        return
    changed: dict[str, list[int]] = defaultdict(list)
    for table, key in _differing():
        if (table, key) not in wrong:
            changed[table].append(key)
    for each in governed():
        _record(each, changed[each.table])


def _ready() -> bool:
    """Whether the tables are those of this version: migrations may stop half-way, and go back."""
    if Entry._meta.db_table not in connection.introspection.table_names():
        return False
    with connection.cursor() as cursor:
        described = connection.introspection.get_table_description(cursor, Entry._meta.db_table)
    return {column.name for column in described} == {field.column for field in Entry._meta.local_fields}


def _differing() -> Iterator[tuple[str, int]]:
    recorded, there = last_recorded(), set(connection.introspection.table_names())
    for each in governed():
        if each.table in there:
            for found in differences(_as_it_stands(each), recorded.get(each.table, {})):
                yield each.table, found.key


def _as_it_stands(each: Governed) -> Governed:
    """The table without the columns that a migration is still to add: digests were made without them."""
    with connection.cursor() as cursor:
        there = {column.name for column in connection.introspection.get_table_description(cursor, each.table)}
    return replace(each, columns=tuple(column for column in each.columns if column in there))


def _record(each: Governed, keys: list[int]) -> None:
    for at in range(0, len(keys), CHUNK):
        part = keys[at : at + CHUNK]
        with transaction.atomic():
            touch(each, part)
            append(
                actor=UPGRADER,
                action=LedgerAction.ROWS_MIGRATED,
                subject=MigrationRecorder.Migration.objects.latest("pk"),
                detail={"table": each.label, "rows": len(part)},
            )
