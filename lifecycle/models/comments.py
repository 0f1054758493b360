from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q


class Comment(models.Model):
    """What a person says about a record of a project. Never edited; withdrawn at most, and kept.

    `subject_type` and `subject_id` name the record as the ledger does, so that records of every app can have
    comments and this table points at none of them.
    """

    project = models.ForeignKey("lifecycle.Project", models.PROTECT, related_name="comments")
    subject_type = models.CharField(max_length=100)
    subject_id = models.CharField(max_length=100)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="comments")
    text = models.TextField()
    mentioned = models.ManyToManyField(settings.AUTH_USER_MODEL, related_name="mentions", blank=True)
    created_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    withdrawn_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )

    class Meta:
        ordering = ["pk"]
        indexes = [
            models.Index(fields=["subject_type", "subject_id"], name="comment_subject"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(withdrawn_at__isnull=True, withdrawn_by__isnull=True)
                | Q(withdrawn_at__isnull=False, withdrawn_by__isnull=False),
                name="comment_withdrawn_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return f"comment on {self.subject_type} {self.subject_id}"

    @property
    def withdrawn(self) -> bool:
        return self.withdrawn_at is not None
