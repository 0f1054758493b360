"""Verifying the whole ledger, against hashing bytes that are ready in memory."""

import time
from hashlib import sha256

from django.db import connection, transaction

from bench.appending import DETAIL
from bench.measure import Report, in_turns
from bench.options import Effort
from ledger.actors import SystemActor
from ledger.models import Entry
from ledger.services import Record, append_many
from ledger.verification import verify
from lifecycle.actions import LifecycleAction
from lifecycle.models import User

FLOOR = "SHA-256 chain over ready bytes"
ROUNDS = 3


def run(report: Report, effort: Effort) -> None:
    """Fill the ledger up to the size that is verified, then verify it (microseconds an entry)."""
    _fill(effort.verified)
    size = Entry.objects.count()
    leaf = b"x" * 330

    def chain() -> float:
        last = b""
        start = time.perf_counter()
        for _ in range(size):
            last = sha256(last + leaf).digest()
        return (time.perf_counter() - start) / size * 1e6

    def whole() -> float:
        start = time.perf_counter()
        verdict = verify()
        assert verdict.intact, verdict
        return (time.perf_counter() - start) / size * 1e6

    def read() -> float:
        start = time.perf_counter()
        _read_all()
        return (time.perf_counter() - start) / size * 1e6

    report.heading(f"verify: {size:,} entries")
    cases = {FLOOR: chain, "reading all rows": read, "ledger verify": whole}
    measured = in_turns(cases, min(ROUNDS, effort.rounds))
    report.table("verify", "us/entry", measured, FLOOR)
    seconds = sorted(measured["ledger verify"])[len(measured["ledger verify"]) // 2] * size / 1e6
    report.note(f"in all {seconds:.2f} s; a million entries would take {seconds / size * 1e6:.0f} s")


def _fill(size: int) -> None:
    person = User.objects.create(username="bench-verify", name="Noor Haddad", email="noor@example.org")
    missing = size - Entry.objects.count()
    record = Record(SystemActor("bench"), LifecycleAction.HANDOFF_OFFERED, person, "flights", DETAIL)
    if missing > 0:
        with transaction.atomic():
            append_many(record for _ in range(missing))


def _read_all() -> None:
    last = -1
    while True:
        with connection.cursor() as cursor:
            cursor.execute(
                'SELECT e.*, p.* FROM ledger_entry e LEFT JOIN ledger_payload p ON p."index" = e."index" '
                'WHERE e."index" > %s ORDER BY e."index" LIMIT 2000',
                [last],
            )
            rows = cursor.fetchall()
        if not rows:
            return
        last = rows[-1][0]
