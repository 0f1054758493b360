"""The only writers of the ledger: `append`, `append_many`, `erase_payload`."""

import datetime as dt
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from django.db import connection, models, transaction
from django.utils.timezone import now
from django.utils.translation import gettext as _

from ledger import canonical, rows, tables
from ledger.actions import Action, LedgerAction
from ledger.actors import Actor
from ledger.errors import Invalid, Refused
from ledger.events import EntryAppended, entry_appended
from ledger.merkle import Frontier, leaf_hash
from ledger.models import Entry, Payload, subject_type
from ledger.reconciling import rows_known_by

BATCH = 1000


@dataclass(frozen=True)
class Record:
    """What `append_many` needs for one entry; the fields are those of `append`."""

    actor: Actor
    action: Action
    subject: models.Model
    project: str | None = None
    detail: dict[str, Any] = field(default_factory=dict)


def append(
    *,
    actor: Actor,
    action: Action,
    subject: models.Model,
    project: str | None = None,
    detail: dict[str, Any] | None = None,
) -> Entry:
    """Add one entry inside the caller's transaction, so that it stands or falls with what it records.

    `project` is the project's slug. `detail` is JSON (no Decimal, no datetime, no NaN).
    Other writers wait from here until the transaction ends: call it last ("record"), after the slow work.

    Raises RuntimeError without a transaction, TypeError for an action that is no member of an `Action`
    vocabulary, ValueError for an unsaved subject or a key that does not fit its column, and `Invalid` for a
    detail that is too large or not JSON. One SQL statement on PostgreSQL, four on SQLite and what
    `rows` reads.
    """
    [entry] = append_many(
        [Record(actor=actor, action=action, subject=subject, project=project, detail=detail or {})]
    )
    return entry


def append_many(records: Iterable[Record]) -> list[Entry]:
    """Add many entries at once, in order: for bulk work. Same rules as `append`; all or none."""
    if not connection.in_atomic_block:
        raise RuntimeError("The ledger writes inside the caller's transaction only: there is none.")
    waiting, entries = iter(records), list[Entry]()
    while batch := list(islice(waiting, BATCH)):
        prepared = [_prepare(record) for record in batch]
        written = _write(prepared)
        for entry, record in zip(written, batch, strict=True):
            _tell(entry, record.detail)
        entries += written
    return entries


def _tell(entry: Entry, detail: dict[str, Any]) -> None:
    told = EntryAppended(
        entry.index, entry.actor, entry.action, entry.subject_type, entry.subject_id, entry.project, detail
    )
    entry_appended.send(sender=Entry, event=told)


def hold_ledger() -> None:
    """Wait for changes that are being recorded, and let no other be recorded until this transaction ends.

    For a decision that must rest on every fact: what is read after this call is still so when the transaction
    commits. Lock the rows that will change first, since whoever holds one of them may be waiting here.

    Raises RuntimeError without a transaction.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("The ledger is held inside a transaction only: there is none.")
    with connection.cursor() as cursor:
        tables.lock_head(cursor)


@transaction.atomic
def erase_payload(*, index: int, actor: Actor, reason: str) -> Entry:
    """Forget the payload of one entry for good, and record who did it and why.

    The entry itself and the tree stay as they are: the leaf holds only a hash, and the salt is forgotten too,
    so that nobody can find the words again by trying. Returns the new entry, `payload.erased`.
    Raises `Refused` (`already_erased`) and `Invalid` (`no_such_entry`, `no_reason`).
    """
    if not reason.strip():
        raise Invalid("no_reason", _("Say why the payload is erased."), "reason")
    payload = Payload.objects.select_for_update().select_related("entry").filter(pk=index).first()
    if payload is None:
        raise Invalid("no_such_entry", _("The ledger has no entry %(index)s.") % {"index": index}, "index")
    if payload.erased:
        raise Refused(
            "already_erased", _("The payload of entry %(index)s was erased before.") % {"index": index}
        )

    for each, keys in rows_known_by(index, payload.body or "").items():
        rows.touch(each, keys)  # what this payload alone vouches for would be unknown without it
    erasure = append(
        actor=actor,
        action=LedgerAction.PAYLOAD_ERASED,
        subject=payload.entry,
        project=payload.entry.project or None,
        detail={"reason": reason.strip()},
    )
    Payload.objects.filter(pk=index).update(salt=None, body=None, erased_at=erasure.recorded_at)
    return erasure


@dataclass(frozen=True)
class _Prepared:
    """A record that passed every check: only its place in the tree is missing.

    `keys` in the order of `ledger_append`: actor, action, subject type, subject id, project.
    """

    keys: dict[str, str]
    salt: bytes
    body: str


def _prepare(record: Record) -> _Prepared:
    action, subject = record.action, record.subject
    if not isinstance(action, Action):
        raise TypeError(f"An action is a member of an Action vocabulary, not {action!r}.")
    if subject._state.adding or subject.pk is None:
        raise ValueError(f"The subject is not saved: {subject!r}.")
    keys = {
        "actor": record.actor.actor_key,
        "action": action.value,
        "subject_type": subject_type(subject),
        "subject_id": str(subject.pk),
        "project": record.project or "",
    }
    for name, key in keys.items():
        _refuse_unfit_key(name, key)
    body = canonical.payload_body(
        actor_label=record.actor.actor_label, subject_label=str(subject), detail=record.detail
    )
    return _Prepared(keys=keys, salt=secrets.token_bytes(canonical.SALT_SIZE), body=body)


def _refuse_unfit_key(name: str, key: str) -> None:
    if not isinstance(key, str):
        raise TypeError(f"The {name} of an entry is a text, not {key!r}.")
    if len(key) > 100 or "\x00" in key or (not key and name != "project"):
        raise ValueError(f"The {name} of an entry has 1 to 100 characters without NUL, not {key[:120]!r}.")
    key.encode()  # UnicodeEncodeError, a ValueError, for what is not Unicode


def _write(batch: list[_Prepared]) -> list[Entry]:
    """Put a batch behind the last entry; the head stays locked until the transaction ends."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            written = tables.append_on_server(
                cursor, now(), [(*each.keys.values(), each.salt, each.body) for each in batch]
            )
            return [
                _entry(each, index, moment, payload.hex(), leaf.hex())
                for each, (index, moment, payload, leaf) in zip(batch, written, strict=True)
            ]
        tree = tables.lock_head(cursor)
        if touched := rows.take_touched():
            batch = [replace(batch[0], body=canonical.with_rows(batch[0].body, touched)), *batch[1:]]
        # Under the lock, so that the times of entries are in order as long as the clock is.
        moment = now()
        entries = [_grow(tree, each, moment) for each in batch]
        tables.insert(
            cursor,
            entries=entries,
            payloads=[
                (entry.index, each.salt, each.body) for entry, each in zip(entries, batch, strict=True)
            ],
            tree=tree,
        )
    return entries


def _grow(tree: Frontier, prepared: _Prepared, moment: dt.datetime) -> Entry:
    payload_hash = canonical.payload_digest(prepared.salt, prepared.body)
    index = tree.size
    leaf = leaf_hash(
        canonical.leaf_bytes(
            index=index, time=canonical.time_text(moment), payload_hash=payload_hash, **prepared.keys
        )
    )
    tree.append(leaf)
    return _entry(prepared, index, moment, payload_hash, leaf.hex())


def _entry(prepared: _Prepared, index: int, moment: dt.datetime, payload_hash: str, leaf_hash: str) -> Entry:
    entry = Entry(
        index=index, recorded_at=moment, payload_hash=payload_hash, leaf_hash=leaf_hash, **prepared.keys
    )
    entry._state.adding, entry._state.db = False, connection.alias
    return entry
