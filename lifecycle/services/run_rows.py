"""The SQL that keeps new runs, their histories and their batch.

Raw SQL and not the ORM, since every run that is sent passes here while others wait for the project: few
statements, and no model machinery between lock and commit.
"""

from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import Any

from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.db.models.expressions import RawSQL

from lifecycle.models import Run, RunBatch, RunHistory

_CHUNK = 500
_COLUMNS = (
    "project_id", "iteration_id", "task_id", "kind", "title", "source", "external_id", "parent_external_id",
    "url", "batch_id", "deleted_at_source", "spec_digest", "model_version_id", "state", "progress", "step",
    "attempts", "error", "started_by_id",
)  # fmt: skip
_MOMENTS = ("created_at", "started_at", "finished_at")
_MARKS = ("%s",) * (len(_COLUMNS) + len(_MOMENTS) + 2)


def next_batch() -> RawSQL:
    """The id of the batch that is about to be written; the project must be locked."""
    if connection.vendor == "postgresql":
        return RawSQL("nextval(pg_get_serial_sequence('lifecycle_runbatch', 'id'))", [])
    return RawSQL("(SELECT COALESCE(MAX(id), 0) + 1 FROM lifecycle_runbatch)", [])


def is_known(project: int, source: str, names: Sequence[str]) -> bool:
    """Whether any of these runs is there. 1 query for each 500."""
    with connection.cursor() as cursor:
        for part in _parts(names, _CHUNK):
            marks = ", ".join(["%s"] * len(part))
            named = f"external_id <> '' AND external_id IN ({marks})"
            cursor.execute(
                f"SELECT 1 FROM lifecycle_run WHERE project_id = %s AND source = %s AND {named} LIMIT 1",  # noqa: S608
                [project, source, *part],
            )
            if cursor.fetchone() is not None:
                return True
    return False


def insert_runs(runs: Sequence[Run], records: Sequence[bytes]) -> None:
    """Write runs whose records are given as JSON; each gets its id. 1 query for each 500 on PostgreSQL."""
    columns = ", ".join((*_COLUMNS, *_MOMENTS, "content_digest", "record", "spec"))
    is_postgres = connection.vendor == "postgresql"
    mark = f"({', '.join(_MARKS)}, '{{}}')"
    with connection.cursor() as cursor:
        for part in _parts(list(zip(runs, records, strict=True)), _CHUNK if is_postgres else 30):
            values = ", ".join([mark] * len(part))
            cursor.execute(
                f"INSERT INTO lifecycle_run ({columns}) VALUES {values} RETURNING id, external_id",  # noqa: S608
                list(chain.from_iterable(_row(run, record) for run, record in part)),
            )
            ids = {name: pk for pk, name in cursor.fetchall()}
            for run, _record in part:
                run.pk = ids[run.external_id]
                run._state.adding, run._state.db = False, connection.alias


def _row(run: Run, record: bytes) -> Iterator[Any]:
    yield from (getattr(run, name) for name in _COLUMNS)
    for name in _MOMENTS:
        yield connection.ops.adapt_datetimefield_value(getattr(run, name))
    yield bytes.fromhex(run.content_digest or "")
    yield record.decode()


def insert_batch(batch: RunBatch, histories: Sequence[tuple[int, bytes]]) -> None:
    """Write a batch that has its id, and the histories (run, packed) that it brings.

    1 query on PostgreSQL.
    """
    columns = "id, project_id, source, sent_by_id, created_at, count, root, packed"
    marks = ", ".join(["%s"] * 8)
    sql = f"INSERT INTO lifecycle_runbatch ({columns}) VALUES ({marks})"  # noqa: S608  (constants and marks)
    values: list[Any] = [
        batch.pk, batch.project_id, batch.source, batch.sent_by_id,
        connection.ops.adapt_datetimefield_value(batch.created_at), batch.count, bytes.fromhex(batch.root),
        bytes(batch.packed),
    ]  # fmt: skip
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql" and histories:
            rows = ", ".join(["(%s, %s)"] * len(histories))
            first = f"INSERT INTO lifecycle_runhistory (run_id, packed) VALUES {rows}"  # noqa: S608
            pairs: list[Any] = list(chain.from_iterable(histories))
            cursor.execute(f"WITH histories AS ({first}) {sql}", pairs + values)
        else:
            _insert_histories(cursor, histories)
            cursor.execute(sql, values)
    batch._state.adding, batch._state.db = False, connection.alias


def _insert_histories(cursor: CursorWrapper, histories: Sequence[tuple[int, bytes]]) -> None:
    table = RunHistory._meta.db_table
    cursor.executemany(f"INSERT INTO {table} (run_id, packed) VALUES (%s, %s)", histories)  # noqa: S608


def _parts(items: Sequence[Any], size: int) -> Iterator[list[Any]]:
    left = iter(items)
    while part := list(islice(left, size)):
        yield part
