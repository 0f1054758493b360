from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from ledger.states import StateMachine


class Task(models.Model):
    """One task of one phase: done when its evidence is there and another person verified it."""

    class State(models.TextChoices):
        PLANNED = "planned", _("Planned")
        INSTANTIATED = "instantiated", _("Started")
        RISKS_IDENTIFIED = "risks_identified", _("Risks identified")
        MITIGATING = "mitigating", _("Mitigating risks")
        RISKS_ACCEPTED = "risks_accepted", _("Risks accepted")
        EVIDENCE_ATTACHED = "evidence_attached", _("Evidence attached")
        VERIFIED = "verified", _("Verified")
        NOT_APPLICABLE = "not_applicable", _("Not applicable")
        REOPENED = "reopened", _("Reopened")
        BLOCKED = "blocked", _("Blocked")

    phase = models.ForeignKey("lifecycle.Phase", models.PROTECT, related_name="tasks")
    key = models.CharField(max_length=20)
    name = models.CharField(max_length=300)
    summary = models.TextField(blank=True)
    order = models.PositiveSmallIntegerField()
    stage = models.CharField(max_length=20, blank=True)
    role = models.CharField(max_length=20, help_text="role code of the process that owns it by default")
    mandatory = models.BooleanField(default=True)
    evidence_kinds = models.JSONField(default=list, help_text="kinds that must be there, such as TRN")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="owned_tasks",
        help_text="responsible: does it",
    )
    accountable = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="accountable_tasks",
        help_text="answers for it",
    )
    state = models.CharField(max_length=20, choices=State.choices, default=State.PLANNED)
    due_on = models.DateField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    verified_at = models.DateTimeField(null=True, blank=True)
    verified_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )
    state_reason = models.TextField(blank=True, help_text="why blocked, reopened or not applicable")

    class Meta:
        ordering = ["phase", "order"]
        indexes = [
            models.Index(fields=["phase"], condition=Q(state="evidence_attached"), name="task_to_verify"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["phase", "key"], name="task_once_per_phase"),
            models.CheckConstraint(
                condition=Q(
                    state="verified",
                    verified_at__isnull=False,
                    verified_by__isnull=False,
                )
                | (~Q(state="verified") & Q(verified_at__isnull=True, verified_by__isnull=True)),
                name="task_verified_by_iff_verified",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.key} {self.name}"


class TaskDuty(models.Model):
    """Who is consulted or informed. Responsible and accountable stand on the task: there is one of each."""

    class Duty(models.TextChoices):
        CONSULTED = "C", _("Consulted")
        INFORMED = "I", _("Informed")

    task = models.ForeignKey("lifecycle.Task", models.PROTECT, related_name="duties")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    duty = models.CharField(max_length=1, choices=Duty.choices)

    class Meta:
        ordering = ["task", "user__name", "pk"]
        constraints = [models.UniqueConstraint(fields=["task", "user"], name="task_duty_once_per_person")]

    def __str__(self) -> str:
        return f"{self.user} {self.duty} {self.task}"


_BLOCK = {"block": "blocked"}
TASK_STATES = StateMachine(
    "task",
    initial="planned",
    transitions={
        "planned": {"start": "instantiated", "exclude": "not_applicable"},
        "instantiated": {
            "identify_risks": "risks_identified",
            "exclude": "not_applicable",
            **_BLOCK,
        },
        "risks_identified": {
            "accept_risks": "risks_accepted",
            "mitigate": "mitigating",
            **_BLOCK,
        },
        "mitigating": {"accept_risks": "risks_accepted", **_BLOCK},
        "risks_accepted": {
            "attach_evidence": "evidence_attached",
            "mitigate": "mitigating",
            **_BLOCK,
        },
        "evidence_attached": {
            "verify": "verified",
            "reject_evidence": "mitigating",
            **_BLOCK,
        },
        "verified": {"reopen": "reopened"},
        "not_applicable": {"reopen": "reopened"},
        "reopened": {"start": "instantiated"},
        "blocked": {"start": "instantiated"},
    },
)
