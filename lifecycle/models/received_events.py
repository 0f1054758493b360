from __future__ import annotations

from django.db import models

from ledger.models import DigestField


class ReceivedEvent(models.Model):
    """A CloudEvent that was taken: its name, so that it is taken once, and what it was about."""

    project = models.ForeignKey("lifecycle.Project", models.PROTECT, related_name="+")
    key = DigestField(help_text="SHA-256 of source and id")
    body = DigestField(help_text="SHA-256 of type and data")
    subject = DigestField(help_text="SHA-256 of what it tells of")
    event_time = models.DateTimeField(null=True, blank=True, help_text="as its source says")
    received_at = models.DateTimeField()

    class Meta:
        ordering = ["-pk"]
        constraints = [models.UniqueConstraint(fields=["project", "key"], name="received_event_once")]
        indexes = [
            models.Index(fields=["project", "subject", "event_time"], name="received_event_by_subject")
        ]

    def __str__(self) -> str:
        return f"event {self.key[:12]}"
