from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Attestation(models.Model):
    """What a completed gate says to those outside: an in-toto Statement in a signed DSSE envelope."""

    class Kind(models.TextChoices):
        SIGN_OFF = "sign-off", _("Sign-off")
        VERDICT = "verdict", _("Simple verification result")
        TEST_RESULT = "test-result", _("Test result")

    gate = models.ForeignKey("governance.Gate", models.PROTECT, related_name="attestations")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    envelope = models.TextField(help_text="DSSE as canonical JSON")
    key_id = models.CharField(max_length=64)
    made_at = models.DateTimeField()

    class Meta:
        ordering = ["gate", "pk"]
        constraints = [models.UniqueConstraint(fields=["gate", "kind"], name="attestation_once")]

    def __str__(self) -> str:
        return f"{self.kind} of {self.gate}"
