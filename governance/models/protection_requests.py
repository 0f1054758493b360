from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from ledger.states import StateMachine


class ProtectionRequest(models.Model):
    """GitHub asks whether a job may deploy to an environment; until it is answered the job waits."""

    class State(models.TextChoices):
        WAITING = "waiting", _("Waits for an answer")
        APPROVED = "approved", _("Approved")
        REJECTED = "rejected", _("Rejected")
        FAILED = "failed", _("Could not be answered")

    delivery_id = models.CharField(max_length=100)
    digest = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the body: it is taken once")
    repository = models.CharField(max_length=200, help_text="owner/name")
    environment = models.CharField(max_length=255, help_text="as GitHub calls it")
    sha = models.CharField(max_length=64, help_text="the commit that is deployed")
    installation = models.BigIntegerField()
    callback_url = models.CharField(max_length=500)
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    reason = models.TextField(blank=True)
    received_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.repository} to {self.environment}"


PROTECTION_REQUEST_STATES = StateMachine(
    "protection request",
    initial="waiting",
    transitions={"waiting": {"approve": "approved", "reject": "rejected", "fail": "failed"}},
)
