"""The three tables of the ledger: entries, their payloads, and the head of the tree.

Nothing here has `save()` in mind: rows are written by `ledger.services` alone, and database triggers refuse
every change but the erasure of a payload.
"""

import json
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Q

if TYPE_CHECKING:
    _BinaryField = models.BinaryField[str, str]
else:  # not subscriptable at run time
    _BinaryField = models.BinaryField


class DigestField(_BinaryField):
    """A SHA-256 digest: 32 bytes in the database, 64 lowercase hexadecimal digits in Python."""

    def from_db_value(self, value: bytes | None, expression: object, connection: object) -> str | None:
        return None if value is None else bytes(value).hex()

    def get_prep_value(self, value: str | bytes | None) -> bytes | None:
        return bytes.fromhex(value) if isinstance(value, str) else value


def subject_type(subject: models.Model) -> str:
    """The class of a record as entries name it: `lifecycle.handoff`; a proxy as what it stands for."""
    return (subject._meta.concrete_model or type(subject))._meta.label_lower


class Entry(models.Model):
    """One thing that happened. Never changed, never removed; numbered from 0 without gaps.

    `actor` and `subject_id` are keys and not foreign keys, so that an entry outlives what it speaks of.
    """

    index = models.BigIntegerField(primary_key=True)
    recorded_at = models.DateTimeField()
    actor = models.CharField(max_length=100)
    action = models.CharField(max_length=60)
    subject_type = models.CharField(max_length=100)
    subject_id = models.CharField(max_length=100)
    project = models.CharField(max_length=100, blank=True, default="")
    payload_hash = DigestField()
    leaf_hash = DigestField()

    class Meta:
        ordering = ["index"]
        verbose_name_plural = "entries"
        indexes = [
            models.Index(fields=["project", "index"], name="ledger_entry_project"),
            models.Index(fields=["subject_type", "subject_id", "index"], name="ledger_entry_subject"),
            models.Index(fields=["actor", "index"], name="ledger_entry_actor"),
            models.Index(fields=["action", "index"], name="ledger_entry_action"),
            # The latest moment that anything was recorded at, whatever the clock said afterwards.
            models.Index(fields=["recorded_at"], name="ledger_entry_time"),
        ]
        constraints = [models.CheckConstraint(condition=Q(index__gte=0), name="ledger_entry_index_from_0")]

    def __str__(self) -> str:
        return f"entry {self.index} ({self.action} on {self.subject_type} {self.subject_id})"


class Payload(models.Model):
    """What an entry says beyond its keys: names and details. The only part that can be erased.

    `body` is RFC 8785 JSON `{"actor": name, "detail": {...}, "subject": name, "touched": [rows]}`; the entry
    holds SHA-256(salt || body).
    """

    entry = models.OneToOneField(
        Entry, models.PROTECT, primary_key=True, db_column="index", related_name="payload"
    )
    salt = models.BinaryField(max_length=16, null=True)
    body = models.TextField(null=True)  # noqa: DJ001  (empty would be a body; NULL says that it was erased)
    erased_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["entry"]
        constraints = [
            models.CheckConstraint(
                condition=Q(body__isnull=False, salt__isnull=False, erased_at__isnull=True)
                | Q(body__isnull=True, salt__isnull=True, erased_at__isnull=False),
                name="ledger_payload_whole_or_erased",
            )
        ]

    def __str__(self) -> str:
        return f"payload of entry {self.entry_id}" + (" (erased)" if self.erased else "")

    @property
    def erased(self) -> bool:
        return self.body is None

    @property
    def content(self) -> dict[str, Any]:
        """The parsed body: `actor`, `subject`, `detail`; empty if it was erased."""
        parsed: dict[str, Any] = json.loads(self.body) if self.body is not None else {}
        parsed.pop("touched", None)  # digests of rows, which `reconcile` reads
        return parsed


class TreeHead(models.Model):
    """The tree as it stands: one row, locked by whoever appends.

    `frontier` is `merkle.Frontier.to_bytes()`. The row appears with the first entry.
    """

    id = models.SmallIntegerField(primary_key=True, default=1)
    size = models.BigIntegerField()
    frontier = models.BinaryField()
    root = DigestField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(condition=Q(id=1), name="ledger_treehead_single"),
            models.CheckConstraint(condition=Q(size__gte=0), name="ledger_treehead_size_from_0"),
        ]

    def __str__(self) -> str:
        return f"tree of {self.size} entries, root {self.root}"
