from __future__ import annotations

from django.conf import settings
from django.db import models


class Attachment(models.Model):
    """A file that somebody gave to a task, kept under the digest of its content.

    The snapshot is the document of its name, size and digest, which can be evidence.
    """

    task = models.ForeignKey("lifecycle.Task", models.PROTECT, related_name="attachments")
    snapshot = models.ForeignKey("lifecycle.Snapshot", models.PROTECT, related_name="attachments")
    name = models.CharField(max_length=200)
    media_type = models.CharField(max_length=100)
    size = models.PositiveBigIntegerField(help_text="bytes")
    digest = models.CharField(max_length=64, help_text="SHA-256 of the file")
    uploaded_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    uploaded_at = models.DateTimeField()

    class Meta:
        ordering = ["task", "-uploaded_at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["task", "snapshot"], name="attachment_once_per_task"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def path(self) -> str:
        """The file's name in the default storage."""
        return f"attachments/{self.digest}"
