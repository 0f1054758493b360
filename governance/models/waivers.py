from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from ledger.states import StateMachine


class Waiver(models.Model):
    """One criterion of one gate excused until a day, with a reason and what is done instead.

    Granted with a signature of somebody whose seat it is and who did not ask for it.
    """

    class State(models.TextChoices):
        ASKED = "asked", _("Asked for")
        GRANTED = "granted", _("Granted")
        REFUSED = "refused", _("Refused")
        REVOKED = "revoked", _("Revoked")
        EXPIRED = "expired", _("Expired")

    gate = models.ForeignKey("governance.Gate", models.PROTECT, related_name="waivers")
    criterion = models.CharField(max_length=60)
    words = models.CharField(max_length=600, help_text="what the criterion asks")
    justification = models.TextField()
    measure = models.TextField(help_text="what is done instead")
    expires_on = models.DateField(help_text="the last day on which it holds")
    state = models.CharField(max_length=8, choices=State.choices, default=State.ASKED)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    requested_at = models.DateTimeField()
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    signer_name = models.CharField(max_length=300, blank=True, help_text="printed name at the time")
    digest = models.CharField(max_length=64, blank=True, help_text="SHA-256 of what was signed")
    state_reason = models.TextField(blank=True)

    class Meta:
        ordering = ["gate", "-requested_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["gate", "criterion"],
                condition=Q(state__in=("asked", "granted")),
                name="waiver_one_for_a_criterion",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=("granted", "refused")) | Q(decided_at__isnull=False),
                name="waiver_decided_says_when",
            ),
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True) | ~Q(decided_by=F("requested_by")),
                name="waiver_decided_by_another",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.criterion}: {self.get_state_display()}"


WAIVER_STATES = StateMachine(
    "waiver",
    initial="asked",
    transitions={
        "asked": {"grant": "granted", "refuse": "refused", "revoke": "revoked", "expire": "expired"},
        "granted": {"revoke": "revoked", "expire": "expired"},
    },
)
