from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from ledger.states import StateMachine


class Finding(models.Model):
    """Something that must be put right: by its owner, until a day, and seen to be so by somebody else."""

    class Severity(models.TextChoices):
        LOW = "low", _("Low")
        MEDIUM = "medium", _("Medium")
        HIGH = "high", _("High")
        CRITICAL = "critical", _("Critical")

    class State(models.TextChoices):
        OPEN = "open", _("Open")
        IN_WORK = "in_work", _("In work")
        RESOLVED = "resolved", _("Resolved")
        VERIFIED = "verified", _("Verified")

    project = models.ForeignKey("lifecycle.Project", models.PROTECT, related_name="findings")
    title = models.CharField(max_length=300)
    detail = models.TextField(blank=True)
    severity = models.CharField(max_length=8, choices=Severity.choices)
    holds = models.BooleanField(default=False, help_text="no gate of the project passes while it stands")
    state = models.CharField(max_length=8, choices=State.choices, default=State.OPEN)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="findings",
    )
    model_digest = models.CharField(
        max_length=64, blank=True, help_text="the model it is about; empty: the whole project"
    )
    of_running = models.BooleanField(
        default=False, help_text="about what was seen running; nothing that was decided is stale by it"
    )
    due_on = models.DateField(null=True, blank=True)
    opened_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+",
        help_text="nobody: the site found it itself",
    )  # fmt: skip
    opened_at = models.DateTimeField()
    resolved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    resolved_at = models.DateTimeField(null=True, blank=True)
    settlement = models.TextField(blank=True, help_text="how it was put right")
    verified_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    settled_at = models.DateTimeField(null=True, blank=True, help_text="when somebody else saw that it is")

    class Meta:
        ordering = ["project", "-opened_at", "-pk"]
        indexes = [models.Index(fields=["project", "state"], name="finding_of_project")]
        constraints = [
            models.CheckConstraint(
                condition=(Q(state="verified", settled_at__isnull=False) & ~Q(settlement=""))
                | (~Q(state="verified") & Q(settled_at__isnull=True)),
                name="finding_verified_says_how",
            ),
            models.CheckConstraint(
                condition=Q(verified_by__isnull=True) | ~Q(verified_by=models.F("resolved_by")),
                name="finding_verified_by_another",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def stands(self) -> bool:
        """Whether it is not yet seen to be put right."""
        return self.state != self.State.VERIFIED


FINDING_STATES = StateMachine(
    "finding",
    initial="open",
    transitions={
        "open": {"start": "in_work", "resolve": "resolved"},
        "in_work": {"resolve": "resolved"},
        "resolved": {"verify": "verified", "return": "in_work"},
    },
)
