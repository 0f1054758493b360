"""Every page for each kind of reader: its queries and its time on the server, in a filled database.

Wall time says what a reader waits for, CPU time what this process worked; what the database worked is not in
it. Beside each stands a loop that always does the same, measured in the same minute: where it takes longer
than on a quiet machine, so does everything else.
"""

from __future__ import annotations

import gc
import logging
import statistics
import time

from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from bench import large
from bench.measure import Cell, Report, percentile
from bench.options import Effort
from bench.page_addresses import Records, addresses, readers
from lifecycle.models import Handoff, Project, Task

MOST_QUERIES, MOST_MS = 25, 150


def run(report: Report, effort: Effort) -> None:
    """Milliseconds on the server for each page, asked for by everybody who can see it."""
    if not Project.objects.exists():
        large.fill(effort.projects, say=lambda _: None)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")  # as the database does by itself, but later
    settings.ALLOWED_HOSTS.append("testserver")
    logging.getLogger("django.request").setLevel(logging.CRITICAL)  # most routes are no pages, and say so
    over: list[str] = []
    for role, person in readers().items():
        report.heading(
            f"pages as {role}; {Project.objects.count():,} projects, {Task.objects.count():,} tasks, "
            f"{Handoff.objects.count():,} handoffs"
        )
        client = Client()
        client.force_login(person)
        for name, address in addresses(Records(person)):
            over += _visit(report, client, f"{name} ({role})", address, effort.page_visits)
    report.add(_loop(report.database))
    report.heading(f"over {MOST_QUERIES} queries or {MOST_MS} ms")
    for line in over or ["none"]:
        report.note(line)


def _visit(report: Report, client: Client, case: str, address: str, visits: int) -> list[str]:
    """Measure one page, if it is one for this reader; gives what is too much."""
    with CaptureQueriesContext(connection) as captured:
        answer = client.get(address)  # the first visit also loads templates: counted, not timed
    if answer.status_code != 200 or answer.streaming:
        return [f"{case}: {address} answers {answer.status_code}"] if answer.status_code >= 500 else []
    queries, times, works = len(captured), [], []
    for _ in range(visits):
        gc.collect()  # what the page before left is not this one's to tidy up
        start, work = time.perf_counter(), time.process_time()
        client.get(address)
        times.append((time.perf_counter() - start) * 1e3)
        works.append((time.process_time() - work) * 1e3)
    p95 = percentile(times, 0.95)
    facts = {
        "p95_ms": p95, "cpu_ms": statistics.median(works), "cpu_p95_ms": percentile(works, 0.95),
        "loop_ms": _loop_ms(), "queries": queries, "kib": round(len(answer.content) / 1024),
    }  # fmt: skip
    report.add(
        Cell(benchmark="pages", database=report.database, case=case, unit="ms", values=times, facts=facts)
    )
    too_much = queries > MOST_QUERIES or p95 > MOST_MS
    said = f"{case}: {address} {queries} queries, p95 {p95:.0f} ms, CPU p95 {facts['cpu_p95_ms']:.0f} ms"
    return [said] if too_much else []


def _loop_ms() -> float:
    """Milliseconds of CPU that the same 100,000 steps of Python take now."""
    work = time.process_time()
    total = 0
    for number in range(100_000):
        total += number * number % 7
    return (time.process_time() - work) * 1e3


def _loop(database: str) -> Cell:
    values = [_loop_ms() for _ in range(20)]
    return Cell(benchmark="pages", database=database, case="the loop", unit="CPU ms", values=values)
