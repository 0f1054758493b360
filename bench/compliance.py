"""The matrix of many projects by eight frameworks, and what it costs to look at one of them."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable

from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from bench import large, large_compliance
from bench.measure import Cell, Report, percentile
from bench.options import Effort
from bench.page_addresses import readers
from governance.queries.compliance import projects_to_look_at
from governance.services.compliance import look_at
from lifecycle.models import Project

MOST_MS = 300


def run(report: Report, effort: Effort) -> None:
    """Milliseconds on the server for the matrix, its last page and one that is searched; for one look."""
    missing = effort.measured - Project.objects.count()
    if missing > 0:
        large.fill(missing, tasks=6, handoffs=1, say=lambda _: None)
    controls = large_compliance.measure_all()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    settings.ALLOWED_HOSTS.append("testserver")
    count = Project.objects.count()
    report.heading(
        f"compliance; {count:,} projects by {large_compliance.FRAMEWORKS} frameworks, {controls:,} controls"
    )
    client = Client()
    client.force_login(readers()["manager of all projects"])
    for case, address in (
        ("matrix, first page", "/compliance/"),
        ("matrix, last page", "/compliance/?page=999"),
        ("matrix, searched", "/compliance/?q=1"),
    ):
        _measure(report, case, effort.page_visits, lambda at=address: client.get(at))  # type: ignore[misc]
    now = timezone.now()
    _measure(report, "what is new", effort.page_visits, lambda: list(projects_to_look_at(now)[:20]))
    project = Project.objects.order_by("pk")[0]
    look_at(project=project)  # the first look writes everything
    _measure(report, "a look that finds nothing new", effort.page_visits, lambda: look_at(project=project))


def _measure(report: Report, case: str, times: int, act: Callable[[], object]) -> None:
    with CaptureQueriesContext(connection) as captured:
        act()
    queries, values = len(captured), []
    for _ in range(times):
        gc.collect()
        start = time.perf_counter()
        act()
        values.append((time.perf_counter() - start) * 1e3)
    p95 = percentile(values, 0.95)
    said = Cell(
        benchmark="compliance", database=report.database, case=case, unit="ms", values=values,
        facts={"p95_ms": p95, "queries": queries},
    )  # fmt: skip
    report.add(said)
    if case.startswith("matrix") and p95 > MOST_MS:
        report.note(f"{case}: p95 {p95:.0f} ms, over {MOST_MS} ms")
