"""The systems outside of Gatebook that the flights story uses: a local MLflow server, and its own client."""

from __future__ import annotations

import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from django.conf import settings
from django.utils.timezone import now

from config.demo.console import DemoConsole, Report
from config.demo.worker import DemoError
from lifecycle.models import Connector, Sync, User
from lifecycle.services.connector_syncs import request_sync
from lifecycle.services.connectors import add_connector, change_connector
from lifecycle.services.outbox import sweep

PEERS = settings.BASE_DIR / ".venv-peers" / "bin"
SCRIPTS = Path(__file__).with_name("peers")
KEY = "local-mlflow"
PATIENCE_SECONDS = 300.0


@contextmanager
def mlflow_server(console: DemoConsole) -> Iterator[Callable[[], str]]:
    """An MLflow server on this machine for as long as the block lasts.

    It starts while the story goes on, since that takes a while: what is given waits until it answers, then
    gives its address.
    """
    folder = settings.GATEBOOK_HOME / "mlflow"
    folder.mkdir(mode=0o700, exist_ok=True)
    port = _free_port()
    command = [
        str(_peer("mlflow")), "server", "--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}",
        "--artifacts-destination", str(folder / "artifacts"), "--host", "127.0.0.1", "--port", str(port),
        "--workers", "1",
    ]  # fmt: skip
    environment = _environment(MLFLOW_SERVER_ENABLE_JOB_EXECUTION="false")
    with (folder / "server.log").open("ab") as log:
        process = subprocess.Popen(  # noqa: S603  # our own command line
            command, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True
        )

    def address() -> str:
        with console.step("Wait until MLflow answers on this machine"):
            _wait_for_health(process, port, folder / "server.log")
        return f"http://127.0.0.1:{port}"

    try:
        yield address
    finally:
        _stop(process)


@contextmanager
def connected(url: str, administrator: User) -> Iterator[Connector]:
    """The connector of the story's tracker, switched on while the tracker is there."""
    connector = Connector.objects.filter(key=KEY).first()
    if connector is None:
        connector = add_connector(key=KEY, name="MLflow of the demo", url=url, actor=administrator)
    else:
        connector = _changed(connector, administrator, url=url)
    # What is asked for here is all that is looked at: nothing is planned.
    Connector.objects.filter(pk=connector.pk).update(next_sync_at=None)
    yield connector
    _changed(connector, administrator, url=url, enabled=False)


def run_script(name: str, *arguments: str, **environment: str) -> str:
    """Run one of the story's scripts among the peers; what it printed. `DemoError` with its last words."""
    done = subprocess.run(  # noqa: S603  # our own command line
        [str(_peer("python")), str(SCRIPTS / name), *arguments], env=_environment(**environment),
        cwd=settings.GATEBOOK_HOME, capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS,
    )  # fmt: skip
    if done.returncode:
        raise DemoError(f"{name} failed:\n{done.stderr[-2000:]}")
    return done.stdout


def sync_now(connector: Connector, actor: User, report: Report) -> Sync:
    """Ask for a sync and wait for the worker. `DemoError` with the reason if it fails."""
    sync = request_sync(connector=connector, actor=actor)
    until = time.monotonic() + PATIENCE_SECONDS
    while sync.under_way:
        if time.monotonic() > until:
            raise DemoError(f"The sync of {connector.name} did not end within {PATIENCE_SECONDS:.0f} s.")
        report(sync.progress, sync.step)
        sweep(now())
        time.sleep(0.3)
        sync.refresh_from_db()
    if sync.error:
        raise DemoError(f"The sync of {connector.name} failed: {sync.error}")
    return sync


def _changed(connector: Connector, administrator: User, *, url: str, enabled: bool = True) -> Connector:
    return change_connector(
        connector=connector, name=connector.name, url=url, auth="none", actor=administrator, enabled=enabled
    )


def _peer(name: str) -> Path:
    path = PEERS / name
    if not path.exists():
        raise DemoError("This story needs MLflow and Evidently; ./gatebook demo flights installs them.")
    return path


def _environment(**more: str) -> dict[str, str]:
    """The machine's environment without Gatebook's own settings."""
    ours = ("GATEBOOK_", "DJANGO_", "DATABASE_", "CELERY_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {**kept, "MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true", **more}


def _free_port() -> int:
    with closing(socket.socket()) as tried:
        tried.bind(("127.0.0.1", 0))
        return int(tried.getsockname()[1])


def _wait_for_health(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while process.poll() is None and time.monotonic() < until:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2):  # as written
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise DemoError(f"MLflow did not start; {log} says why.")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the server and the processes that it started: they are a group of their own."""
    for number in (15, 9):
        try:
            os.killpg(process.pid, number)
            process.wait(15)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue
        return
