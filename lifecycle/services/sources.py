"""Whether the records behind frozen evidence still say what was frozen. The evidence stays in any case."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils.timezone import now
from django.utils.translation import gettext as _

from ledger.actors import Actor, SystemActor
from lifecycle import events, rules
from lifecycle.actions import LifecycleAction
from lifecycle.errors import Invalid
from lifecycle.models import SOURCE_STATES, Job, Project, Run, Snapshot, SourceChange, User
from lifecycle.outbox_registry import handler
from lifecycle.queries.differences import MOST, FieldChange, changes
from lifecycle.services.evidence import canonical, content_of
from lifecycle.services.outbox import enqueue
from lifecycle.services.steps import allow, change, ensure_active, locked, record
from lifecycle.services.sweeps import sweep_part

SOURCES = SystemActor("sources")


def compare_sources_of(*, run: Run, actor: Actor = SOURCES) -> list[Snapshot]:
    """Compare every snapshot of a run with the run as it is now, and tell those that rest on it.

    Returns the snapshots whose source state moved. Told once for each state and content that is seen. Safe to
    call any number of times.
    """
    found = Snapshot.objects.filter(run=run).order_by("pk")
    compared = [compare_source(snapshot=each, actor=actor) for each in found]
    return [each for each in compared if each is not None]


@transaction.atomic
def compare_source(*, snapshot: Snapshot, actor: Actor = SOURCES) -> Snapshot | None:
    """Compare one snapshot with its source; the snapshot if its state moved, else None.

    A document has no source that could change. The evidence is left as it is: what was frozen still is what
    was looked at. Whoever rests on it is told.
    """
    locked(Project(pk=snapshot.project_id))
    snapshot = locked(snapshot, "project", "run")
    if snapshot.run is None:
        return None
    run = Run.objects.select_related("project", "iteration", "model_version", "started_by").get(
        pk=snapshot.run.pk
    )
    digest, found = ("", []) if run.deleted_at_source else _difference(snapshot, run)
    step = _step(snapshot, gone=run.deleted_at_source, differs=bool(found))
    if step is None or _seen_before(snapshot, step, digest):
        return None

    before = snapshot.source_state
    snapshot.source_state = SOURCE_STATES.next(before, step)
    snapshot.source_seen_at = now()
    snapshot.save(update_fields=["source_state", "source_seen_at"])
    kept = [each.as_dict() for each in found[:MOST]]
    SourceChange.objects.create(
        snapshot=snapshot, state=snapshot.source_state, digest=digest, differences=kept,
        more=len(found) - len(kept), seen_at=snapshot.source_seen_at,
    )  # fmt: skip
    record(
        LifecycleAction.SOURCE_RESTORED if step == "restore" else LifecycleAction.SOURCE_CHANGED,
        snapshot, actor=actor, project=snapshot.project, iteration=run.iteration, run=run.pk,
        kind=snapshot.kind, digest=snapshot.digest, source_digest=digest, differences=len(found),
        said=[each["words"] for each in kept[:10]], **change(before, snapshot.source_state),
    )  # fmt: skip
    event = events.EvidenceSourceChanged(snapshot.pk, snapshot.project_id, snapshot.source_state)
    events.evidence_source_changed.send(sender=Snapshot, event=event)
    return snapshot


@transaction.atomic
def ask_for_check(*, project: Project, actor: User) -> Job:
    """Have every source of a project looked at soon, at most once a minute."""
    allow(rules.can_take_part(actor, project), _("You do not work in this project."))
    ensure_active(project)
    return enqueue(
        task="sources.check", args={"project_id": project.pk}, key=f"sources:{project.pk}:{now():%Y%m%d%H%M}"
    )


@handler("sources.check")
def check_sources(*, project_id: int) -> None:
    """Look at the source of every snapshot of a project that is evidence."""
    for each in _to_check().filter(project=project_id).order_by("pk").iterator(chunk_size=100):
        compare_source(snapshot=each)


def _to_check() -> QuerySet[Snapshot]:
    """Snapshots of runs that are evidence."""
    return Snapshot.objects.filter(run__isnull=False, evidence__isnull=False).distinct()


def _day(_now: datetime) -> QuerySet[Snapshot]:
    return _to_check().filter(project__state=Project.State.ACTIVE)


@sweep_part("sources", _day)
def check_the_day(snapshots: list[Snapshot], _now: datetime) -> None:
    """Once a day every source is looked at, also one that was edited behind the application's back."""
    for each in snapshots:
        compare_source(snapshot=each)


def _difference(snapshot: Snapshot, run: Run) -> tuple[str, list[FieldChange]]:
    """The digest of the source as it is now, and what it says differently.

    Only fields that were frozen are compared, so that a newer version of Gatebook, which freezes more, does
    not call older evidence changed.
    """
    then: dict[str, Any] = json.loads(snapshot.content)
    current = content_of(run)
    shown = {name: current[name] for name in then if name in current}
    frozen = {name: then[name] for name in shown}
    try:
        text, digest = canonical(shown)
    except Invalid:
        return "", [FieldChange(("record",), None, _("something that canonical JSON can not hold"))]
    found = changes(frozen, json.loads(text))
    if run.state != Run.State.FINISHED:
        found.append(FieldChange(("state",), Run.State.FINISHED.value, run.state))
    return digest, found


def _step(snapshot: Snapshot, *, gone: bool, differs: bool) -> str | None:
    if gone:
        return "vanish"
    if differs:
        return "change"
    return "restore" if snapshot.source_differs else None


def _seen_before(snapshot: Snapshot, step: str, digest: str) -> bool:
    """Whether the same was seen the last time, so that a second look tells nothing new."""
    if snapshot.source_state != SOURCE_STATES.next(snapshot.source_state, step):
        return False
    last = snapshot.source_changes.order_by("-pk").first()
    return last is not None and last.digest == digest
