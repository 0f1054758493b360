from __future__ import annotations

from django.db import models


class Staleness(models.Model):
    """Something that was signed for has changed: the signatures under this evaluation stand no longer."""

    evaluation = models.OneToOneField("governance.Evaluation", models.PROTECT, related_name="staleness")
    changes = models.JSONField(help_text='each with "change", "what", "before" and "after"')
    found_at = models.DateTimeField()

    class Meta:
        ordering = ["-found_at", "-pk"]
        verbose_name_plural = "stalenesses"

    def __str__(self) -> str:
        return f"{self.evaluation} is stale"
