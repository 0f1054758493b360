"""Taking in runs beside a real MLflow server: the same runs, machine and PostgreSQL, in the same minutes.

A run has 20 parameters, 50 metrics with a step and a time each, and 10 tags. MLflow takes it in three calls
(create, log-batch, update), as its client does; Gatebook in one request, alone or in batches. Both are asked
by clients of the standard library on kept connections, one process a client. MLflow runs as its fastest
set-up here, gunicorn with 2 workers, without its job runner; Gatebook as `serve` starts it, with 2 processes.
"""

import multiprocessing
import os
import time
from dataclasses import dataclass
from typing import Any

import psycopg
from django.db import connection, connections

from bench import ingest_lists
from bench.ingest_client import IN_A_BATCH, Client, ToGatebook, ToMLflow
from bench.ingest_peer import dsn, mlflow
from bench.measure import Cell, Report
from bench.options import Effort
from bench.processes import cpu_seconds, database_server
from bench.serving import Site, site


def run(report: Report, effort: Effort) -> None:
    """Runs a second, bytes a run, then lists and searches among many runs, and memory."""
    if connection.vendor != "postgresql":
        report.note("ingest is compared on PostgreSQL only")
        return
    project, token = _project()
    with site() as running:
        _rates(report, effort, project, token, running)
        ingest_lists.run(report, effort, project, token, running)


def _project() -> tuple[str, str]:
    from bench import large  # noqa: PLC0415  # these need the settings
    from lifecycle.models import Project, User  # noqa: PLC0415
    from lifecycle.services.tokens import issue_token  # noqa: PLC0415

    if not Project.objects.exists():
        large.fill(1, say=lambda _: None)
    project = Project.objects.filter(state=Project.State.ACTIVE).first()
    assert project is not None
    person = User.objects.filter(memberships__project=project, memberships__role="manager").first()
    assert person is not None
    _, token = issue_token(user=person, name="bench", scope="write", days=1, actor=person)
    return project.slug, token


def _worker(what: str, port: int, names: tuple[str, str, str], go: Any, seconds: float, out: Any) -> None:
    project, token, prefix = names
    client = Client(port, token)
    sender: ToGatebook | ToMLflow
    if what == "mlflow":
        sender = ToMLflow(client, project)
    else:
        sender = ToGatebook(client, project, prefix, 1 if what == "one" else IN_A_BATCH)
    sender.send(0)
    out.put((0, 0.0))
    go.wait()
    start, done, number = time.perf_counter(), 0, 1
    while time.perf_counter() < start + seconds:
        done += sender.send(number)
        number += 1
    out.put((done, time.perf_counter() - start))


@dataclass(frozen=True)
class Rate:
    """Runs a second, all clients together, and what a run cost the servers, in CPU milliseconds."""

    runs: float
    cpu: float


def _rate(
    what: str, port: int, names: tuple[str, str], clients: int, seconds: float, servers: list[int]
) -> Rate:
    spawn = multiprocessing.get_context("fork")
    connections.close_all()
    go, out = spawn.Event(), spawn.Queue()
    stamp = time.time_ns()
    workers = [
        spawn.Process(target=_worker, args=(what, port, (*names, f"{stamp}-{n}"), go, seconds, out))
        for n in range(clients)
    ]
    for each in workers:
        each.start()
    for _ in workers:
        out.get(timeout=120)  # each is ready
    before = cpu_seconds(servers)
    go.set()
    found = [out.get(timeout=seconds + 120) for _ in workers]
    used = cpu_seconds(servers) - before
    for each in workers:
        each.join()
    done = sum(count for count, _elapsed in found)
    return Rate(sum(count / elapsed for count, elapsed in found), used * 1e3 / max(done, 1))


def _rates(report: Report, effort: Effort, project: str, token: str, running: Site) -> None:
    clients = (1, 4) if effort.rounds < 5 else (1, 4, 8)
    rounds = 1 if effort.rounds < 5 else 2
    found: dict[str, dict[int, list[Rate]]] = {
        name: {count: [] for count in clients} for name in ("mlflow", "one", "batch")
    }
    with mlflow() as (mlflow_port, experiment, database, mlflow_pid):
        peer_before, ours_before = _bytes(database), _bytes(None)
        peer_runs, our_runs = _peer_count(database), _our_count()
        postgres = database_server()
        for _ in range(rounds):
            for count in clients:
                for what, where, names, server in (
                    ("mlflow", mlflow_port, (experiment, ""), mlflow_pid),
                    ("one", running.port, (project, token), running.pid),
                    ("batch", running.port, (project, token), running.pid),
                ):
                    rate = _rate(what, where, names, count, effort.seconds * 3, [server, *postgres])
                    found[what][count].append(rate)
        peer = (_bytes(database) - peer_before) / max(_peer_count(database) - peer_runs, 1)
        ours = (_bytes(None) - ours_before) / max(_our_count() - our_runs, 1)
    _say(report, found)
    report.add(
        Cell(
            benchmark="ingest-bytes", database=report.database, case="bytes a run, tables and indexes",
            unit="bytes", values=[ours], floor="MLflow", ratio=ours / peer, facts={"mlflow": peer},
        )
    )  # fmt: skip


def _say(report: Report, found: dict[str, dict[int, list[Rate]]]) -> None:
    peers = [rate for rates in found["mlflow"].values() for rate in rates]
    best, least = max(rate.runs for rate in peers), min(rate.cpu for rate in peers)
    report.heading("runs taken in: 20 parameters, 50 metrics with history, 10 tags")
    for what, words in (
        ("mlflow", "MLflow, three calls a run"), ("one", "one run a request"),
        ("batch", f"{IN_A_BATCH} runs a request"),
    ):  # fmt: skip
        for count, rates in found[what].items():
            values = [rate.runs for rate in rates]
            cpu = min(rate.cpu for rate in rates)
            report.add(
                Cell(
                    benchmark="ingest", database=report.database, case=f"{words}, {count} clients",
                    unit="runs/s", values=values, floor="MLflow's best", ratio=max(values) / best,
                    facts={"cpu_ms_a_run": cpu, "mlflow_cpu_times": least / cpu},
                )
            )  # fmt: skip


def _bytes(database: str | None) -> int:
    """What all tables of a database take, with indexes, after a checkpoint of the pages in use."""
    with psycopg.connect(dsn(database) if database else os.environ["DATABASE_URL"]) as link:
        row = link.execute("SELECT pg_database_size(current_database())").fetchone()
    assert row is not None
    return int(row[0])


def _peer_count(database: str) -> int:
    with psycopg.connect(dsn(database)) as link:
        row = link.execute("SELECT count(*) FROM runs").fetchone()
    assert row is not None
    return int(row[0])


def _our_count() -> int:
    from lifecycle.models import Run  # noqa: PLC0415  # needs the settings

    return Run.objects.count()
