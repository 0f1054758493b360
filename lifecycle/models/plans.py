from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from ledger.states import StateMachine


class MonitoringPlan(models.Model):
    """One version of what is watched of a model in an environment, how often, and against which limits.

    A version never changes but in its state: other limits are another version, so that those of a run were
    there before it.
    """

    class State(models.TextChoices):
        ACTIVE = "active", _("Active")
        PAUSED = "paused", _("Paused")
        SUPERSEDED = "superseded", _("Superseded")

    project = models.ForeignKey("lifecycle.Project", models.PROTECT, related_name="monitoring_plans")
    key = models.SlugField(max_length=60)
    version = models.PositiveIntegerField()
    name = models.CharField(max_length=200)
    model_version = models.ForeignKey(
        "lifecycle.ModelVersion", models.PROTECT, related_name="monitoring_plans"
    )
    environment = models.CharField(max_length=60)
    spec = models.JSONField(help_text="the declarative plan: source, windows, reference, checks, limits")
    spec_digest = models.CharField(max_length=64)
    state = models.CharField(max_length=12, choices=State.choices, default=State.ACTIVE)
    first_start = models.DateTimeField(help_text="where its first window begins")
    next_look_at = models.DateTimeField(null=True, blank=True, help_text="when windows are looked for next")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["project", "key", "-version"]
        constraints = [
            models.UniqueConstraint(
                fields=["project", "key", "version"], name="monitoring_plan_version_once"
            ),
            models.UniqueConstraint(
                fields=["project", "key"],
                condition=~models.Q(state="superseded"),
                name="monitoring_plan_one_in_force",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name}, version {self.version}"


PLAN_STATES = StateMachine(
    "monitoring plan",
    initial="active",
    transitions={
        "active": {"pause": "paused", "supersede": "superseded"},
        "paused": {"resume": "active", "supersede": "superseded"},
    },
)


class MonitoringWindow(models.Model):
    """A window of a plan that has been looked at, once at each stage.

    With a label delay there are two: inputs and predictions at the window's end, performance when the true
    answers have come.
    """

    class Stage(models.TextChoices):
        ALL = "all", _("Inputs and performance")
        INPUTS = "inputs", _("Inputs")
        LABELS = "labels", _("Performance")

    plan = models.ForeignKey("lifecycle.MonitoringPlan", models.PROTECT, related_name="windows")
    start = models.DateTimeField()
    end = models.DateTimeField()
    stage = models.CharField(max_length=6, choices=Stage.choices)
    run = models.OneToOneField("lifecycle.Run", models.PROTECT, related_name="plan_window")

    class Meta:
        ordering = ["plan", "start", "stage"]
        constraints = [
            models.UniqueConstraint(fields=["plan", "start", "stage"], name="monitoring_window_once"),
            models.CheckConstraint(
                condition=models.Q(start__lt=models.F("end")), name="monitoring_window_in_order"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.start:%Y-%m-%d %H:%M} ({self.stage})"
