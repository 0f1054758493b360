"""What is published of the ledger: its name, the keys that sign, checkpoints, tiles, and who witnessed them.

Nothing here is an entry: these rows speak about the tree and would otherwise make it grow for ever.
"""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from ledger.models.entries import DigestField


class Log(models.Model):
    """The name under which this ledger is known: the origin of its checkpoints. One row, never changed."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    origin = models.CharField(max_length=200)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [models.CheckConstraint(condition=Q(id=1), name="ledger_log_single")]

    def __str__(self) -> str:
        return self.origin


class SigningKey(models.Model):
    """The public half of a key of this installation. Retired ones stay, so that what they signed verifies."""

    public = DigestField(help_text="Ed25519, 32 bytes")
    registered_at = models.DateTimeField()
    retired_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=300, blank=True, help_text="why it was retired")

    class Meta:
        ordering = ["registered_at", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["public"], name="ledger_signing_key_once"),
            models.CheckConstraint(
                condition=Q(retired_at__isnull=True) | ~Q(reason=""),
                name="ledger_signing_key_says_why",
            ),
        ]

    def __str__(self) -> str:
        return f"key {self.public[:16]}"


class Checkpoint(models.Model):
    """A size and a root of the tree, signed. `note` is the signed note without cosignatures."""

    size = models.BigIntegerField()
    root = DigestField()
    note = models.TextField()
    key = models.ForeignKey(SigningKey, models.PROTECT, related_name="checkpoints")
    signed_at = models.DateTimeField()

    class Meta:
        ordering = ["-size", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["size", "key"], name="ledger_checkpoint_once_per_key"),
            models.CheckConstraint(condition=Q(size__gte=0), name="ledger_checkpoint_size_from_0"),
        ]

    def __str__(self) -> str:
        return f"checkpoint of {self.size} entries"


class Tile(models.Model):
    """256 hashes of one level of the tree: level 0 are leaves, each level above roots of full tiles."""

    level = models.PositiveSmallIntegerField()
    number = models.BigIntegerField()
    hashes = models.BinaryField(max_length=8192)
    root = DigestField(help_text="of these hashes: one hash of the level above")

    class Meta:
        ordering = ["level", "number"]
        constraints = [models.UniqueConstraint(fields=["level", "number"], name="ledger_tile_once")]

    def __str__(self) -> str:
        return f"tile {self.level}/{self.number}"


class Witness(models.Model):
    """Somebody else who keeps our last checkpoint and cosigns only what is consistent with it."""

    name = models.CharField(max_length=200, unique=True)
    verifier = models.CharField(max_length=400, help_text="name+key id+base64 of 0x04 and the Ed25519 key")
    url = models.CharField(max_length=500, help_text="where add-checkpoint is asked")
    size = models.BigIntegerField(default=0, help_text="of the last checkpoint it cosigned")
    enabled = models.BooleanField(default=True)
    said = models.CharField(max_length=600, blank=True, help_text="its last refusal, empty after a success")
    asked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["name"]
        verbose_name_plural = "witnesses"

    def __str__(self) -> str:
        return self.name


class Cosignature(models.Model):
    """A witness's line under a checkpoint."""

    checkpoint = models.ForeignKey(Checkpoint, models.PROTECT, related_name="cosignatures")
    witness = models.ForeignKey(Witness, models.PROTECT, related_name="cosignatures")
    line = models.CharField(max_length=600)
    received_at = models.DateTimeField()

    class Meta:
        ordering = ["checkpoint", "witness"]
        constraints = [
            models.UniqueConstraint(fields=["checkpoint", "witness"], name="ledger_cosignature_once"),
        ]

    def __str__(self) -> str:
        return f"{self.witness} under {self.checkpoint}"


class Anchoring(models.Model):
    """A checkpoint that was laid down outside: in a file, a git repository, a mail, or with a time-stamp."""

    class Kind(models.TextChoices):
        FILE = "file", _("File")
        GIT = "git", _("Git repository")
        MAIL = "mail", _("E-mail")
        TIMESTAMP = "timestamp", _("Time-stamp")

    checkpoint = models.ForeignKey(Checkpoint, models.PROTECT, related_name="anchorings")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    target = models.CharField(max_length=500)
    proof = models.BinaryField(
        blank=True, default=b"", help_text="what the other side answered, such as a time-stamp"
    )
    fault = models.CharField(max_length=600, blank=True, help_text="why it failed; empty: it is there")
    anchored_at = models.DateTimeField()

    class Meta:
        ordering = ["-anchored_at", "-pk"]

    def __str__(self) -> str:
        return f"{self.checkpoint} in {self.target}"
