"""`ledger.append`, one entry a transaction and in batches, against one bare row a transaction."""

from collections.abc import Callable

from django.db import connection, transaction

from bench.measure import Report, each, in_turns
from bench.options import Effort
from ledger.actors import SystemActor
from ledger.services import Record, append, append_many
from lifecycle.actions import LifecycleAction
from lifecycle.models import User

BATCH = 100
FLOOR = "bare row, committed"
DETAIL = {
    "iteration": 3,
    "from": "planned",
    "to": "offered",
    "round": 1,
    "reason": "The data of October are complete and were checked twice.",
    "deliverables": ["Sales of October", "Notes on missing stores"],
}


def run(report: Report, effort: Effort) -> None:
    """Two tables: one entry, and entries of a batch (both in microseconds an entry)."""
    person = User.objects.create(username="bench-append", name="Noor Haddad", email="noor@example.org")
    record = Record(SystemActor("bench"), LifecycleAction.HANDOFF_OFFERED, person, "flights", DETAIL)
    _make_bare_table()

    report.heading("append: one entry a transaction")
    singles = {
        FLOOR: each(lambda: _insert_bare(1), effort.appends),
        "ledger.append": each(_append(record), effort.appends),
    }
    report.table("append", "us/entry", in_turns(singles, effort.rounds), FLOOR)

    report.heading(f"append: {BATCH} entries a transaction")
    floor = f"{BATCH} bare rows, committed"
    batches = {
        floor: _a_row(each(lambda: _insert_bare(BATCH), effort.batches)),
        "ledger.append_many": _a_row(each(lambda: _append_batch(record), effort.batches)),
    }
    report.table("append-batch", "us/entry", in_turns(batches, effort.rounds), floor)


def _append(record: Record) -> Callable[[], None]:
    def once() -> None:
        with transaction.atomic():
            append(
                actor=record.actor,
                action=record.action,
                subject=record.subject,
                project=record.project,
                detail=record.detail,
            )

    return once


def _append_batch(record: Record) -> None:
    with transaction.atomic():
        append_many([record] * BATCH)


def _a_row(a_batch: Callable[[], float]) -> Callable[[], float]:
    return lambda: a_batch() / BATCH


def _make_bare_table() -> None:
    key = "integer PRIMARY KEY AUTOINCREMENT" if connection.vendor == "sqlite" else "bigserial PRIMARY KEY"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE bench_bare (id {key}, body text NOT NULL)")


def _insert_bare(rows: int) -> None:
    """Rows of 300 bytes, about as many as an entry's leaf and payload have."""
    with transaction.atomic(), connection.cursor() as cursor:
        marks = ", ".join(["(%s)"] * rows)
        cursor.execute(f"INSERT INTO bench_bare (body) VALUES {marks}", ["x" * 300] * rows)
