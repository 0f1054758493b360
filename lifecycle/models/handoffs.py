from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from ledger.states import StateMachine


class Handoff(models.Model):
    """Named deliverables that pass from one party to another, who accepts or returns them."""

    class State(models.TextChoices):
        PLANNED = "planned", _("Planned")
        OFFERED = "offered", _("Offered")
        ACCEPTED = "accepted", _("Accepted")
        RETURNED = "returned", _("Returned")
        CANCELLED = "cancelled", _("Cancelled")

    iteration = models.ForeignKey("lifecycle.Iteration", models.PROTECT, related_name="handoffs")
    key = models.CharField(max_length=20)
    title = models.CharField(max_length=600)
    phase_key = models.CharField(max_length=10)
    giver_roles = models.JSONField(default=list)
    taker_roles = models.JSONField(default=list)
    giver = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="given_handoffs",
    )
    taker = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="taken_handoffs",
    )
    state = models.CharField(max_length=10, choices=State.choices, default=State.PLANNED)
    due_on = models.DateField(null=True, blank=True)
    offered_at = models.DateTimeField(null=True, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    reason = models.TextField(blank=True, help_text="why it was returned or cancelled")
    rounds = models.PositiveSmallIntegerField(default=0, help_text="how often it was offered")

    class Meta:
        ordering = ["iteration", "key", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(giver__isnull=True) | Q(taker__isnull=True) | ~Q(giver=F("taker")),
                name="handoff_has_two_people",
            ),
            models.CheckConstraint(
                condition=Q(state="planned")
                | Q(state="cancelled")
                | Q(giver__isnull=False, taker__isnull=False, offered_at__isnull=False),
                name="handoff_offered_has_parties",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["accepted", "returned"], decided_at__isnull=False)
                | (~Q(state__in=["accepted", "returned"]) & Q(decided_at__isnull=True)),
                name="handoff_decided_at_iff_decided",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.key} {self.title}"


class Deliverable(models.Model):
    """One thing handed over, tied to an exact version once it is offered."""

    handoff = models.ForeignKey("lifecycle.Handoff", models.PROTECT, related_name="deliverables")
    order = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=300)
    snapshot = models.ForeignKey(
        "lifecycle.Snapshot",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="deliverables",
    )
    reference = models.CharField(
        max_length=600,
        blank=True,
        help_text="link or place, where there is no snapshot",
    )

    class Meta:
        ordering = ["handoff", "order"]
        constraints = [models.UniqueConstraint(fields=["handoff", "order"], name="deliverable_order_once")]

    def __str__(self) -> str:
        return self.name


class AcceptanceCriterion(models.Model):
    """One condition that the taker ticks before accepting."""

    handoff = models.ForeignKey("lifecycle.Handoff", models.PROTECT, related_name="criteria")
    order = models.PositiveSmallIntegerField()
    text = models.CharField(max_length=600)
    ticked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["handoff", "order"]
        constraints = [models.UniqueConstraint(fields=["handoff", "order"], name="acceptance_order_once")]

    def __str__(self) -> str:
        return self.text


HANDOFF_STATES = StateMachine(
    "handoff",
    initial="planned",
    transitions={
        "planned": {"offer": "offered", "cancel": "cancelled"},
        "offered": {
            "accept": "accepted",
            "return": "returned",
            "withdraw": "planned",
            "cancel": "cancelled",
        },
        "returned": {"offer": "offered", "cancel": "cancelled"},
    },
)
