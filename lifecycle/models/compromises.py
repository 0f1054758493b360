from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q


class Compromise(models.Model):
    """A span in which somebody else may have used an account. What it signed then counts no more."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="compromises")
    since = models.DateTimeField()
    until = models.DateTimeField(
        null=True, blank=True, help_text="when the person had set a new password; none: still open"
    )
    reason = models.TextField()
    reported_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    reported_at = models.DateTimeField()

    class Meta:
        ordering = ["-reported_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["person"], condition=Q(until__isnull=True), name="compromise_one_open"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person} since {self.since:%Y-%m-%d %H:%M}"
