from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from ledger.states import StateMachine


class ControlTask(models.Model):
    """That a gap of a control is worked on in a task of the lifecycle, which has the owner and the due date.

    It outlives a change of the framework's version: the control is named, not a use of the framework.
    """

    class State(models.TextChoices):
        OPEN = "open", _("Open")
        CLOSED = "closed", _("Closed")
        DROPPED = "dropped", _("Dropped")

    project = models.ForeignKey("lifecycle.Project", models.PROTECT, related_name="control_tasks")
    framework_key = models.CharField(max_length=100)
    control = models.CharField(max_length=100)
    label = models.CharField(max_length=600, help_text="how the framework numbers the control")
    task = models.ForeignKey("lifecycle.Task", models.PROTECT, related_name="control_tasks")
    made_for_it = models.BooleanField(help_text="the task was added for this gap")
    state = models.CharField(max_length=8, choices=State.choices, default=State.OPEN)
    opened_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    opened_at = models.DateTimeField()
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_because = models.TextField(blank=True)

    class Meta:
        ordering = ["project", "framework_key", "control", "-opened_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["project", "framework_key", "control"],
                condition=Q(state="open"),
                name="control_task_one_open",
            ),
            models.CheckConstraint(
                condition=Q(state="open", ended_at__isnull=True)
                | (~Q(state="open") & Q(ended_at__isnull=False) & ~Q(ended_because="")),
                name="control_task_ended_says_why",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.label}: {self.task}"


CONTROL_TASK_STATES = StateMachine(
    "task for a gap",
    initial="open",
    transitions={"open": {"close": "closed", "drop": "dropped"}},
)
