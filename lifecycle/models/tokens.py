from __future__ import annotations

from django.conf import settings
from django.db import models


class ApiToken(models.Model):
    """A key to the API: shown once, kept as HMAC, with scope and expiry."""

    class Scope(models.TextChoices):
        READ = "read"
        WRITE = "write"
        GATE_CHECK = "gate_check"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="api_tokens")
    name = models.CharField(max_length=120)
    prefix = models.CharField(max_length=12, unique=True)
    secret_hmac = models.CharField(max_length=64)
    scope = models.CharField(max_length=12, choices=Scope.choices, default=Scope.READ)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["user", "-created_at", "pk"]

    def __str__(self) -> str:
        return f"{self.prefix} {self.name}"
