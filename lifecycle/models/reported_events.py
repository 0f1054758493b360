from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class ReportedEvent(models.Model):
    """What somebody or another system said has happened. Put before the triggers once, never edited."""

    class Kind(models.TextChoices):
        NEW_DATA = "new_data", _("New data")
        CHANGE = "change", _("Change")
        INCIDENT = "incident", _("Incident")
        REGULATION = "regulation", _("Change of rules")
        METRIC = "metric", _("Measurement")

    project = models.ForeignKey("lifecycle.Project", models.PROTECT, related_name="reported_events")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    key = models.CharField(max_length=100, help_text="the reporter's own name of it; reported once")
    event = models.JSONField(help_text="as conditions of triggers see it")
    reported_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    reported_at = models.DateTimeField()

    class Meta:
        ordering = ["-reported_at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["project", "key"], name="reported_event_once"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.event.get('summary', '')}"

    @property
    def event_key(self) -> str:
        """Under which triggers know it; a firing's `event_key`."""
        return f"reported:{self.pk}"
