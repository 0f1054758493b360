from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _


class Feedback(models.Model):
    """What a reader of a gate thinks of it. It decides nothing; a request for changes waits for an answer."""

    class Grade(models.TextChoices):
        FINE = "fine", _("Fine")
        MINOR = "minor", _("Minor issue")
        MAJOR = "major", _("Major issue")

    gate = models.ForeignKey("governance.Gate", models.PROTECT, related_name="feedback")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    grade = models.CharField(max_length=5, choices=Grade.choices)
    about = models.CharField(max_length=60, blank=True, help_text="key of a criterion; empty: the whole gate")
    text = models.TextField(blank=True)
    asks_changes = models.BooleanField(default=False, help_text="nobody approves until it is settled")
    given_at = models.DateTimeField()
    answer = models.TextField(blank=True)
    settled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["gate", "given_at", "pk"]
        verbose_name_plural = "feedback"

    def __str__(self) -> str:
        return f"{self.get_grade_display()}: {self.text[:80]}"

    @property
    def waits(self) -> bool:
        """A request for changes that is not settled."""
        return self.asks_changes and self.settled_at is None


class Recusal(models.Model):
    """Somebody who was asked to sign and does not: abstains, or lets another one sign instead."""

    gate = models.ForeignKey("governance.Gate", models.PROTECT, related_name="recusals")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    delegate = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+",
        help_text="nobody: abstained",
    )  # fmt: skip
    reason = models.TextField()
    recused_at = models.DateTimeField()

    class Meta:
        ordering = ["gate", "recused_at", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["gate", "person"], name="recusal_once"),
            models.CheckConstraint(
                condition=Q(delegate__isnull=True) | ~Q(delegate=F("person")), name="recusal_to_another"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person}: {self.reason[:80]}"
