"""Syncs of connectors: asked for, begun, moved on, ended. The work itself is in `connector_work.py`."""

import logging
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.timezone import now
from django.utils.translation import gettext as _

from ledger.actors import Actor, SystemActor
from lifecycle import rules
from lifecycle.actions import LifecycleAction
from lifecycle.errors import Refused
from lifecycle.models import SYNC_STATES, Connector, Job, Sync
from lifecycle.services.outbox import enqueue
from lifecycle.services.steps import allow, locked, person, record

log = logging.getLogger(__name__)

MACHINE = SystemActor("connectors")
TASK = "connectors.sync"
LONGEST_WAIT = timedelta(hours=1)
MOST_PROBLEMS = 50


class Overtaken(Exception):
    """Another worker has gone on with this sync; what was read here does not count."""


@transaction.atomic
def request_sync(*, connector: Connector, actor: Actor) -> Sync:
    """Ask for a look at everything now; the one that is under way is the answer if there is one.

    Raises `Refused("switched_off")`.
    """
    allow(rules.can_sync(actor), _("Only managers and administrators ask for a sync."))
    connector = locked(connector)
    if not connector.enabled:
        raise Refused("switched_off", _("This connector is switched off."))
    under_way = _under_way(connector)
    if under_way is not None:
        return under_way

    sync = ask_for_sync(connector=connector, reason=Sync.Reason.BY_HAND, full=True, actor=actor)
    record(LifecycleAction.CONNECTOR_SYNC_REQUESTED, connector, actor=actor, key=connector.key, sync=sync.pk)
    return sync


def ask_for_sync(*, connector: Connector, reason: str, full: bool, actor: Actor) -> Sync:
    """A sync with its job, in the caller's transaction, which holds the connector's row.

    While one is under way the next is due right after it.
    """
    under_way = _under_way(connector)
    if under_way is not None:
        changes: dict[str, Any] = {"next_sync_at": now()}
        if full:
            changes["last_full_at"] = None
        Connector.objects.filter(pk=connector.pk).update(**changes)
        return under_way
    sync = Sync.objects.create(
        connector=connector, reason=reason, full=full, asked_by=person(actor), asked_at=now()
    )
    enqueue(task=TASK, args={"sync_id": sync.pk}, key=key_of(sync))
    return sync


def run_due_syncs(moment: datetime) -> int:
    """Ask for what is due; returns how many. Safe with any number of schedulers. 1 query at rest."""
    due = Connector.objects.filter(enabled=True, next_sync_at__lte=moment)
    asked = 0
    for connector in due.order_by("next_sync_at", "pk"):
        try:
            asked += _ask_if_due(connector, moment)
        except Exception:  # a process edge: one connector must not hold up the others
            log.exception("the sync of %s could not be asked for", connector.key)
    return asked


@transaction.atomic
def _ask_if_due(connector: Connector, moment: datetime) -> bool:
    connector = locked(connector)
    if not connector.enabled or connector.next_sync_at is None or connector.next_sync_at > moment:
        return False  # another scheduler was first
    if _under_way(connector) is not None:
        return False  # its end says when the next one is due
    full_due = connector.last_full_at is None or connector.last_full_at <= moment - timedelta(
        minutes=connector.full_every_minutes
    )
    connector.next_sync_at = moment + timedelta(minutes=connector.every_minutes)
    connector.save(update_fields=["next_sync_at"])
    ask_for_sync(connector=connector, reason=Sync.Reason.SCHEDULE, full=full_due, actor=MACHINE)
    return True


@transaction.atomic
def begin_sync(sync_id: int) -> Sync | None:
    """A worker takes the sync up, where the last one left off; None if it has ended."""
    sync = (
        Sync.objects.select_for_update(of=("self",), no_key=True).select_related("connector").get(pk=sync_id)
    )
    if not sync.under_way:
        return None
    sync.state = SYNC_STATES.next(sync.state, "begin")
    sync.started_at = sync.started_at or now()
    sync.save(update_fields=["state", "started_at"])
    return sync


def advance(sync: Sync, position: dict[str, Any], *, counts: dict[str, int], step: str = "") -> None:
    """Move the sync on, in the transaction of what was read; `Overtaken` if it is elsewhere by now.

    The job's attempts begin anew: a worker that dies now and then is no reason to give up what goes forward.
    """
    there = Sync.objects.select_for_update(of=("self",), no_key=True).get(pk=sync.pk)
    if there.state != Sync.State.RUNNING or there.position != sync.position:
        raise Overtaken
    for name, number in counts.items():
        there.counts[name] = there.counts.get(name, 0) + number
    there.position, there.step, there.problems = position, step[:200], sync.problems[:MOST_PROBLEMS]
    there.progress = sync.progress
    there.save(update_fields=["position", "counts", "step", "problems", "progress"])
    sync.position, sync.counts = position, there.counts
    Job.objects.filter(key=key_of(sync), state=Job.State.RUNNING).update(attempts=1)


@transaction.atomic
def finish_sync(*, sync: Sync) -> Sync:
    """The sync has seen all that it was to see; problems on the way make it count as a failed one."""
    connector = locked(sync.connector)
    sync = locked(sync)
    if not sync.under_way:
        return sync
    if sync.problems:
        return _fail(connector, sync, " ".join(sync.problems[:3]))

    moment = now()
    sync.state = SYNC_STATES.next(sync.state, "finish")
    sync.progress, sync.step, sync.finished_at = 1.0, "", moment
    sync.save(update_fields=["state", "progress", "step", "finished_at"])
    connector.failures, connector.last_success_at = 0, moment
    connector.last_error, connector.last_error_at = "", None
    # What was asked for while it ran stays due.
    due, began = connector.next_sync_at, sync.started_at or sync.asked_at
    asked_since = due is not None and began <= due <= moment
    if sync.full and not asked_since:
        connector.last_full_at = moment
    if connector.enabled and not asked_since:
        connector.next_sync_at = moment + timedelta(minutes=connector.every_minutes)
    connector.save(
        update_fields=[
            "failures", "last_success_at", "last_error", "last_error_at", "last_full_at", "next_sync_at",
        ]
    )  # fmt: skip
    return sync


@transaction.atomic
def fail_sync(*, sync: Sync, error: str) -> Sync:
    """The sync ends early; what it has read stays. Nothing if it has ended before."""
    connector = locked(sync.connector)
    sync = locked(sync)
    return _fail(connector, sync, error) if sync.under_way else sync


def _fail(connector: Connector, sync: Sync, error: str) -> Sync:
    """Note the failure; the next try comes later each time. Only the first one is an entry."""
    moment = now()
    sync.state = SYNC_STATES.next(sync.state, "fail")
    sync.error, sync.step, sync.finished_at = (
        error.strip()[:2000] or _("It failed without saying why."),
        "",
        moment,
    )
    sync.save(update_fields=["state", "error", "step", "finished_at"])
    connector.failures += 1
    connector.last_error, connector.last_error_at = sync.error, moment
    wait = timedelta(minutes=connector.every_minutes) * min(2 ** min(connector.failures - 1, 10), 1024)
    if connector.enabled:
        connector.next_sync_at = moment + min(
            wait, max(LONGEST_WAIT, timedelta(minutes=connector.every_minutes))
        )
    connector.save(update_fields=["failures", "last_error", "last_error_at", "next_sync_at"])
    if connector.failures == 1:
        record(
            LifecycleAction.CONNECTOR_SYNC_FAILED, connector, actor=MACHINE, key=connector.key, sync=sync.pk,
            error=sync.error[:500],
        )  # fmt: skip
    return sync


def key_of(sync: Sync) -> str:
    """The name of the sync's job."""
    return f"connector-sync:{sync.pk}"


def _under_way(connector: Connector) -> Sync | None:
    states = (Sync.State.QUEUED, Sync.State.RUNNING)
    return Sync.objects.filter(connector=connector, state__in=states).first()
