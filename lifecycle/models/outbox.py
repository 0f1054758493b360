from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from ledger.states import StateMachine


class Job(models.Model):
    """Background work, written in the transaction that asks for it, before any broker hears of it."""

    class State(models.TextChoices):
        PENDING = "pending", _("Pending")
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")

    task = models.CharField(max_length=100, help_text="name of the handler, such as runs.execute")
    args = models.JSONField(default=dict)
    key = models.CharField(max_length=200, unique=True, help_text="the same work is asked for once")
    state = models.CharField(max_length=10, choices=State.choices, default=State.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    max_attempts = models.PositiveSmallIntegerField(default=5)
    available_at = models.DateTimeField(help_text="not before this time")
    sent_at = models.DateTimeField(null=True, blank=True, help_text="last handed to the broker")
    lease_until = models.DateTimeField(null=True, blank=True, help_text="a worker holds it until then")
    lease_token = models.CharField(max_length=32, blank=True)
    error = models.TextField(blank=True)
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["pk"]
        indexes = [models.Index(fields=["state", "available_at"], name="job_due")]

    def __str__(self) -> str:
        return f"{self.task} {self.key}"


JOB_STATES = StateMachine(
    "job",
    initial="pending",
    transitions={
        "pending": {"claim": "running"},
        "running": {
            "claim": "running",
            "finish": "done",
            "retry": "pending",
            "give_up": "failed",
        },
        "failed": {"retry": "pending"},
    },
)
