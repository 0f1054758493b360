from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from ledger.states import StateMachine


class SourceState(models.TextChoices):
    """How the record that a snapshot was taken of stands to it now."""

    SAME = "same", _("Source unchanged")
    CHANGED = "changed", _("Source changed")
    GONE = "gone", _("Source gone")
    RESTORED = "restored", _("Source as it was again")


class SourceChange(models.Model):
    """What was seen when a source no longer was what its snapshot froze, or was so again. Never edited."""

    snapshot = models.ForeignKey("lifecycle.Snapshot", models.PROTECT, related_name="source_changes")
    state = models.CharField(max_length=10, choices=SourceState.choices)
    digest = models.CharField(
        max_length=64, blank=True, help_text="SHA-256 of the source as it was seen; empty: gone"
    )
    differences = models.JSONField(default=list, help_text="what differs, field by field, in words")
    more = models.PositiveIntegerField(default=0, help_text="differences beyond those that are kept")
    seen_at = models.DateTimeField()

    class Meta:
        ordering = ["-seen_at", "-pk"]

    def __str__(self) -> str:
        return f"{self.snapshot_id} {self.state}"


_CHANGES = {"change": "changed", "vanish": "gone"}
SOURCE_STATES = StateMachine(
    "source",
    initial="same",
    transitions={
        "same": _CHANGES,
        "changed": {**_CHANGES, "restore": "restored"},
        "gone": {**_CHANGES, "restore": "restored"},
        "restored": _CHANGES,
    },
)
