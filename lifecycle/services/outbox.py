"""Background work that is never lost: a row first, a message to the broker second.

A job is written in the transaction that asks for it. Messages only hurry it along: whatever the broker loses,
`sweep` sends again. A worker holds a job by a lease that a heartbeat extends; when the worker dies, the lease
runs out and the job is delivered anew. docs/background-work.md tells the whole of it.
"""

import logging
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Q, QuerySet
from django.utils.timezone import now as current_time
from django.utils.translation import gettext as _

from lifecycle.models import Job
from lifecycle.outbox_registry import UnknownTask, handler_of
from lifecycle.services.outbox_broker import send
from lifecycle.services.outbox_lease import Heartbeat, lease_end

log = logging.getLogger(__name__)

SWEEP_LIMIT = 500
LONGEST_WAIT = timedelta(hours=1)


def enqueue(
    *,
    task: str,
    args: Mapping[str, Any],
    key: str,
    available_at: datetime | None = None,
    max_attempts: int = 5,
) -> Job:
    """Ask for background work; the same `key` asks once, and later calls get the job of the first.

    The row is part of the caller's transaction; the broker hears of it after the commit. RuntimeError
    outside a transaction: the work and what it is for must come into being together.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("enqueue() belongs into the transaction of what the work is for.")
    moment = current_time()
    job, created = Job.objects.get_or_create(
        key=key,
        defaults={
            "task": task,
            "args": dict(args),
            "max_attempts": max_attempts,
            "available_at": available_at or moment,
            "created_at": moment,
        },
    )
    if created and job.available_at <= moment:
        transaction.on_commit(lambda: announce([job.pk]), robust=True)
    return job


def announce(job_ids: list[int]) -> int:
    """Hand jobs to the broker and note when; returns how many it took, fewer when it does not answer."""
    for count, job_id in enumerate(job_ids):
        if not send(job_id):
            return count
        moment = current_time()
        held = Q(state=Job.State.RUNNING, lease_until__gt=moment)  # a worker may be quicker than this line
        Job.objects.filter(~held, pk=job_id).update(sent_at=moment)
    return len(job_ids)


def due_jobs(now: datetime) -> QuerySet[Job]:
    """Jobs that somebody should work on and that the broker was not told of lately, oldest first."""
    resend = now - timedelta(seconds=settings.OUTBOX_RESEND_SECONDS)
    waiting = Q(state=Job.State.PENDING, available_at__lte=now)
    abandoned = Q(state=Job.State.RUNNING, lease_until__lte=now)
    untold = Q(sent_at__isnull=True) | Q(sent_at__lte=resend)
    return Job.objects.filter(waiting | abandoned).filter(untold).order_by("available_at", "pk")


def sweep(now: datetime) -> int:
    """Send again what is due: lost messages, waits that are over, leases that ran out. Returns how many."""
    return announce(list(due_jobs(now).values_list("pk", flat=True)[:SWEEP_LIMIT]))


def claim(job_id: int, now: datetime) -> Job | None:
    """Take the job for this worker by one conditional update; None if it is done, held or not due.

    A job whose workers died as often as it may be tried is given up instead.
    """
    free = Q(state=Job.State.PENDING, available_at__lte=now) | Q(
        state=Job.State.RUNNING, lease_until__lte=now
    )
    token = secrets.token_hex(16)
    taken = Job.objects.filter(free, pk=job_id, attempts__lt=F("max_attempts")).update(
        state=Job.State.RUNNING,
        attempts=F("attempts") + 1,
        lease_token=token,
        lease_until=lease_end(now),
        sent_at=None,  # should this worker die, the sweep need not wait before it tells another
    )
    if taken:
        return Job.objects.filter(pk=job_id, lease_token=token).first()
    _give_up_the_abandoned(job_id, now)
    return None


def _give_up_the_abandoned(job_id: int, now: datetime) -> None:
    """A job that takes its worker down with it must not go round for ever."""
    job = Job.objects.filter(
        pk=job_id, state=Job.State.RUNNING, lease_until__lte=now, attempts__gte=F("max_attempts")
    ).first()
    if job is not None:
        text = _("The worker died during each of %(count)d attempts.") % {"count": job.attempts}
        give_up(job=job, error=text)


def deliver(job_id: int) -> bool:
    """Do the job if it is there to be done; True if this call did it.

    Safe to call any number of times at once: one caller gets the lease, the others return at once.
    """
    job = claim(job_id, current_time())
    if job is None:
        return False
    try:
        with Heartbeat(job):
            handler_of(job.task).work(**job.args)
    except Exception as error:  # a process edge: whatever a handler raises, the job must say so and go on
        log.exception("job %s (%s, attempt %s) failed", job.pk, job, job.attempts)
        retry(job=job, error=_in_words(error))
        return False
    return finish(job=job)


def finish(*, job: Job) -> bool:
    """Mark the job done, if the lease is still the caller's; False if another worker has it by now."""
    return _release(job, state=Job.State.DONE, finished_at=current_time(), error="")


def retry(*, job: Job, error: str) -> bool:
    """Put the job back to wait for its next attempt, or give it up after the last one."""
    if job.attempts >= job.max_attempts:
        return give_up(job=job, error=error)
    return _release(
        job, state=Job.State.PENDING, available_at=current_time() + wait_after(job.attempts), error=error
    )


@transaction.atomic
def give_up(*, job: Job, error: str) -> bool:
    """Mark the job failed for good and let its handler settle what it was for."""
    if not _release(job, state=Job.State.FAILED, finished_at=current_time(), error=error):
        return False
    try:
        gave_up = handler_of(job.task).gave_up
    except UnknownTask:
        gave_up = None
    if gave_up is not None:
        gave_up(error=error, **job.args)
    return True


def wait_after(attempts: int) -> timedelta:
    """How long to wait before the next attempt: four times longer each time, an hour at most."""
    seconds = float(settings.OUTBOX_RETRY_SECONDS) * 4.0 ** (attempts - 1)
    return min(timedelta(seconds=min(seconds, LONGEST_WAIT.total_seconds())), LONGEST_WAIT)


def _release(job: Job, **changes: Any) -> bool:
    """Let go of the lease with the given outcome; nothing happens if it is no longer ours."""
    mine = Job.objects.filter(pk=job.pk, state=Job.State.RUNNING, lease_token=job.lease_token)
    released = mine.update(lease_until=None, lease_token="", sent_at=None, **changes)
    if not released:
        log.warning(
            "another worker has taken job %s (%s) over; what came out here does not count", job.pk, job
        )
    return bool(released)


def _in_words(error: Exception) -> str:
    first_line = (str(error).strip().splitlines() or [""])[0][:2000]
    return f"{type(error).__name__}: {first_line}" if first_line else type(error).__name__
