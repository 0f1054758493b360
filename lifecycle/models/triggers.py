from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from ledger.states import StateMachine


class Trigger(models.Model):
    """When this happens and that holds, then do so: a definition of the process at work in one project."""

    class Mode(models.TextChoices):
        AUTO = "auto", _("Starts by itself")
        ASK = "ask", _("A person decides")

    class Action(models.TextChoices):
        OPEN_ITERATION = "open_iteration", _("Open an iteration")
        REOPEN_PHASE = "reopen_phase", _("Reopen a phase")
        START_TRAINING = "start_training", _("Start a training")
        START_VALIDATION = "start_validation", _("Check data")
        START_EVALUATION = "start_evaluation", _("Start an evaluation")
        START_MONITORING = "start_monitoring", _("Look at monitoring windows")
        SUSPEND_AUTHORIZATION = "suspend_authorization", _("Suspend the authorization")
        SHORTEN_AUTHORIZATION = "shorten_authorization", _("Shorten the authorization")
        OPEN_FINDING = "open_finding", _("Open a finding")
        NOTIFY = "notify", _("Notify")

    project = models.ForeignKey("lifecycle.Project", models.PROTECT, related_name="triggers")
    key = models.CharField(max_length=20)
    name = models.CharField(max_length=300)
    kind = models.CharField(max_length=20, help_text="of the process: schedule, drift, metric, manual ...")
    condition = models.TextField(blank=True, help_text="CEL over event and params; empty: always")
    params = models.JSONField(default=dict, blank=True)
    schedule = models.CharField(max_length=100, blank=True, help_text="cron line, for the kind schedule")
    next_due_at = models.DateTimeField(null=True, blank=True)
    mode = models.CharField(max_length=4, choices=Mode.choices)
    action = models.CharField(max_length=24, choices=Action.choices)
    target_phase = models.CharField(max_length=10, blank=True, help_text="phase that is reopened or begun at")
    cooldown_hours = models.PositiveIntegerField(default=0)
    consecutive = models.PositiveSmallIntegerField(
        default=1, help_text="in so many windows running the condition has to hold before it fires"
    )
    enabled = models.BooleanField(default=True)

    class Meta:
        ordering = ["project", "key", "pk"]
        constraints = [models.UniqueConstraint(fields=["project", "key"], name="trigger_once_per_project")]

    def __str__(self) -> str:
        return f"{self.key} {self.name}"


class Firing(models.Model):
    """What a trigger saw and what came of it: rejected, started, or merged into another, exactly one."""

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting for a decision")
        STARTED = "started", _("Action started")
        REJECTED = "rejected", _("Rejected")
        MERGED = "merged", _("Merged")

    trigger = models.ForeignKey("lifecycle.Trigger", models.PROTECT, related_name="firings")
    event_key = models.CharField(max_length=120, help_text="one event fires a trigger at most once")
    observed = models.JSONField(help_text="the event as the condition saw it")
    summary = models.CharField(max_length=600, help_text="what was seen, in a sentence")
    run = models.ForeignKey("lifecycle.Run", models.PROTECT, null=True, blank=True, related_name="firings")
    merged_into = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="merged")
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    outcome = models.CharField(max_length=600, blank=True, help_text="what was done, or why not")
    fired_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )

    class Meta:
        ordering = ["-fired_at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["trigger", "event_key"], name="firing_once_per_event"),
            models.CheckConstraint(
                condition=Q(state="waiting", decided_at__isnull=True)
                | (~Q(state="waiting") & Q(decided_at__isnull=False)),
                name="firing_decided_at_iff_decided",
            ),
            models.CheckConstraint(
                condition=Q(state="merged", merged_into__isnull=False)
                | (~Q(state="merged") & Q(merged_into__isnull=True)),
                name="firing_merged_into_iff_merged",
            ),
        ]

    def __str__(self) -> str:
        return self.summary


FIRING_STATES = StateMachine(
    "firing",
    initial="waiting",
    transitions={"waiting": {"start": "started", "reject": "rejected", "merge": "merged"}},
)
