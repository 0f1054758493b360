"""Every page that people open daily: its queries and its time on the server, in a filled database."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import NoReverseMatch, reverse

from bench import large
from bench.measure import Cell, Report, percentile
from bench.options import Effort
from governance.models import Gate
from lifecycle.models import Handoff, Membership, Project, Run, Task, User

Arguments = Callable[[], dict[str, Any]]


def run(report: Report, effort: Effort) -> None:
    """Milliseconds on the server for each page, asked for by a member of many projects."""
    if not Project.objects.exists():
        large.fill(effort.projects, say=lambda _: None)
    project = Project.objects.order_by("pk")[0]
    membership = Membership.objects.filter(project=project, role=Membership.Role.CONTRIBUTOR)[0]
    settings.ALLOWED_HOSTS.append("testserver")
    client = Client()
    client.force_login(membership.user)
    report.heading(f"pages, {Project.objects.count()} projects, {Task.objects.count():,} tasks")
    for title, names, arguments in _pages(project, membership.user):
        url = _address(names, arguments)
        if url is None:
            report.note(f"{title}: no page of this name")
        else:
            _visit(report, client, title, url, effort.page_visits)


def _pages(project: Project, user: User) -> list[tuple[str, list[str], dict[str, Any]]]:
    """What a page is called, the names its address may have, and the arguments that the address needs."""
    own: dict[str, Any] = {"slug": project.slug}
    task = Task.objects.filter(owner=user)[:1].get()
    handoff = Handoff.objects.filter(giver=user)[:1].get()
    gate = Gate.objects.filter(iteration__project=project)[:1].get()
    ran = Run.objects.filter(project=project)[:1].get()
    return [
        ("portfolio", ["governance:portfolio"], {}),
        ("inbox", ["lifecycle:inbox", "governance:inbox", "lifecycle:desk"], {}),
        ("project", ["governance:project"], own),
        ("tasks", ["lifecycle:project-tasks"], own),
        ("task", ["lifecycle:task"], {"pk": task.pk}),
        ("handoffs", ["lifecycle:project-handoffs", "lifecycle:handoffs"], own),
        ("handoff", ["lifecycle:handoff"], {"pk": handoff.pk}),
        ("gates", ["governance:project-gates"], own),
        ("gate", ["governance:gate"], {"pk": gate.pk}),
        ("runs", ["lifecycle:project-runs", "lifecycle:runs"], own),
        ("run", ["lifecycle:run"], {"pk": ran.pk}),
        (
            "monitoring",
            ["lifecycle:project-monitoring", "lifecycle:monitoring", "governance:monitoring"],
            own,
        ),
        ("reports", ["reports:project-reports", "reports:project"], own),
        (
            "ledger",
            ["ledger:project-ledger", "reports:project-ledger", "reports:ledger", "ledger:ledger"],
            own,
        ),
    ]


def _address(names: list[str], arguments: dict[str, Any]) -> str | None:
    for name in names:
        for given in (arguments, {}):
            try:
                return reverse(name, kwargs=given)
            except NoReverseMatch:
                continue
    return None


def _visit(report: Report, client: Client, title: str, url: str, visits: int) -> None:
    with CaptureQueriesContext(connection) as captured:
        answer = client.get(url)  # the first visit also loads templates: counted, not timed
    queries = len(captured)
    if answer.status_code != 200:
        report.note(f"{title}: {url} answers {answer.status_code}")
        return
    times = []
    for _ in range(visits):
        start = time.perf_counter()
        client.get(url)
        times.append((time.perf_counter() - start) * 1e3)
    facts = {
        "p95_ms": percentile(times, 0.95),
        "queries": queries,
        "kib": round(len(answer.content) / 1024),
    }
    report.add(
        Cell(benchmark="pages", database=report.database, case=title, unit="ms", values=times, facts=facts)
    )
