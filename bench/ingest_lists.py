"""Lists, searches and memory while a project has 10,000 runs, and again when it has a million."""

import json
import os
import time

from bench.ingest_client import IN_A_BATCH, Client, ToGatebook
from bench.many_runs import fill_runs
from bench.measure import Cell, Report, percentile
from bench.options import Effort
from bench.serving import Site

LISTS = {
    "list": "",
    "of a kind": "&kind=MON",
    "failed": "&state=failed",
    "of a kind, failed": "&kind=DPR&state=failed",
    "of a source": "&source=openlineage",
    "by name, many": "&name=Ridge",
    "by name, few": "&name=Ridge+77",
    "begun since": "&since=2025-11-01T00:00:00Z",
    "begun before": "&until=2024-01-05T00:00:00Z",
    "begun before, failed": "&until=2024-02-05T00:00:00Z&state=failed",
    "by metric": "&metric=metric_0%3C0.1",
    "by metric, few": "&metric=metric_0%3C0.001",
    "by parameter": "&parameter=param_0%3Ddepth-7",
}
"""What is asked for among very many runs, with the words that the table has for it."""
FEW = 10_000
BATCHES = 20


def run(report: Report, effort: Effort, project: str, token: str, site: Site) -> None:
    """Milliseconds of each list, and the most memory that a web process held, at two sizes.

    The runs are copied by SQL from one that came in by the API; INGEST_RUNS says how many there shall be.
    """
    most = int(os.environ.get("INGEST_RUNS", "50000" if effort.rounds < 5 else "1000000"))
    like, there = _first(project)
    peaks = []
    for size in (FEW, most):
        fill_runs(like, size - there, first=there + 1)
        there = size
        report.heading(f"lists of 100 among {size:,} runs")
        client = Client(site.port, token)
        _lists(report, client, project, 3)  # what is loaded at the first call belongs to no size
        site.forget_peaks()
        _lists(report, client, project, 60, say=True)
        sending = ToGatebook(client, project, f"memory-{size}", IN_A_BATCH)
        for number in range(BATCHES):
            sending.send(number)
        peaks.append(site.peak_mib())
    report.heading("memory of the web process that holds most, lists and batches taken in")
    for size, peak in zip((FEW, most), peaks, strict=True):
        report.add(
            Cell(
                benchmark="ingest-memory", database=report.database, case=f"{size:,} runs", unit="MiB",
                values=[peak], floor=f"that at {FEW:,}", ratio=peak / peaks[0],
            )
        )  # fmt: skip


def _lists(report: Report, client: Client, project: str, rounds: int, *, say: bool = False) -> None:
    for words, more in LISTS.items():
        path = f"/api/v1/runs/?project={project}&page_size=100{more}"
        times = []
        for _ in range(rounds):
            start = time.perf_counter()
            answer = client.ask("GET", path)
            times.append((time.perf_counter() - start) * 1e3)
        if say:
            facts = {"p95_ms": percentile(times, 0.95), "rows": len(json.loads(answer)["results"])}
            report.add(
                Cell(
                    benchmark="ingest-list", database=report.database, case=words, unit="ms", values=times,
                    facts=facts,
                )
            )  # fmt: skip


def _first(project: str) -> tuple[int, int]:
    """A run that came in by the API, to be copied, and how many runs the project has."""
    from lifecycle.models import Run  # noqa: PLC0415  # needs the settings

    runs = Run.objects.filter(project__slug=project)
    return runs.filter(source="bench").earliest("pk").pk, runs.count()
