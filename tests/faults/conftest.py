"""A real Celery worker on the test's database, its broker a folder, its lease short."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from celery import current_app
from django.conf import settings
from django.db import connection
from django.utils.timezone import now

from lifecycle.services import outbox_broker
from lifecycle.services.outbox import sweep
from tests.patience import PATIENCE

CHECKOUT = Path(__file__).resolve().parents[2]
# A sign of life is due three times in this span, also from a worker that a busy machine holds up.
LEASE_SECONDS = 5.0


class Workers:
    """Starts workers, waits with the sweep going round, kills and stops."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        self._environment = environment
        self._log = log
        self._running: list[subprocess.Popen[bytes]] = []

    def start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "celery", "--app", "config", "worker", "--concurrency", "1"]
        command += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
        with self._log.open("ab") as log:
            # A session of its own, so that the whole worker can be killed at once as by a power cut.
            worker = subprocess.Popen(
                command, cwd=CHECKOUT, env=self._environment, stdout=log, stderr=log, start_new_session=True
            )
        self._running.append(worker)
        return worker

    def kill(self, worker: subprocess.Popen[bytes]) -> None:
        """As kill -9 does: nobody says goodbye, neither the worker nor its children."""
        with suppress(ProcessLookupError):
            os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()
        self._running.remove(worker)

    def stop_all(self) -> None:
        for worker in list(self._running):
            self.kill(worker)

    def log(self) -> str:
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def wait_until(self, true: Callable[[], bool], seconds: float = PATIENCE) -> None:
        """Sweep, as beat would, until it is true; the worker's log is the message when it never is."""
        end = time.monotonic() + seconds
        while not true():
            if time.monotonic() > end:
                pytest.fail(f"It did not happen within {seconds} s.\n{self.log()[-6000:]}")
            sweep(now())
            time.sleep(0.1)


@pytest.fixture
def workers(transactional_db, tmp_path, settings) -> Iterator[Workers]:
    settings.GATEBOOK_DATA_ROOT = tmp_path / "data"
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.OUTBOX_LEASE_SECONDS = LEASE_SECONDS
    settings.OUTBOX_RESEND_SECONDS = 5.0
    started = Workers(_environment(tmp_path), tmp_path / "worker.log")
    with _broker_of(tmp_path):
        yield started
    started.stop_all()


class _broker_of:  # noqa: N801  # used as a context manager, and only here
    """Points this process's side of the broker to the folder of the workers."""

    def __init__(self, home: Path) -> None:
        self._folder = home / "broker"

    def __enter__(self) -> None:
        conf = current_app.conf
        self._before = conf.broker_transport_options
        for name in ("queue", "control"):
            (self._folder / name).mkdir(parents=True, exist_ok=True)
        queue, control = str(self._folder / "queue"), str(self._folder / "control")
        conf.broker_transport_options = {
            "data_folder_in": queue,
            "data_folder_out": queue,
            "control_folder": control,
        }
        outbox_broker._quiet_until = 0.0

    def __exit__(self, *error: object) -> None:
        current_app.conf.broker_transport_options = self._before
        outbox_broker._quiet_until = 0.0


def _environment(home: Path) -> dict[str, str]:
    (home / "data").mkdir(exist_ok=True)
    (home / "tmp").mkdir(exist_ok=True)
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("CELERY_", "GATEBOOK_"))
    }
    return kept | {
        "DJANGO_SETTINGS_MODULE": "config.settings_test",
        "DATABASE_URL": database_url(),
        "GATEBOOK_HOME": str(home),
        "GATEBOOK_SECRET_KEY": settings.SECRET_KEY,
        "GATEBOOK_LEASE_SECONDS": str(LEASE_SECONDS),
        "GATEBOOK_RETRY_SECONDS": "0.2",
        "GATEBOOK_DATABASE_POOL": "2",
        "TMPDIR": str(home / "tmp"),
    }


def database_url() -> str:
    """Where the test's own database is, for another process."""
    config = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{config['NAME']}"
    given = urlsplit(os.environ["DATABASE_URL"])
    return urlunsplit(given._replace(path=f"/{config['NAME']}"))
