"""The lease that a worker holds on a job, and the thread that keeps it alive while the work goes on."""

import logging
import threading
from datetime import datetime, timedelta
from types import TracebackType
from typing import Self

from django.conf import settings
from django.db import DatabaseError, connection
from django.utils.timezone import now as current_time

from lifecycle.models import Job

log = logging.getLogger(__name__)


def lease_end(now: datetime) -> datetime:
    """Until when a lease taken or renewed at `now` holds."""
    return now + timedelta(seconds=settings.OUTBOX_LEASE_SECONDS)


class Heartbeat:
    """Extends the lease of a job three times per lease, in a thread with a database connection of its own.

    It stops by itself when the lease has passed to another worker; the work here then goes on to no effect,
    since `finish` asks for the token.
    """

    def __init__(self, job: Job) -> None:
        self._job = job
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"lease of job {job.pk}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            while not self._stop.wait(settings.OUTBOX_LEASE_SECONDS / 3):
                if not self._extend():
                    log.warning("the lease of job %s has passed to another worker", self._job.pk)
                    return
        finally:
            connection.close()

    def _extend(self) -> bool:
        """True while the lease is ours, or while nobody can tell because the database does not answer."""
        mine = Job.objects.filter(pk=self._job.pk, state=Job.State.RUNNING, lease_token=self._job.lease_token)
        try:
            return bool(mine.update(lease_until=lease_end(current_time())))
        except DatabaseError as error:
            log.warning("the lease of job %s could not be extended this time (%s)", self._job.pk, error)
            connection.close()
            return True
