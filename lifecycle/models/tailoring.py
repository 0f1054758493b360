from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from ledger.states import StateMachine


class Exclusion(models.Model):
    """That a task should not apply in this project: asked by one person, decided by another."""

    class State(models.TextChoices):
        REQUESTED = "requested", _("Waits for approval")
        APPROVED = "approved", _("Approved")
        DECLINED = "declined", _("Declined")
        WITHDRAWN = "withdrawn", _("Withdrawn")

    task = models.ForeignKey("lifecycle.Task", models.PROTECT, related_name="exclusions")
    reason = models.TextField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.REQUESTED)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    requested_at = models.DateTimeField()
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    decision = models.TextField(blank=True, help_text="why it was declined")

    class Meta:
        ordering = ["-requested_at", "-pk"]
        indexes = [
            models.Index(
                fields=["requested_at", "id"], condition=Q(state="requested"), name="exclusion_waiting"
            )
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["task"],
                condition=Q(state="requested"),
                name="exclusion_one_open_per_task",
            ),
            models.CheckConstraint(
                condition=Q(state="requested", decided_by__isnull=True, decided_at__isnull=True)
                | (~Q(state="requested") & Q(decided_by__isnull=False, decided_at__isnull=False)),
                name="exclusion_decided_iff_decided",
            ),
            models.CheckConstraint(
                condition=~Q(state="approved") | ~Q(decided_by=F("requested_by")),
                name="exclusion_approved_by_another",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.task} ({self.state})"


EXCLUSION_STATES = StateMachine(
    "exclusion",
    initial="requested",
    transitions={
        "requested": {
            "approve": "approved",
            "decline": "declined",
            "withdraw": "withdrawn",
        }
    },
)
