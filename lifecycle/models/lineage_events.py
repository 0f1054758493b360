from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from django.db import models
from django.utils.translation import gettext_lazy as _

from ledger.models import DigestField

if TYPE_CHECKING:
    _BinaryField = models.BinaryField[bytes, bytes]
else:  # not subscriptable at run time
    _BinaryField = models.BinaryField


class LineageEvent(models.Model):
    """An OpenLineage event as it was sent, kept once. What is known of a run is the fold of its events."""

    class About(models.TextChoices):
        RUN = "run", _("Run")
        JOB = "job", _("Job")
        DATASET = "dataset", _("Data set")

    project = models.ForeignKey("lifecycle.Project", models.PROTECT, related_name="+")
    about = models.CharField(max_length=10, choices=About.choices)
    subject = DigestField(help_text="SHA-256 of what it is about, as lifecycle/intake says")
    digest = DigestField(help_text="SHA-256 of its canonical JSON")
    event_time = models.DateTimeField(help_text="when it happened, as the source says")
    received_at = models.DateTimeField()
    packed = _BinaryField(help_text="zlib of its canonical JSON")

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["project", "subject", "digest"], name="lineage_event_once")
        ]

    def __str__(self) -> str:
        return f"event {self.digest[:12]} about a {self.about}"

    @property
    def raw(self) -> bytes:
        """The canonical JSON."""
        return zlib.decompress(bytes(self.packed))
