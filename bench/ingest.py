"""Taking in runs beside a real MLflow server: the same runs, machine and PostgreSQL, in the same minutes.

A run has 20 parameters, 50 metrics with a step and a time each, and 10 tags. MLflow takes it in three calls
(create, log-batch, update), as its client does; Gatebook in one request, alone or in batches. Both are asked
by clients of the standard library on kept connections, one process a client. MLflow runs as its fastest
set-up here, gunicorn with 2 workers, without its job runner; Gatebook as `serve` starts it, with 2 processes.
"""

import json
import multiprocessing
import os
import random
import resource
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import psycopg
from django.db import connection, connections
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from bench.measure import Cell, Report, percentile
from bench.options import Effort
from bench.serving import served

PEERS = Path(__file__).resolve().parents[1] / ".venv-peers" / "bin"
IN_A_BATCH = 250
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
    "by metric": "&metric=metric_0<0.1",
    "by metric, few": "&metric=metric_0<0.001",
    "by parameter": "&parameter=param_0=depth-7",
}
"""What is asked for among very many runs, with the words that the table has for it."""
NOW = 1_767_348_000_000


def run(report: Report, effort: Effort) -> None:
    """Runs a second, bytes a run, then lists and searches among many runs, and memory."""
    if connection.vendor != "postgresql":
        report.note("ingest is compared on PostgreSQL only")
        return
    project, token = _project()
    with served() as port:
        _rates(report, effort, project, token, port)
        _many(report, effort, project, token, port)


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


class Client:
    """A kept connection that sends and reads JSON."""

    def __init__(self, port: int, token: str = "") -> None:
        self.connection = HTTPConnection("127.0.0.1", port, timeout=120)
        self.headers = {"Content-Type": "application/json"}
        if token:
            self.headers["Authorization"] = f"Bearer {token}"

    def ask(self, method: str, path: str, body: bytes | None = None) -> bytes:
        for again in (True, False):
            try:
                self.connection.request(method, path, body, self.headers)
                answer = self.connection.getresponse()
                said = answer.read()
                break
            except (ConnectionError, OSError):
                self.connection.close()  # a worker that has served its share was replaced
                if not again:
                    raise
        if answer.status != 200:
            raise RuntimeError(f"{answer.status} {said[:300]!r}")
        return said


def _values(number: int) -> tuple[dict[str, str], dict[str, float], dict[str, str]]:
    return (
        {f"param_{n}": f"value-{number}-{n}" for n in range(20)},
        {f"metric_{n}": random.random() for n in range(50)},
        {f"tag_{n}": f"tag value {number} {n}" for n in range(10)},
    )


def _item(number: int, prefix: str) -> dict[str, Any]:
    parameters, metrics, tags = _values(number)
    return {
        "external_id": f"{prefix}-{number}", "kind": "TRN", "title": f"run {number}",
        "parameters": parameters, "metrics": metrics, "tags": tags, "started_at": "2026-01-02T10:00:00Z",
        "finished_at": "2026-01-02T10:05:00Z",
        "histories": {name: [[0, NOW, value]] for name, value in metrics.items()},
    }  # fmt: skip


def _mlflow_run(client: Client, experiment: str, number: int) -> int:
    def call(path: str, body: dict[str, Any]) -> Any:
        return json.loads(client.ask("POST", f"/api/2.0/mlflow/{path}", json.dumps(body).encode()))

    parameters, metrics, tags = _values(number)
    made = call("runs/create", {"experiment_id": experiment, "start_time": NOW})["run"]["info"]["run_id"]
    call(
        "runs/log-batch",
        {
            "run_id": made,
            "params": [{"key": key, "value": value} for key, value in parameters.items()],
            "metrics": [
                {"key": key, "value": value, "timestamp": NOW, "step": 0} for key, value in metrics.items()
            ],
            "tags": [{"key": key, "value": value} for key, value in tags.items()],
        },
    )
    call("runs/update", {"run_id": made, "status": "FINISHED", "end_time": NOW})
    return 1


def _one(client: Client, project: str, prefix: str, number: int) -> int:
    body = {"project": project, "source": "bench", "runs": [_item(number, prefix)]}
    client.ask("PUT", "/api/v1/runs/", json.dumps(body).encode())
    return 1


def _batch(client: Client, project: str, prefix: str, number: int) -> int:
    runs = [_item(number * IN_A_BATCH + n, prefix) for n in range(IN_A_BATCH)]
    body = {"project": project, "source": "bench", "runs": runs}
    client.ask("PUT", "/api/v1/runs/", json.dumps(body).encode())
    return IN_A_BATCH


Work = Callable[[Client, int], int]


def _worker(what: str, port: int, names: tuple[str, str, str], go: Any, seconds: float, out: Any) -> None:
    project, token, prefix = names
    client = Client(port, token)
    work: dict[str, Work] = {
        "mlflow": lambda client, number: _mlflow_run(client, project, number),
        "one": lambda client, number: _one(client, project, prefix, number),
        "batch": lambda client, number: _batch(client, project, prefix, number),
    }
    work[what](client, 0)
    go.wait()
    start, done, number = time.perf_counter(), 0, 1
    while time.perf_counter() < start + seconds:
        done += work[what](client, number)
        number += 1
    out.put(done / (time.perf_counter() - start))


def _rate(what: str, port: int, names: tuple[str, str], clients: int, seconds: float) -> float:
    """Runs a second, all clients together."""
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
    time.sleep(1.5)
    go.set()
    rates = [out.get(timeout=seconds + 120) for _ in workers]
    for each in workers:
        each.join()
    return float(sum(rates))


def _rates(report: Report, effort: Effort, project: str, token: str, port: int) -> None:
    clients = (1, 4) if effort.rounds < 5 else (1, 4, 8)
    rounds = 1 if effort.rounds < 5 else 2
    found: dict[str, dict[int, list[float]]] = {
        name: {count: [] for count in clients} for name in ("mlflow", "one", "batch")
    }
    with _mlflow() as (mlflow_port, experiment, database):
        peer_before, ours_before = _bytes(database), _bytes(None)
        peer_runs, our_runs = _peer_count(database), _our_count()
        for _ in range(rounds):
            for count in clients:
                for what, where, names in (
                    ("mlflow", mlflow_port, (experiment, "")),
                    ("one", port, (project, token)),
                    ("batch", port, (project, token)),
                ):
                    rate = _rate(what, where, names, count, effort.seconds * 3)
                    found[what][count].append(rate)
        peer = (_bytes(database) - peer_before) / max(_peer_count(database) - peer_runs, 1)
        ours = (_bytes(None) - ours_before) / max(_our_count() - our_runs, 1)
    report.heading("runs taken in: 20 parameters, 50 metrics with history, 10 tags")
    best = max((values for values in found["mlflow"].values()), key=max)
    for what, words in (
        ("mlflow", "MLflow, three calls a run"), ("one", "one run a request"),
        ("batch", f"{IN_A_BATCH} runs a request"),
    ):  # fmt: skip
        for count, values in found[what].items():
            report.add(
                Cell(
                    benchmark="ingest", database=report.database, case=f"{words}, {count} clients",
                    unit="runs/s", values=values, floor="MLflow's best",
                    ratio=max(values) / max(best),
                )
            )  # fmt: skip
    report.add(
        Cell(
            benchmark="ingest-bytes", database=report.database, case="bytes a run, tables and indexes",
            unit="bytes", values=[ours], floor="MLflow", ratio=ours / peer, facts={"mlflow": peer},
        )
    )  # fmt: skip


@contextmanager
def _mlflow() -> Iterator[tuple[int, str, str]]:
    """A real server on the same PostgreSQL, in a database of its own; port, experiment and database."""
    name = "mlflow_bench"
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as admin:
        admin.execute(f"DROP DATABASE IF EXISTS {name}")
        admin.execute(f"CREATE DATABASE {name}")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    home = Path(os.environ["GATEBOOK_HOME"])
    parts = conninfo_to_dict(_dsn(name))
    login = f"{parts.get('user', 'postgres')}:{parts.get('password', '')}"
    more = "&".join(f"{key}={parts[key]}" for key in ("host", "port") if key in parts)
    store = f"postgresql://{login}@/{name}?{more}"
    command = [
        str(PEERS / "mlflow"), "server", "--backend-store-uri", store, "--default-artifact-root",
        str(home / "artifacts"), "--host", "127.0.0.1", "--port", str(port), "--workers", "2",
        "--gunicorn-opts", "--log-level warning",
    ]  # fmt: skip
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("DJANGO", "GATEBOOK"))
    }
    environment |= {
        "MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "PATH": f"{PEERS}:{os.environ['PATH']}",
    }  # fmt: skip
    log = (home / "mlflow.log").open("wb")
    with log, subprocess.Popen(command, env=environment, cwd=home, stdout=log, stderr=log) as server:
        try:
            _wait(port, server, home / "mlflow.log")
            client = Client(port)
            body = json.dumps({"name": f"bench-{time.time_ns()}"}).encode()
            made = json.loads(client.ask("POST", "/api/2.0/mlflow/experiments/create", body))
            yield port, made["experiment_id"], name
        finally:
            server.terminate()


def _wait(port: int, server: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline and server.poll() is None:
        try:
            Client(port).ask("GET", "/health")
        except (OSError, RuntimeError):
            time.sleep(0.2)
        else:
            return
    raise RuntimeError(f"MLflow did not start: {log.read_text(errors='replace')[-2000:]}")


def _dsn(database: str) -> str:
    """Where the server of this run is, for another of its databases."""
    return make_conninfo(os.environ["DATABASE_URL"], dbname=database)


def _bytes(database: str | None) -> int:
    """What all tables of a database take, with indexes, after a checkpoint of the pages in use."""
    with psycopg.connect(_dsn(database) if database else os.environ["DATABASE_URL"]) as link:
        row = link.execute("SELECT pg_database_size(current_database())").fetchone()
    assert row is not None
    return int(row[0])


def _peer_count(database: str) -> int:
    with psycopg.connect(_dsn(database)) as link:
        row = link.execute("SELECT count(*) FROM runs").fetchone()
    assert row is not None
    return int(row[0])


def _our_count() -> int:
    from lifecycle.models import Run  # noqa: PLC0415  # needs the settings

    return Run.objects.count()


def _many(report: Report, effort: Effort, project: str, token: str, port: int) -> None:
    """Lists of 100 among many runs; the runs are copied by SQL from one that came in by the API."""
    count = int(os.environ.get("INGEST_RUNS", "20000" if effort.rounds < 5 else "1000000"))
    _copy(project, count)
    report.heading(f"lists of 100 among {_our_count():,} runs")
    client = Client(port, token)
    asked = {
        "list": "", "of a type and state": "&kind=TRN&state=finished", "by name": "&name=copy+77",
        "begun since": "&since=2026-01-02T10:00:00Z",
    }  # fmt: skip
    for words, more in asked.items():
        path = f"/api/v1/runs/?project={project}&page_size=100{more}"
        times = []
        for _ in range(60):
            start = time.perf_counter()
            client.ask("GET", path)
            times.append((time.perf_counter() - start) * 1e3)
        report.add(
            Cell(
                benchmark="ingest-list", database=report.database, case=words, unit="ms", values=times,
                facts={"p95_ms": percentile(times, 0.95)},
            )
        )  # fmt: skip
    report.note(f"memory of this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MiB")


def _copy(project: str, count: int) -> None:
    """Copies of one run, each with values of its own where it is looked for."""
    from lifecycle.models import Project, Run  # noqa: PLC0415  # needs the settings

    first = Run.objects.filter(project__slug=project, source="bench").earliest("pk")
    names = [str(field.column) for field in Run._meta.concrete_fields if field.column != "id"]
    changed = {
        "external_id": "'copy-' || n", "title": "'copy ' || n",
        "started_at": "TIMESTAMPTZ '2026-01-01' + n * INTERVAL '1 second'",
    }  # fmt: skip
    values = ", ".join(changed.get(name, f'r."{name}"') for name in names)
    columns = ", ".join(f'"{name}"' for name in names)
    place = Project.objects.get(slug=project)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO lifecycle_run ({columns}) SELECT {values} FROM lifecycle_run r, "
            "generate_series(1, %s) n WHERE r.id = %s AND r.project_id = %s",
            [count, first.pk, place.pk],
        )
        cursor.execute("ANALYZE lifecycle_run")
