from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models

from ledger.models import DigestField

if TYPE_CHECKING:
    _BinaryField = models.BinaryField[bytes, bytes]
else:  # not subscriptable at run time
    _BinaryField = models.BinaryField

_LINE = struct.Struct(">Q32s")


class RunBatch(models.Model):
    """What one call of the intake wrote: which runs, and the digest of each run's content.

    `root` is the root of the Merkle tree (RFC 6962) over `leaf_of` each line, and stands in the one entry
    that the ledger has of the batch: so each line can be proven by the entry, and the entry stays small.
    """

    project = models.ForeignKey("lifecycle.Project", models.PROTECT, related_name="run_batches")
    source = models.CharField(max_length=40)
    sent_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="nobody: a connector fetched it",
    )
    created_at = models.DateTimeField()
    count = models.PositiveIntegerField()
    root = DigestField()
    packed = _BinaryField(help_text="8 bytes of id and 32 bytes of digest a line, in the order of the leaves")

    class Meta:
        ordering = ["-pk"]
        verbose_name_plural = "run batches"

    def __str__(self) -> str:
        return f"batch {self.pk} of {self.count} runs from {self.source}"

    @property
    def lines(self) -> list[tuple[int, str]]:
        """Run id and digest of everything that the batch wrote."""
        return [(pk, digest.hex()) for pk, digest in _LINE.iter_unpack(bytes(self.packed))]


class RunRevision(models.Model):
    """The content that a run had before its source sent another: its digest, and the batch that brought it.

    Kept for a run that had ended, or that another sender had brought.
    """

    run = models.ForeignKey("lifecycle.Run", models.CASCADE, related_name="revisions")
    digest = DigestField()
    state = models.CharField(max_length=10)
    batch = models.ForeignKey("lifecycle.RunBatch", models.PROTECT, related_name="+")
    replaced_at = models.DateTimeField()

    class Meta:
        ordering = ["run", "-pk"]

    def __str__(self) -> str:
        return f"run {self.run_id} as {self.digest[:12]}"


class RunHistory(models.Model):
    """The values of a run's metrics over its steps, compressed; the run's record holds the last ones."""

    run = models.OneToOneField(
        "lifecycle.Run", models.CASCADE, primary_key=True, related_name="history", db_column="run_id"
    )
    packed = _BinaryField(help_text='zlib of canonical JSON: {"metric": [[step, milliseconds, value], ...]}')

    class Meta:
        ordering = ["run"]
        verbose_name_plural = "run histories"

    def __str__(self) -> str:
        return f"history of run {self.run_id}"

    @property
    def text(self) -> bytes:
        """The canonical JSON."""
        return zlib.decompress(bytes(self.packed))


def pack_lines(lines: list[tuple[int, bytes]]) -> bytes:
    """The lines of a batch as they are kept: run id and digest."""
    return b"".join(_LINE.pack(pk, digest) for pk, digest in lines)


def leaf_of(pk: int, digest: bytes) -> bytes:
    """What is hashed into the tree of a batch for one run."""
    return _LINE.pack(pk, digest)
