from __future__ import annotations

from django.conf import settings
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


class Deployment(models.Model):
    """What was put where, under which authorization."""

    class State(models.TextChoices):
        LIVE = "live", _("Live")
        REPLACED = "replaced", _("Replaced")
        WITHDRAWN = "withdrawn", _("Withdrawn")

    project = models.ForeignKey("lifecycle.Project", models.PROTECT, related_name="deployments")
    iteration = models.ForeignKey("lifecycle.Iteration", models.PROTECT, related_name="deployments")
    model_version = models.ForeignKey("lifecycle.ModelVersion", models.PROTECT, related_name="deployments")
    authorization = models.ForeignKey(
        "governance.Authorization",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="deployments",
        help_text="none: break-glass, which opens a finding",
    )
    break_glass = models.ForeignKey(
        "governance.BreakGlass", models.PROTECT, null=True, blank=True, related_name="deployments"
    )
    environment = models.CharField(max_length=60)
    scope = models.JSONField(default=dict, blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.LIVE)
    deployed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    deployed_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-deployed_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["project", "environment"],
                condition=Q(state="live"),
                name="deployment_one_live",
            ),
            models.CheckConstraint(
                condition=Q(state="live", ended_at__isnull=True)
                | (~Q(state="live") & Q(ended_at__isnull=False)),
                name="deployment_ended_at_iff_ended",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model_version} in {self.environment}"


DEPLOYMENT_STATES = StateMachine(
    "deployment",
    initial="live",
    transitions={"live": {"replace": "replaced", "withdraw": "withdrawn"}},
)
