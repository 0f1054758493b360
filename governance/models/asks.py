from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class GateAsk(models.Model):
    """One question to the gate check and its answer. Without foreign keys: one insert is all it costs."""

    class Point(models.TextChoices):
        REST = "rest", _("API")
        COMMAND = "command", _("Command line")
        ADMISSION = "admission", _("Kubernetes admission")
        GITHUB = "github", _("GitHub protection rule")
        OFFLINE = "offline", _("Pass for offline use")
        DEPLOYMENT = "deployment", _("Recording of a deployment")

    asked_at = models.DateTimeField()
    point = models.CharField(max_length=12, choices=Point.choices)
    asked_by = models.CharField(max_length=100, blank=True, help_text="actor key, such as user:7")
    model_digest = models.CharField(max_length=200, help_text="as it was asked for, even if unreadable")
    environment = models.CharField(max_length=200)
    scope = models.JSONField(default=dict, blank=True)
    allow = models.BooleanField()
    reason = models.TextField(help_text="one sentence")
    authorization_id = models.BigIntegerField(null=True, blank=True)
    detail = models.JSONField(default=dict, blank=True, help_text="what the point adds, such as a uid")

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(fields=["model_digest", "-id"], name="gate_ask_by_digest")]

    def __str__(self) -> str:
        answer = "allow" if self.allow else "deny"
        return f"{self.point} {self.model_digest[:12]} in {self.environment}: {answer}"
