from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from ledger.states import StateMachine


class Iteration(models.Model):
    """One trip round the cycle, and why it was begun."""

    class State(models.TextChoices):
        OPEN = "open", _("Open")
        COMPLETED = "completed", _("Completed")
        STOPPED = "stopped", _("Stopped")

    project = models.ForeignKey("lifecycle.Project", models.PROTECT, related_name="iterations")
    number = models.PositiveIntegerField()
    title = models.CharField(max_length=300)
    reason = models.TextField()
    start_phase = models.CharField(max_length=10, default="P1")
    process_version = models.ForeignKey(
        "lifecycle.ProcessVersion",
        models.PROTECT,
        related_name="iterations",
        help_text="the rules that it started under",
    )
    firing = models.OneToOneField(
        "lifecycle.Firing",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="iteration",
    )
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    opened_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="nobody: a trigger opened it",
    )
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["project", "number"]
        constraints = [
            models.UniqueConstraint(fields=["project", "number"], name="iteration_number_once"),
            models.UniqueConstraint(
                fields=["project"],
                condition=Q(state="open"),
                name="iteration_one_open_per_project",
            ),
            models.CheckConstraint(
                condition=Q(state="open", closed_at__isnull=True)
                | (~Q(state="open") & Q(closed_at__isnull=False)),
                name="iteration_closed_at_iff_closed",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.project} {self.number}"


ITERATION_STATES = StateMachine(
    "iteration",
    initial="open",
    transitions={"open": {"complete": "completed", "stop": "stopped"}},
)


class Phase(models.Model):
    """One phase of one iteration."""

    class State(models.TextChoices):
        NOT_STARTED = "not_started", _("Not started")
        INHERITED = "inherited", _("Inherited")
        DEFINING_REQUIREMENTS = "defining_requirements", _("Defining requirements")
        IN_PROGRESS = "in_progress", _("In progress")
        IN_REVIEW = "in_review", _("In review")
        PASSED = "passed", _("Passed")
        PASSED_WITH_CONDITIONS = "passed_with_conditions", _("Passed with conditions")
        REOPENED = "reopened", _("Reopened")
        ON_HOLD = "on_hold", _("On hold")
        STOPPED = "stopped", _("Stopped")

    iteration = models.ForeignKey("lifecycle.Iteration", models.PROTECT, related_name="phases")
    key = models.CharField(max_length=10)
    name = models.CharField(max_length=200)
    order = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=24, choices=State.choices, default=State.NOT_STARTED)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["iteration", "order"]
        constraints = [
            models.UniqueConstraint(fields=["iteration", "key"], name="phase_once_per_iteration"),
        ]

    def __str__(self) -> str:
        return f"{self.key} {self.name}"


_HALT = {"hold": "on_hold", "stop": "stopped"}
PHASE_STATES = StateMachine(
    "phase",
    initial="not_started",
    transitions={
        "not_started": {
            "start": "defining_requirements",
            "inherit": "inherited",
            **_HALT,
        },
        "inherited": {"reopen": "reopened"},
        "defining_requirements": {"agree_requirements": "in_progress", **_HALT},
        "in_progress": {"request_review": "in_review", **_HALT},
        "in_review": {
            "pass": "passed",
            "pass_with_conditions": "passed_with_conditions",
            "iterate": "in_progress",
            "send_back": "reopened",
            **_HALT,
        },
        "passed": {"reopen": "reopened", "close_again": "in_review"},
        "passed_with_conditions": {
            "close_conditions": "passed",
            "reopen": "reopened",
            "close_again": "in_review",
        },
        "reopened": {"start": "defining_requirements", **_HALT},
        "on_hold": {"resume": "in_progress", "stop": "stopped"},
    },
)
