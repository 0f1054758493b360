from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from ledger.states import StateMachine

_SCORE = Q(severity__gte=1, severity__lte=5, occurrence__gte=1, occurrence__lte=5)


class Risk(models.Model):
    """What may go wrong in a task, before and after what is done about it."""

    class State(models.TextChoices):
        IDENTIFIED = "identified", _("Identified")
        ASSESSED = "assessed", _("Assessed")
        UNACCEPTABLE = "unacceptable", _("Unacceptable")
        QA_SELECTED = "qa_selected", _("Measure chosen")
        IN_MITIGATION = "in_mitigation", _("In mitigation")
        REASSESSED = "reassessed", _("Reassessed")
        ACCEPTED = "accepted", _("Accepted")
        CLOSED = "closed", _("Closed")
        REOPENED = "reopened", _("Reopened")
        ESCALATED = "escalated", _("Escalated")

    task = models.ForeignKey("lifecycle.Task", models.PROTECT, related_name="risks")
    key = models.CharField(max_length=20, help_text="of the process, such as R4-05; own ones begin with X")
    text = models.CharField(max_length=600)
    category = models.CharField(max_length=20, default="technical")
    severity = models.PositiveSmallIntegerField(null=True, blank=True, help_text="1 to 5")
    occurrence = models.PositiveSmallIntegerField(null=True, blank=True, help_text="1 to 5")
    inherent_severity = models.PositiveSmallIntegerField(null=True, blank=True)
    inherent_occurrence = models.PositiveSmallIntegerField(null=True, blank=True)
    score = models.GeneratedField(
        expression=F("severity") * F("occurrence"),
        output_field=models.PositiveSmallIntegerField(null=True),
        db_persist=True,
    )
    loops = models.PositiveSmallIntegerField(default=0, help_text="how often it was reassessed")
    state = models.CharField(max_length=14, choices=State.choices, default=State.IDENTIFIED)
    accepted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )
    accepted_reason = models.TextField(blank=True)
    accepted_until = models.DateField(null=True, blank=True)

    class Meta:
        ordering = ["task", "key", "pk"]
        indexes = [models.Index(fields=["task"], condition=Q(state="escalated"), name="risk_to_decide")]
        constraints = [
            models.UniqueConstraint(fields=["task", "key"], name="risk_once_per_task"),
            models.CheckConstraint(
                condition=Q(severity__isnull=True, occurrence__isnull=True) | _SCORE,
                name="risk_score_in_range",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.key} {self.text}"


class QualityAction(models.Model):
    """A quality-assurance method put to work against a risk."""

    class State(models.TextChoices):
        SELECTED = "selected", _("Chosen")
        RUNNING = "running", _("Running")
        PASSED = "passed", _("Passed")
        FAILED = "failed", _("Failed")
        INCONCLUSIVE = "inconclusive", _("Inconclusive")
        CANCELLED = "cancelled", _("Cancelled")

    risk = models.ForeignKey("lifecycle.Risk", models.PROTECT, related_name="actions")
    method = models.CharField(max_length=20, help_text="key of the method, such as Q4-05")
    name = models.CharField(max_length=600)
    performer = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )
    evidence = models.ForeignKey(
        "lifecycle.Evidence",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="quality_actions",
    )
    state = models.CharField(max_length=12, choices=State.choices, default=State.SELECTED)
    note = models.TextField(blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["risk", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(state__in=["passed", "failed", "inconclusive"]) | Q(evidence__isnull=False),
                name="quality_action_finished_has_evidence",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.method} {self.name}"


_REOPEN = {"reopen": "reopened"}
RISK_STATES = StateMachine(
    "risk",
    initial="identified",
    transitions={
        "identified": {"assess": "assessed"},
        "reopened": {"assess": "assessed"},
        "assessed": {"accept": "accepted", "refuse": "unacceptable"},
        "unacceptable": {"choose_measure": "qa_selected"},
        "qa_selected": {"start_measure": "in_mitigation", "give_up_measures": "unacceptable"},
        "in_mitigation": {"reassess": "reassessed", "give_up_measures": "unacceptable"},
        "reassessed": {
            "accept": "accepted",
            "refuse": "unacceptable",
            "escalate": "escalated",
            "close": "closed",
        },
        "escalated": {"accept": "accepted", "redefine": "reopened"},
        "accepted": {"close": "closed", **_REOPEN},
        "closed": _REOPEN,
    },
)

QUALITY_ACTION_STATES = StateMachine(
    "quality action",
    initial="selected",
    transitions={
        "selected": {"start": "running", "cancel": "cancelled"},
        "running": {
            "pass": "passed",
            "fail": "failed",
            "leave_open": "inconclusive",
            "cancel": "cancelled",
        },
    },
)
