from __future__ import annotations

from django.conf import settings
from django.db import models


class ApiToken(models.Model):
    """A key to the API: shown once, kept as HMAC, with scope and expiry."""

    class Scope(models.TextChoices):
        READ = "read"
        WRITE = "write"
        GATE_CHECK = "gate_check"
        INTAKE = "intake"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="api_tokens")
    name = models.CharField(max_length=120)
    prefix = models.CharField(max_length=12, unique=True)
    secret_hmac = models.CharField(max_length=64)
    project = models.ForeignKey(
        "lifecycle.Project",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="the only project that it sends runs to; for the scope intake",
    )
    scope = models.CharField(max_length=12, choices=Scope.choices, default=Scope.READ)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["user", "-created_at", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(project__isnull=True) | models.Q(scope="intake"),
                name="token_project_for_intake",
            )
        ]

    def __str__(self) -> str:
        return f"{self.prefix} {self.name}"
