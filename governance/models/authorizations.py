from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from ledger.states import StateMachine


class Authorization(models.Model):
    """Permission for one model digest in one environment. The thing that a gate check asks for."""

    class State(models.TextChoices):
        ACTIVE = "active", _("Active")
        SUSPENDED = "suspended", _("Suspended")
        WITHDRAWN = "withdrawn", _("Withdrawn")

    project = models.ForeignKey("lifecycle.Project", models.PROTECT, related_name="authorizations")
    gate = models.OneToOneField("governance.Gate", models.PROTECT, related_name="authorization")
    model_version = models.ForeignKey("lifecycle.ModelVersion", models.PROTECT, related_name="authorizations")
    model_digest = models.CharField(max_length=64)
    environment = models.CharField(max_length=60)
    scope = models.JSONField(
        default=dict,
        blank=True,
        help_text='such as {"country": ["US"]}; empty: unlimited',
    )
    state = models.CharField(max_length=10, choices=State.choices, default=State.ACTIVE)
    state_reason = models.TextField(blank=True)
    valid_from = models.DateTimeField()
    valid_until = models.DateTimeField()

    class Meta:
        ordering = ["-valid_from", "-pk"]
        indexes = [models.Index(fields=["model_digest", "environment"], name="authorization_lookup")]
        constraints = [
            models.CheckConstraint(
                condition=Q(valid_until__gt=models.F("valid_from")),
                name="authorization_ends_after_it_begins",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model_digest[:12]} in {self.environment}"


AUTHORIZATION_STATES = StateMachine(
    "authorization",
    initial="active",
    transitions={
        "active": {"suspend": "suspended", "withdraw": "withdrawn"},
        "suspended": {"resume": "active", "withdraw": "withdrawn"},
    },
)
