from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Project(models.Model):
    """One machine-learning system under governance. Pins a process version."""

    class State(models.TextChoices):
        ACTIVE = "active", _("Active")
        CLOSED = "closed", _("Closed")

    class RiskClass(models.TextChoices):
        MINIMAL = "minimal", _("Minimal risk")
        LIMITED = "limited", _("Limited risk")
        HIGH = "high", _("High risk")

    slug = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=300)
    purpose = models.TextField(blank=True)
    risk_class = models.CharField(max_length=10, choices=RiskClass.choices, default=RiskClass.LIMITED)
    risk_appetite = models.PositiveSmallIntegerField(
        default=6,
        help_text="highest severity times occurrence (1 to 25) that needs no named acceptance",
    )
    process_version = models.ForeignKey("lifecycle.ProcessVersion", models.PROTECT, related_name="projects")
    state = models.CharField(max_length=10, choices=State.choices, default=State.ACTIVE)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["name", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(risk_appetite__gte=1, risk_appetite__lte=25),
                name="project_risk_appetite_in_range",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """What a person is in a project."""

    class Role(models.TextChoices):
        MANAGER = "manager", _("Manager")
        CONTRIBUTOR = "contributor", _("Contributor")
        REVIEWER = "reviewer", _("Reviewer")
        AUDITOR = "auditor", _("Auditor")

    project = models.ForeignKey("lifecycle.Project", models.PROTECT, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="memberships")
    role = models.CharField(max_length=12, choices=Role.choices)
    crisp_roles = models.JSONField(
        default=list,
        blank=True,
        help_text="role codes of the process, such as DS or DX",
    )
    joined_at = models.DateTimeField()
    left_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["project", "user__name", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["project", "user"], name="membership_once_per_person"),
        ]

    def __str__(self) -> str:
        return f"{self.user} ({self.role})"
