from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models

from ledger.models import DigestField

if TYPE_CHECKING:
    _BinaryField = models.BinaryField[bytes, bytes]
else:  # not subscriptable at run time
    _BinaryField = models.BinaryField


class IdempotencyKey(models.Model):
    """A name that a person's program gave to one request: what was asked, and what was answered."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    key = models.CharField(max_length=100)
    asked = DigestField(help_text="SHA-256 of the request")
    answer = _BinaryField(default=b"", help_text="zlib of the answer's JSON; empty while it is under way")
    begun_at = models.DateTimeField()

    class Meta:
        ordering = ["-pk"]
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="idempotency_key_once")]
        indexes = [models.Index(fields=["begun_at"], name="idempotency_by_age")]

    def __str__(self) -> str:
        return f"{self.key} of {self.user_id}"
