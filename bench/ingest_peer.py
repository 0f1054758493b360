"""A real MLflow server beside Gatebook: on the same PostgreSQL, in a database of its own."""

import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from bench.ingest_client import Client

PEERS = Path(__file__).resolve().parents[1] / ".venv-peers" / "bin"


@contextmanager
def mlflow() -> Iterator[tuple[int, str, str, int]]:
    """A real server on the same PostgreSQL: its port, experiment, database and process."""
    name = "mlflow_bench"
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as admin:
        admin.execute(f"DROP DATABASE IF EXISTS {name}")
        admin.execute(f"CREATE DATABASE {name}")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    home = Path(os.environ["GATEBOOK_HOME"])
    parts = conninfo_to_dict(dsn(name))
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
            yield port, made["experiment_id"], name, server.pid
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


def dsn(database: str) -> str:
    """Where the server of this run is, for another of its databases."""
    return make_conninfo(os.environ["DATABASE_URL"], dbname=database)
