"""CloudEvents come in: each once by source and id, all of a batch or none.

A run that several events tell of is as the one with the latest `time` says; an event that comes after a later
one is taken and changes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils.timezone import now
from django.utils.translation import gettext as _

from ledger.actors import Actor
from lifecycle.errors import Invalid, Refused
from lifecycle.intake.cloud_events import EVIDENTLY, RUN, CloudEvent
from lifecycle.intake.openlineage_events import read_event
from lifecycle.intake.outside_run import OutsideRun
from lifecycle.intake.reading import read_as
from lifecycle.models import Project, ReceivedEvent
from lifecycle.rules import can_take_part, is_machine
from lifecycle.services.evidently_intake import record_evidently
from lifecycle.services.lineage_intake import record_lineage
from lifecycle.services.run_intake import upsert_runs
from lifecycle.services.steps import allow, ensure_active, locked

SOURCE = "cloudevents"
MOST_EVENTS = 1_000


@dataclass(frozen=True)
class Taken:
    """What became of one event: `taken`, `duplicate`, or `superseded` by a later one about the same run."""

    event: CloudEvent
    outcome: str


@transaction.atomic
def take_events(*, project: Project, events: Sequence[CloudEvent], actor: Actor) -> list[Taken]:
    """Take events that are new; those of type `gatebook.run` are one batch of the intake.

    Raises `Invalid`, `InvalidItems`, PermissionDenied and `Refused` (`id_reused` for a known source and id
    with other content, `project_closed`); then none is taken.
    """
    project = locked(project)
    allow(
        is_machine(actor) or can_take_part(actor, project),
        _("Only people who work on the project record runs."),
    )
    ensure_active(project)
    if len(events) > MOST_EVENTS:
        raise Invalid("too_many", _("A batch has at most %(most)d events.") % {"most": MOST_EVENTS})
    known = dict(
        ReceivedEvent.objects.filter(project=project, key__in=[each.key for each in events]).values_list(
            "key", "body"
        )
    )
    taken, fresh = [], []
    for at, event in enumerate(events):
        body = event.body
        if known.get(event.key, body) != body:
            raise Refused("id_reused", _("Event %(at)d: its source and id name another event.") % {"at": at})
        if event.key in known:
            taken.append(Taken(event, "duplicate"))
            continue
        known[event.key] = body
        fresh.append((at, event))
        taken.append(Taken(event, "taken"))
    passed = _record(project, fresh, actor)
    return [Taken(each.event, "superseded") if each.event.key in passed else each for each in taken]


def _record(project: Project, fresh: Sequence[tuple[int, CloudEvent]], actor: Actor) -> set[str]:
    """Record what new events tell; the keys of those that later ones have overtaken."""
    moment = now()
    runs = [(event, _run(event, at)) for at, event in fresh if event.type == RUN]
    latest = _latest(project, [_subject(run.external_id) for _event, run in runs])
    newest: dict[str, tuple[datetime, OutsideRun, str]] = {}
    passed: set[str] = set()
    for event, run in runs:
        time, subject = event.time or moment, _subject(run.external_id)
        before = newest.get(subject)
        if time < latest.get(subject, time) or (before is not None and time < before[0]):
            passed.add(event.key)
            continue
        if before is not None:
            passed.add(before[2])
        newest[subject] = (time, run, event.key)
    if newest:
        found = [run for _time, run, _key in newest.values()]
        upsert_runs(project=project, source=SOURCE, runs=found, actor=actor)
    for at, event in fresh:
        _record_other(project, event, at, actor)
    subjects = {event.key: _subject(run.external_id) for event, run in runs}
    ReceivedEvent.objects.bulk_create(
        [
            ReceivedEvent(
                project=project, key=event.key, body=event.body, received_at=moment,
                subject=subjects.get(event.key, _subject(event.key)), event_time=event.time or moment,
            )
            for _at, event in fresh
        ]
    )  # fmt: skip
    return passed


def _record_other(project: Project, event: CloudEvent, at: int, actor: Actor) -> None:
    if event.type == RUN:
        return
    if event.type == EVIDENTLY:
        record_evidently(
            project=project, document=event.data, actor=actor, source=SOURCE, at=event.time,
            external_id=f"{event.source}#{event.id}"[:200],
        )  # fmt: skip
        return
    done = record_lineage(project=project, facts=[read_event(event.data, f"/{at}/data")], actor=actor)
    for no in done.refused.values():
        raise no


def _run(event: CloudEvent, at: int) -> OutsideRun:
    if not isinstance(event.data, dict):
        raise Invalid("not_an_object", _("The data of a run is a JSON object."), f"/{at}/data")
    data: dict[str, Any] = dict(event.data)
    for name in ("external_id", "parent"):
        if isinstance(data.get(name), str) and data[name]:
            data[name] = f"{event.source}#{data[name]}"
    return read_as(OutsideRun, data, f"/{at}/data")


def _latest(project: Project, subjects: list[str]) -> dict[str, datetime]:
    rows = ReceivedEvent.objects.filter(project=project, subject__in=subjects).order_by()
    found = rows.values("subject").annotate(latest=Max("event_time")).values_list("subject", "latest")
    return dict(found)


def _subject(name: str) -> str:
    return sha256(name.encode()).hexdigest()
