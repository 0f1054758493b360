from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from ledger.states import StateMachine


class Condition(models.Model):
    """What a gate is passed on: done by its owner until a day, or the gate closes again."""

    class State(models.TextChoices):
        PROPOSED = "proposed", _("Proposed")
        DROPPED = "dropped", _("Dropped")
        OPEN = "open", _("Open")
        FULFILLED = "fulfilled", _("Fulfilled")
        MISSED = "missed", _("Missed")

    gate = models.ForeignKey("governance.Gate", models.PROTECT, related_name="conditions")
    text = models.TextField()
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="conditions")
    due_on = models.DateField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.PROPOSED)
    proposed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()
    note = models.TextField(blank=True, help_text="what shows that it is fulfilled")
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["gate", "due_on", "pk"]

    def __str__(self) -> str:
        return self.text[:100]


CONDITION_STATES = StateMachine(
    "condition",
    initial="proposed",
    transitions={
        "proposed": {"drop": "dropped", "bind": "open"},
        "open": {"fulfil": "fulfilled", "miss": "missed"},
    },
)
