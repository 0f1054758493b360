from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from ledger.states import StateMachine


class Reproduction(models.Model):
    """A training done again from its record on the same data, and how what came out compares."""

    class State(models.TextChoices):
        RUNNING = "running", _("Running")
        SAME = "same", _("The same, byte for byte")
        WITHIN = "within", _("Within tolerance")
        DIFFERS = "differs", _("Differs")
        FAILED = "failed", _("Failed")

    original = models.ForeignKey("lifecycle.Run", models.PROTECT, related_name="reproductions")
    run = models.OneToOneField("lifecycle.Run", models.PROTECT, related_name="reproduces")
    tolerance = models.FloatField(help_text="largest difference of a metric that still counts as the same")
    state = models.CharField(max_length=8, choices=State.choices, default=State.RUNNING)
    differences = models.JSONField(
        default=list, blank=True, help_text="each metric before and after, and whether it is within tolerance"
    )
    asked_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-asked_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state="running", settled_at__isnull=True)
                | (~models.Q(state="running") & models.Q(settled_at__isnull=False)),
                name="reproduction_settled_iff_over",
            ),
            models.CheckConstraint(
                condition=models.Q(tolerance__gte=0), name="reproduction_tolerance_not_negative"
            ),
        ]

    def __str__(self) -> str:
        return f"reproduction of {self.original}"


REPRODUCTION_STATES = StateMachine(
    "reproduction",
    initial="running",
    transitions={"running": {"match": "same", "come_near": "within", "differ": "differs", "fail": "failed"}},
)
