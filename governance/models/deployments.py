from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from ledger.states import StateMachine

WHOLE = 100
"""Percent of the traffic."""


class Deployment(models.Model):
    """What was put where, under which authorization, and how much of the traffic it has."""

    class State(models.TextChoices):
        ROLLING = "rolling", _("Rolling out")
        PAUSED = "paused", _("Paused")
        LIVE = "live", _("Live")
        REPLACED = "replaced", _("Replaced")
        WITHDRAWN = "withdrawn", _("Withdrawn")
        ABORTED = "aborted", _("Aborted")
        ROLLED_BACK = "rolled_back", _("Rolled back")

    class Strategy(models.TextChoices):
        FULL = "full", _("All at once")
        CANARY = "canary", _("Canary")
        BLUE_GREEN = "blue_green", _("Blue and green")
        SHADOW = "shadow", _("Shadow")

    STANDING = (State.ROLLING, State.PAUSED, State.LIVE)
    UNDER_WAY = (State.ROLLING, State.PAUSED)

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
    returns_from = models.ForeignKey(
        "governance.Deployment", models.PROTECT, null=True, blank=True, related_name="returns",
        help_text="what was taken back when this was put in its place",
    )  # fmt: skip
    environment = models.CharField(max_length=60)
    scope = models.JSONField(default=dict, blank=True)
    strategy = models.CharField(max_length=10, choices=Strategy.choices, default=Strategy.FULL)
    steps = models.JSONField(default=list, blank=True, help_text="percent of the traffic, step by step")
    step = models.PositiveSmallIntegerField(default=0, help_text="which of the steps it stands at, from 0")
    share = models.PositiveSmallIntegerField(default=WHOLE, help_text="percent of the traffic that it has")
    abort_metric = models.JSONField(
        default=dict, blank=True, help_text='such as {"metric": "error_rate", "op": ">", "limit": 0.05}'
    )
    state = models.CharField(max_length=11, choices=State.choices, default=State.LIVE)
    state_reason = models.TextField(blank=True)
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
            models.UniqueConstraint(
                fields=["project", "environment"],
                condition=Q(state__in=["rolling", "paused"]),
                name="deployment_one_rollout",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["rolling", "paused", "live"], ended_at__isnull=True)
                | (~Q(state__in=["rolling", "paused", "live"]) & Q(ended_at__isnull=False)),
                name="deployment_ended_at_iff_ended",
            ),
            models.CheckConstraint(condition=Q(share__lte=WHOLE), name="deployment_share_in_percent"),
            models.CheckConstraint(
                condition=~Q(state="live") | Q(share=WHOLE), name="deployment_live_has_the_whole"
            ),
            models.CheckConstraint(
                condition=Q(returns_from__isnull=True) | ~Q(returns_from=F("pk")),
                name="deployment_returns_from_another",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model_version} in {self.environment}"

    @property
    def stands(self) -> bool:
        """Whether any traffic, or a copy of it, goes to it."""
        return self.state in self.STANDING

    @property
    def under_way(self) -> bool:
        """Whether it has not got the whole yet."""
        return self.state in self.UNDER_WAY

    @property
    def next_share(self) -> int | None:
        """Percent at the next step; None where there is none."""
        return int(self.steps[self.step + 1]) if self.step + 1 < len(self.steps) else None


DEPLOYMENT_STATES = StateMachine(
    "deployment",
    initial=("rolling", "live"),
    transitions={
        "rolling": {
            "advance": "rolling", "complete": "live", "pause": "paused", "abort": "aborted",
            "withdraw": "withdrawn",
        },
        "paused": {"resume": "rolling", "abort": "aborted", "withdraw": "withdrawn"},
        "live": {"replace": "replaced", "withdraw": "withdrawn", "roll_back": "rolled_back"},
    },
)  # fmt: skip
