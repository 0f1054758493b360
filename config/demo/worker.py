"""A real Celery worker beside the demo, and waiting for what it does."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import connection
from django.utils.timezone import now

from config.demo.console import Report
from lifecycle.models import Run
from lifecycle.services.outbox import sweep

POLL_SECONDS = 0.2
SWEEP_SECONDS = 5.0
PATIENCE_SECONDS = 600.0


class DemoError(Exception):
    """The story cannot go on; the text says why."""


@contextmanager
def worker() -> Iterator[subprocess.Popen[bytes]]:
    """Run a Celery worker for as long as the block lasts, as `./gatebook serve` does."""
    scratch = settings.GATEBOOK_HOME / "tmp"
    scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
    command = [sys.executable, "-m", "celery", "--app", "config", "--quiet", "worker"]
    command += ["--without-gossip", "--without-mingle", "--without-heartbeat", "--concurrency", "1"]
    # The story's tracker listens on this machine; nothing else here is opened to requests.
    allowed = ",".join([*settings.GATEBOOK_OUTBOUND_ALLOW, "127.0.0.1"])
    environment = {**os.environ, "TMPDIR": str(scratch), "GATEBOOK_OUTBOUND_ALLOW": allowed}
    process = subprocess.Popen(command, env=environment, process_group=0)  # noqa: S603  # our own command line
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for(run: Run, report: Report) -> Run:
    """Wait until the worker has ended the run, moving the bar along with it.

    Does beat's part meanwhile, sweeping the outbox. Raises `DemoError` if the run failed or nothing happens
    for `PATIENCE_SECONDS`.
    """
    begun = swept = time.monotonic()
    while True:
        run.refresh_from_db()
        if run.state == Run.State.FINISHED:
            return run
        if run.state == Run.State.FAILED:
            raise DemoError(f"{run.label} failed: {run.error}")
        report(run.progress, run.step)
        at = time.monotonic()
        if at - begun > PATIENCE_SECONDS:
            raise DemoError(f"{run.label} did not end within {PATIENCE_SECONDS:.0f} s.")
        if at - swept > SWEEP_SECONDS:
            sweep(now())
            swept = at
        time.sleep(POLL_SECONDS)
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()
