from __future__ import annotations

from django.db import models
from django.db.models import Q


class ClockCorrection(models.Model):
    """The clock had run ahead: the times of the entries up to one are not taken for the latest moment.

    Their times stay in the ledger as they are. Written once, never changed.
    """

    through = models.BigIntegerField(help_text="index of the last entry whose time is not believed")
    latest = models.DateTimeField(help_text="the latest moment that any of those entries claims")
    reason = models.TextField()
    corrected_at = models.DateTimeField()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(latest__gt=models.F("corrected_at")), name="clock_correction_was_ahead"
            )
        ]

    def __str__(self) -> str:
        return f"clock put right at {self.corrected_at:%Y-%m-%d %H:%M} UTC"
