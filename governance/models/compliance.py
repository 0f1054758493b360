from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone


class Assurance(models.Model):
    """A person's signed word, until a day, that a control is met where no record can tell."""

    project = models.ForeignKey("lifecycle.Project", models.PROTECT, related_name="assurances")
    framework_key = models.CharField(max_length=100)
    control = models.CharField(max_length=100)
    statement = models.TextField(help_text="what is so, and how the signer knows")
    link = models.CharField(max_length=500, blank=True, help_text="http or https: where it can be seen")
    signed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="assurances")
    signer_name = models.CharField(max_length=300, help_text="printed name at the time")
    second_factor = models.CharField(max_length=20, blank=True)
    digest = models.CharField(max_length=64, help_text="SHA-256 of what was signed")
    signed_at = models.DateTimeField()
    expires_on = models.DateField(help_text="the last day on which it holds")
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    ended_because = models.TextField(blank=True)

    class Meta:
        ordering = ["project", "framework_key", "control", "-signed_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["project", "framework_key", "control"],
                condition=Q(ended_at__isnull=True),
                name="assurance_one_for_a_control",
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) | ~Q(ended_because=""), name="assurance_ended_says_why"
            ),
            models.CheckConstraint(
                condition=Q(link="") | Q(link__startswith="http://") | Q(link__startswith="https://"),
                name="assurance_link_is_http",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.control}, assured by {self.signer_name}"

    @property
    def holds(self) -> bool:
        """Whether it stands today (UTC)."""
        return self.ended_at is None and self.expires_on >= timezone.now().astimezone(dt.UTC).date()


class ControlExclusion(models.Model):
    """That a control has no bearing on a project, and why."""

    project = models.ForeignKey("lifecycle.Project", models.PROTECT, related_name="control_exclusions")
    framework_key = models.CharField(max_length=100)
    control = models.CharField(max_length=100)
    reason = models.TextField()
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    decided_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["project", "framework_key", "control", "-decided_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["project", "framework_key", "control"],
                condition=Q(ended_at__isnull=True),
                name="control_exclusion_one_at_a_time",
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="control_exclusion_has_reason"),
        ]

    def __str__(self) -> str:
        return f"{self.control} has no bearing"


class Classification(models.Model):
    """What a project is under the law: answers to fixed questions, what follows from them, and who signed."""

    project = models.ForeignKey("lifecycle.Project", models.PROTECT, related_name="classifications")
    number = models.PositiveIntegerField()
    answers = models.JSONField(help_text="by the keys of the questions")
    result = models.JSONField(help_text="risk class, route, duty, tier, frameworks, reasons, dates")
    purpose = models.TextField(help_text="the project's purpose as it was when this was signed")
    signed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    signer_name = models.CharField(max_length=300)
    second_factor = models.CharField(max_length=20, blank=True)
    digest = models.CharField(max_length=64, help_text="SHA-256 of answers, result and purpose")
    signed_at = models.DateTimeField()

    class Meta:
        ordering = ["project", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["project", "number"], name="classification_number_once")
        ]

    def __str__(self) -> str:
        return f"classification {self.number} of {self.project}"
