"""Whether what was offered still is what it was: its evidence counts, its run was not done again."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import Q
from django.utils.translation import gettext as _

from lifecycle.errors import Invalid, Refused
from lifecycle.models import DataSetVersion, Deliverable, Evidence, Run, Snapshot
from lifecycle.services.evidence import digest_of
from lifecycle.services.proof import LIVE

_SHORT = 12
_MOST_METRICS = 5


class Difference(NamedTuple):
    """One deliverable that is no longer what was offered; `text` says it to people."""

    order: int
    text: str


def ensure_current(deliverables: Iterable[Deliverable], offered_at: datetime | None) -> None:
    """Raise `Refused("deliverable_changed")` naming what has changed since the offer.

    Without `offered_at` (before the offer) only evidence that has expired counts as changed.
    """
    found = differences(deliverables, offered_at)
    if found:
        raise Refused("deliverable_changed", " ".join(each.text for each in found))


def differences(deliverables: Iterable[Deliverable], offered_at: datetime | None) -> list[Difference]:
    """What has changed among deliverables tied to snapshots. At most 7 queries for each of them."""
    found = (_difference(each, offered_at) for each in deliverables if each.snapshot is not None)
    return [each for each in found if each is not None]


def _difference(deliverable: Deliverable, offered_at: datetime | None) -> Difference | None:
    snapshot = deliverable.snapshot
    assert snapshot is not None
    text = _expired(deliverable.name, snapshot) or _newer_data(deliverable.name, snapshot, offered_at)
    if not text and offered_at is not None and snapshot.run is not None:
        text = _done_again(deliverable.name, snapshot, snapshot.run, offered_at)
    return Difference(deliverable.order, text) if text else None


def _expired(name: str, snapshot: Snapshot) -> str:
    """What is said of a snapshot that was evidence and no longer counts anywhere; empty if it does."""
    ties = list(snapshot.evidence.order_by("-pk"))
    gone = [each for each in ties if each.state == Evidence.State.EXPIRED]
    if not gone or any(each.state in LIVE for each in ties):
        return ""
    words = {"name": name, "old": _named(snapshot), "why": gone[0].state_reason or _("no reason given")}
    text = _("“%(name)s” has changed: the evidence %(old)s has expired (%(why)s).") % words
    newer = Evidence.objects.filter(
        task=gone[0].task_id, state__in=LIVE, snapshot__kind=snapshot.kind, pk__gt=gone[0].pk
    )
    latest = newer.select_related("snapshot").order_by("-pk").first()
    if latest is None:
        return text
    now = _("In its place there is %(new)s") % {"new": _named(latest.snapshot)}
    return f"{text} {now}{_metrics(_record_of(snapshot), _record_of(latest.snapshot))}."


def _newer_data(name: str, snapshot: Snapshot, since: datetime | None) -> str:
    """What is said of a data-set version that another has followed since the offer; empty if none has."""
    frozen = DataSetVersion.objects.select_related("data_set").filter(snapshot=snapshot).first()
    if frozen is None or since is None:
        return ""
    newer = frozen.data_set.versions.filter(number__gt=frozen.number, created_at__gt=since).first()
    if newer is None:
        return ""
    words = {"name": name, "data": frozen.data_set, "old": frozen.number, "new": newer.number}
    text = _("“%(name)s” has changed since it was offered: %(data)s has version %(new)d after %(old)d.")
    return text % words


def _done_again(name: str, snapshot: Snapshot, run: Run, since: datetime) -> str:
    """What is said of a run, or of a model, that a later run has replaced; empty if none has."""
    later = _later(run, since)
    if later is not None:
        words = {"name": name, "old": _named(snapshot), "new": f"{later.label} {_digest(later)}"}
        text = _("“%(name)s” has changed since it was offered: %(old)s was followed by %(new)s") % words
        return f"{text}{_metrics(_record_of(snapshot), later.record)}."
    if run.kind == Run.Kind.TRAINING or run.model_version is None:
        return ""
    made = run.model_version.runs.filter(kind=Run.Kind.TRAINING).order_by("pk").first()
    newer = _later(made, since) if made is not None else None
    if made is None or newer is None:
        return ""
    after = newer.model_version.digest[:_SHORT] if newer.model_version else newer.label
    words = {"name": name, "old": run.model_version.digest[:_SHORT], "new": after}
    text = _("“%(name)s” is about model %(old)s, which was trained again since the offer: %(new)s") % words
    return f"{text}{_metrics(made.record, newer.record)}."


def _later(run: Run, since: datetime) -> Run | None:
    """The latest run that did the same again after `since`. Every window of monitoring stands for itself.

    A training follows any other training of its task; of other runs title or specification are the same.
    """
    if run.kind == Run.Kind.MONITORING:
        return None
    found = Run.objects.filter(
        project=run.project_id, iteration=run.iteration_id, task=run.task_id, kind=run.kind,
        state=Run.State.FINISHED, finished_at__gt=since,
    ).exclude(pk=run.pk)  # fmt: skip
    if run.kind != Run.Kind.TRAINING or run.task_id is None:
        same = Q(title=run.title)
        found = found.filter(same | Q(spec_digest=run.spec_digest) if run.spec_digest else same)
    related = ("project", "iteration", "model_version", "started_by")
    return found.select_related(*related).order_by("-finished_at", "-pk").first()


def _named(snapshot: Snapshot) -> str:
    label = snapshot.run.label if snapshot.run is not None else snapshot.kind
    return f"{label} {snapshot.digest[:_SHORT]}"


def _digest(run: Run) -> str:
    try:
        return digest_of(run)[:_SHORT]
    except Invalid:  # it holds what canonical JSON can not say, and could not be offered as it is
        return ""


def _record_of(snapshot: Snapshot) -> Mapping[str, Any]:
    """What the snapshot froze, whatever has become of the run since."""
    content = json.loads(snapshot.content)
    record = content.get("record") if isinstance(content, dict) else None
    return record if isinstance(record, dict) else {}


def _metrics(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """The metrics that differ, at most five: “: accuracy 0.93 → 0.95, …”."""
    old, new = (_numbers(each) for each in (before, after))
    said = [
        f"{name} {old[name]:.6g} → {new[name]:.6g}" for name in old if name in new and old[name] != new[name]
    ]
    more = ", …" if len(said) > _MOST_METRICS else ""
    return f": {', '.join(said[:_MOST_METRICS])}{more}" if said else ""


def _numbers(record: Mapping[str, Any]) -> dict[str, float]:
    metrics = record.get("metrics")
    found = metrics.items() if isinstance(metrics, dict) else ()
    return {
        name: value for name, value in found if isinstance(value, int | float) and not isinstance(value, bool)
    }
