"""Real peers: an MLflow server for the whole run, and a process with MLflow's own client beside it."""

import json
import os
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.conf import settings as django_settings

from tests.environment import WORKER

ROOT = Path(__file__).resolve().parents[2]
PEERS = ROOT / ".venv-peers/bin/python"
START_SECONDS = 120
QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true", "MLFLOW_ENABLE_ASYNC_LOGGING": "false"}


def free_port() -> int:
    with closing(socket.socket()) as tried:
        tried.bind(("127.0.0.1", 0))
        return tried.getsockname()[1]


def peer_environment(**more: str) -> dict[str, str]:
    """The machine's environment without anything of Gatebook's and Django's."""
    kept = {
        k: v for k, v in os.environ.items() if not k.startswith(("GATEBOOK_", "DJANGO_", "DATABASE_", WORKER))
    }
    return {**kept, **QUIET, **more}


class MlflowServer:
    """`mlflow server` with one worker, ended with everything that it started."""

    def __init__(self, folder: Path, store: str) -> None:
        self.folder, self.store = folder, store
        self.url = f"http://127.0.0.1:{free_port()}"

    def start(self) -> None:
        environment = peer_environment(
            MLFLOW_SERVER_ENABLE_JOB_EXECUTION="false",
            MLFLOW_WEBHOOK_ALLOWED_SCHEMES="http,https",
            MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS="true",
            MLFLOW_WEBHOOK_CACHE_TTL="0",
            MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY="XLxYGpKPwFLNy8e7c4Zyb4kI1DpL9oQCfQTrQOZBW_4=",
        )
        command = [
            str(PEERS.with_name("mlflow")), "server", "--backend-store-uri", self.store,
            "--host", "127.0.0.1",
            "--default-artifact-root", str(self.folder / "artifacts"), "--port", self.url.rpartition(":")[2],
            "--workers", "1", "--uvicorn-opts", "--log-level warning",
        ]  # fmt: skip
        self.log = (self.folder / "server.log").open("a")
        self.process = subprocess.Popen(
            command, env=environment, cwd=self.folder, stdout=self.log, stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip
        self._wait()

    def _wait(self) -> None:
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            if self.process.poll() is not None:
                break
            # Closed by hand: a server that is only half there leaves an open socket to the garbage otherwise.
            asked = HTTPConnection("127.0.0.1", int(self.url.rpartition(":")[2]), timeout=5)
            try:
                asked.request("GET", "/health")
                if asked.getresponse().status == 200:
                    return
            except (OSError, HTTPException):
                time.sleep(0.1)
            finally:
                asked.close()
        self.stop()
        pytest.fail(f"MLflow did not start:\n{(self.folder / 'server.log').read_text()[-3000:]}")

    def stop(self) -> None:
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.process.pid, number)
                self.process.wait(10)
                break
            except subprocess.TimeoutExpired:
                continue
            except ProcessLookupError:
                break
        self.log.close()


class Client:
    """MLflow's own Python client in a process of its own: runs code, gives back what it left in `answer`."""

    def __init__(self, folder: Path, url: str) -> None:
        self.process = subprocess.Popen(
            [str(PEERS), str(Path(__file__).with_name("peer_client.py"))],
            env=peer_environment(MLFLOW_TRACKING_URI=url), cwd=folder, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

    def __call__(self, code: str, **given: object) -> object:
        self.process.stdin.write(json.dumps({"code": code, "given": given}) + "\n")
        self.process.stdin.flush()
        for text in self.process.stdout:
            if text.startswith("\x01"):
                answer = json.loads(text[1:])
                assert "error" not in answer, answer["error"]
                return answer["answer"]
        pytest.fail("the client's process ended")

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait(20)
        self.process.stdout.close()


@pytest.fixture(scope="session")
def mlflow_server(tmp_path_factory) -> Iterator[MlflowServer]:
    """A tracker on SQLite, or on the suite's own PostgreSQL where the suite runs on one."""
    folder = tmp_path_factory.mktemp("mlflow")
    server = MlflowServer(folder, _store(folder))
    server.start()
    yield server
    server.stop()


def _store(folder: Path) -> str:
    database = django_settings.DATABASES["default"]
    if not database["ENGINE"].endswith("postgresql"):
        return f"sqlite:///{folder / 'mlflow.db'}"
    import psycopg

    name, given = f"mlflow_{secrets.token_hex(4)}", urlsplit(os.environ["DATABASE_URL"])
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as postgres:
        postgres.execute(f'CREATE DATABASE "{name}"')
    # `_replace` would drop the two slashes of an address without a host, which is then in the query.
    query = f"?{given.query}" if given.query else ""
    return f"postgresql+psycopg://{given.netloc}/{name}{query}"


@pytest.fixture(scope="session")
def mlflow(mlflow_server, tmp_path_factory) -> Iterator[Client]:
    """The stock client, speaking to the tracker."""
    client = Client(tmp_path_factory.mktemp("client"), mlflow_server.url)
    yield client
    client.close()


@pytest.fixture
def allowed(settings):
    """Loopback may be reached, as an administrator would allow a tracker's network."""
    settings.GATEBOOK_OUTBOUND_ALLOW = ["127.0.0.0/8"]


def experiment(mlflow: Client, name: str) -> str:
    """A new experiment whose name begins so; its id."""
    return str(mlflow("answer = mlflow.create_experiment(name)", name=f"{name}-{time.time_ns()}"))
