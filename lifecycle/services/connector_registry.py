"""What a tracker's registry says: experiments, logged models, registered models, versions, aliases.

MLflow keeps no history of them. What is kept here is what each was last, one entry for each batch of changes,
and a gap for each change that no webhook had announced although webhooks are taken.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any, NamedTuple

from django.db import transaction
from django.utils.timezone import now

from lifecycle.actions import LifecycleAction
from lifecycle.connectors.shapes import (
    Experiment,
    LoggedModel,
    ModelVersionShape,
    Pair,
    RegisteredModel,
)
from lifecycle.intake.canonical import canonical
from lifecycle.models import Delivery, Gap, SourceRecord, Sync
from lifecycle.services.connector_syncs import MACHINE, advance
from lifecycle.services.steps import record

MOST_TOLD = 100
_CHUNK = 500
_R = SourceRecord
_UPDATED = ["parent", "name", "state", "digest", "content", "seen_in", "changed_at"]


class Item(NamedTuple):
    """One record of the registry."""

    external_id: str
    name: str
    parent: str
    content: dict[str, Any]
    deleted: bool = False


class Change(NamedTuple):
    """What is different, under the name that a webhook would have."""

    event: str
    subject: str


def experiment_items(found: Iterable[Experiment]) -> list[Item]:
    """Experiments as records."""
    return [
        Item(
            each.experiment_id, each.name[:300], "", {"tags": _pairs(each.tags)},
            deleted=each.lifecycle_stage != "active",
        )
        for each in found
    ]  # fmt: skip


def logged_model_items(found: Iterable[LoggedModel]) -> list[Item]:
    """Logged models as records."""
    return [
        Item(
            each.info.model_id, each.info.name[:300], each.info.experiment_id[:300],
            {
                "status": each.info.status, "run_id": each.info.source_run_id, "uri": each.info.artifact_uri,
                "type": each.info.model_type, "tags": _pairs(each.info.tags),
                "params": _pairs(each.data.params),
            },
            deleted=each.info.lifecycle_stage != "active",
        )
        for each in found
    ]  # fmt: skip


def model_items(found: Iterable[RegisteredModel]) -> list[Item]:
    """Registered models as records; their aliases say which version each names."""
    return [
        Item(
            each.name, each.name, "",
            {
                "description": each.description[:5000], "tags": _pairs(each.tags),
                "aliases": {alias.alias: alias.version for alias in each.aliases},
            },
        )
        for each in found
    ]  # fmt: skip


def version_items(found: Iterable[ModelVersionShape]) -> list[Item]:
    """Versions as records, named `model/version`."""
    return [
        Item(
            f"{each.name}/{each.version}", f"{each.name} {each.version}"[:300], each.name,
            {
                "version": each.version, "source": each.source, "run_id": each.run_id,
                "model_id": each.model_id, "status": each.status, "stage": each.current_stage,
                "user": each.user_id, "description": each.description[:5000], "tags": _pairs(each.tags),
            },
        )
        for each in found
    ]  # fmt: skip


@transaction.atomic
def take_records(
    *, sync: Sync, kind: str, items: Sequence[Item], position: dict[str, Any], step: str = "",
    within: str | None = None,
) -> None:  # fmt: skip
    """Keep what was found and move the sync on, both or neither. `items` is all that there is of the kind
    (`within`: of that parent), so that what is missing is gone. Raises `Overtaken`.
    """
    connector, moment = sync.connector, now()
    rows = SourceRecord.objects.filter(connector=connector, kind=kind)
    known = {each.external_id: each for each in (rows.filter(parent=within) if within is not None else rows)}
    new: list[SourceRecord] = []
    changed: list[SourceRecord] = []
    changes: list[Change] = []
    for item in {each.external_id: each for each in items}.values():
        row = known.pop(item.external_id, None)
        content = {**item.content, **_kept(row)}
        state = _R.State.DELETED if item.deleted else _R.State.ACTIVE
        digest = sha256(canonical([item.name, item.content, state.value])).hexdigest()
        if row is not None and row.digest == digest and row.state == state:
            continue
        changes += _changes(kind, item, row)
        target = row or SourceRecord(
            connector=connector, kind=kind, external_id=item.external_id[:300], first_seen_at=moment
        )
        target.name, target.parent, target.state = item.name, item.parent, state
        target.content, target.digest, target.changed_at, target.seen_in = content, digest, moment, sync.pk
        (changed if row else new).append(target)
    gone = [each for each in known.values() if each.state != _R.State.GONE]
    for each in gone:
        each.state, each.changed_at = _R.State.GONE, moment
    SourceRecord.objects.bulk_create(new, batch_size=_CHUNK)
    SourceRecord.objects.bulk_update([*changed, *gone], _UPDATED, batch_size=_CHUNK)
    gaps = _gaps(sync, changes)
    counts = {kind: len(new) + len(changed) + len(gone), "gaps": len(gaps)}
    if counts[kind]:
        record(
            LifecycleAction.CONNECTOR_RECORDS_CHANGED, connector, actor=MACHINE, key=connector.key, kind=kind,
            created=len(new), changed=len(changed), gone=len(gone), unannounced=len(gaps),
            changes=[f"{each.event} {each.subject}" for each in changes[:MOST_TOLD]],
        )  # fmt: skip
    advance(sync, position, counts=counts, step=step)


def _kept(row: SourceRecord | None) -> dict[str, Any]:
    """What is ours in a record's content."""
    return {"newest": row.content["newest"]} if row is not None and "newest" in row.content else {}


def _changes(kind: str, item: Item, row: SourceRecord | None) -> list[Change]:
    before: Mapping[str, Any] = row.content if row is not None else {}
    found = []
    if kind == _R.Kind.MODEL:
        if row is None:
            found.append(Change("registered_model.created", item.name))
        old, new = before.get("aliases", {}), item.content["aliases"]
        found += [
            Change("model_version_alias.created", f"{item.name}@{alias}={version}")
            for alias, version in new.items()
            if old.get(alias) != version
        ]
        found += [
            Change("model_version_alias.deleted", f"{item.name}@{alias}") for alias in old if alias not in new
        ]
    if kind == _R.Kind.VERSION:
        if row is None:
            return [Change("model_version.created", item.external_id)]
        old, new = before.get("tags", {}), item.content["tags"]
        found += [
            Change("model_version_tag.set", f"{item.external_id}#{key}")
            for key, value in new.items()
            if old.get(key) != value
        ]
        found += [
            Change("model_version_tag.deleted", f"{item.external_id}#{key}") for key in old if key not in new
        ]
    return found


def _gaps(sync: Sync, changes: Sequence[Change]) -> list[Gap]:
    """Changes that webhooks should have announced and did not. Two queries if there are changes."""
    connector = sync.connector
    looked = _last_look(sync)
    if not changes or looked is None:
        return []
    came = Delivery.objects.filter(connector=connector, received_at__gte=looked)
    announced = set(came.values_list("event", "subject"))
    gaps = [
        Gap(connector=connector, sync=sync, event=each.event, subject=each.subject[:500], found_at=now())
        for each in changes
        if (each.event, each.subject[:500]) not in announced
    ]
    return Gap.objects.bulk_create(gaps, batch_size=_CHUNK)


def _last_look(sync: Sync) -> datetime | None:
    """When the registry was last looked at since webhooks are taken; None: then all would be a gap."""
    since = sync.connector.webhooks_since
    if since is None:
        return None
    earlier = Sync.objects.filter(
        connector=sync.connector, state=Sync.State.FINISHED, started_at__gte=since
    ).exclude(pk=sync.pk)
    return earlier.order_by("-pk").values_list("started_at", flat=True).first()


def _pairs(tags: Iterable[Pair]) -> dict[str, str]:
    return {each.key[:250]: each.value[:1000] for each in list(tags)[:1000]}
