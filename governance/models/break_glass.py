from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from ledger.states import StateMachine


class BreakGlass(models.Model):
    """An emergency: one model version may be deployed without an authorization, for some hours.

    It takes two people. It is no authorization: the gate check goes on to say no.
    """

    class State(models.TextChoices):
        ASKED = "asked", _("Waits for a second person")
        OPEN = "open", _("Open")
        REFUSED = "refused", _("Refused")
        ENDED = "ended", _("Ended")

    project = models.ForeignKey("lifecycle.Project", models.PROTECT, related_name="broken_glass")
    model_version = models.ForeignKey("lifecycle.ModelVersion", models.PROTECT, related_name="broken_glass")
    environment = models.CharField(max_length=60)
    reason = models.TextField()
    hours = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.ASKED)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    finding = models.OneToOneField(
        "governance.Finding", models.PROTECT, null=True, blank=True, related_name="break_glass"
    )

    class Meta:
        ordering = ["project", "-asked_at", "-pk"]
        verbose_name_plural = "broken glass"
        constraints = [
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True) | ~Q(decided_by=F("asked_by")),
                name="break_glass_takes_two",
            ),
            models.CheckConstraint(
                condition=~Q(state="open") | Q(ends_at__isnull=False, finding__isnull=False),
                name="break_glass_open_ends",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model_version} in {self.environment}"


BREAK_GLASS_STATES = StateMachine(
    "break-glass",
    initial="asked",
    transitions={"asked": {"open": "open", "refuse": "refused", "end": "ended"}, "open": {"end": "ended"}},
)
