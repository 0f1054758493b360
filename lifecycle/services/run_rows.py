"""The SQL that keeps new runs, their histories and their batch.

Raw SQL and not the ORM, since every run that is sent passes here while others wait for the project: few
statements, and no model machinery between lock and commit.
"""

from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import Any

from django.db import connection
from django.db.models.expressions import RawSQL

from lifecycle.models import Run, RunBatch

_CHUNK = 500
_COLUMNS = (
    "project_id", "iteration_id", "task_id", "kind", "title", "source", "external_id", "parent_external_id",
    "url", "batch_id", "deleted_at_source", "spec_digest", "model_version_id", "state", "progress", "step",
    "attempts", "error", "started_by_id",
)  # fmt: skip
_MOMENTS = ("created_at", "started_at", "finished_at")
_MARKS = f"({', '.join(['%s'] * (1 + len(_COLUMNS) + len(_MOMENTS) + 2))}, '{{}}')"

_Statement = tuple[str, list[Any]]


def ids_ahead(runs: int) -> dict[str, RawSQL]:
    """Annotations of the locked project: the id of the batch that is about to be written, and ids for `runs`
    new runs, a list on PostgreSQL and the first of them on SQLite, where nobody else writes meanwhile.
    """
    if connection.vendor == "postgresql":
        return {
            "next_batch": RawSQL("nextval(pg_get_serial_sequence('lifecycle_runbatch', 'id'))", []),
            "next_runs": RawSQL(
                "ARRAY(SELECT nextval(pg_get_serial_sequence('lifecycle_run', 'id'))"
                " FROM generate_series(1, %s))",
                [runs],
            ),
        }
    return {
        "next_batch": RawSQL(
            "COALESCE((SELECT seq FROM sqlite_sequence WHERE name = 'lifecycle_runbatch'), 0) + 1", []
        ),
        "next_runs": RawSQL(
            "COALESCE((SELECT seq FROM sqlite_sequence WHERE name = 'lifecycle_run'), 0) + 1 + 0 * %s", [runs]
        ),
    }


def one_is_known(source: str, name: str) -> RawSQL:
    """An annotation of a project: whether it has this run."""
    return RawSQL(
        "EXISTS (SELECT 1 FROM lifecycle_run r WHERE r.project_id = lifecycle_project.id"
        " AND r.source = %s AND r.external_id <> '' AND r.external_id = %s)",
        [source, name],
    )


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


def insert_runs(
    runs: Sequence[Run], records: Sequence[bytes], batch: RunBatch, histories: Sequence[tuple[int, bytes]]
) -> None:
    """Write runs whose records are given as JSON, the histories (run, packed) and the batch; all have ids.

    1 query on PostgreSQL.
    """
    is_postgres = connection.vendor == "postgresql"
    parts = [
        _insert_runs(part)
        for part in _parts(list(zip(runs, records, strict=True)), 500 if is_postgres else 30)
    ]
    if histories:
        parts += [_insert_histories(part) for part in _parts(histories, 1_000 if is_postgres else 400)]
    parts.append(_insert_batch(batch))
    with connection.cursor() as cursor:
        if is_postgres:
            # Keys to other tables are looked at when the transaction ends, so that the order is free.
            *first, (last, values) = parts
            named = ", ".join(f"part_{at} AS ({sql})" for at, (sql, _values) in enumerate(first))
            with_ = f"WITH {named} {last}" if first else last
            cursor.execute(with_, [*chain.from_iterable(each for _sql, each in first), *values])
        else:
            for sql, values in parts:
                cursor.execute(sql, values)
    for record in (*runs, batch):
        record._state.adding, record._state.db = False, connection.alias


def _insert_runs(part: Sequence[tuple[Run, bytes]]) -> _Statement:
    columns = ", ".join(("id", *_COLUMNS, *_MOMENTS, "content_digest", "record", "spec"))
    values = ", ".join([_MARKS] * len(part))
    return (
        f"INSERT INTO lifecycle_run ({columns}) VALUES {values}",  # noqa: S608  (constants and marks)
        list(chain.from_iterable(_row(run, record) for run, record in part)),
    )


def _row(run: Run, record: bytes) -> Iterator[Any]:
    yield run.pk
    yield from (getattr(run, name) for name in _COLUMNS)
    for name in _MOMENTS:
        yield connection.ops.adapt_datetimefield_value(getattr(run, name))
    yield bytes.fromhex(run.content_digest or "")
    yield record.decode()


def _insert_histories(part: Sequence[tuple[int, bytes]]) -> _Statement:
    rows = ", ".join(["(%s, %s)"] * len(part))
    sql = f"INSERT INTO lifecycle_runhistory (run_id, packed) VALUES {rows}"  # noqa: S608  (marks)
    return sql, list(chain.from_iterable(part))


def _insert_batch(batch: RunBatch) -> _Statement:
    columns = "id, project_id, source, sent_by_id, created_at, count, root, packed"
    marks = ", ".join(["%s"] * 8)
    return (
        f"INSERT INTO lifecycle_runbatch ({columns}) VALUES ({marks})",  # noqa: S608  (constants and marks)
        [
            batch.pk, batch.project_id, batch.source, batch.sent_by_id,
            connection.ops.adapt_datetimefield_value(batch.created_at), batch.count,
            bytes.fromhex(batch.root), bytes(batch.packed),
        ],
    )  # fmt: skip


def _parts(items: Sequence[Any], size: int) -> Iterator[list[Any]]:
    left = iter(items)
    while part := list(islice(left, size)):
        yield part
