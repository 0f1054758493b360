from __future__ import annotations

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from ledger.states import StateMachine


class Report(models.Model):
    """A document asked for, made in the background, kept with its digest."""

    class Kind(models.TextChoices):
        LIFECYCLE = "lifecycle", _("Lifecycle report")

    class State(models.TextChoices):
        QUEUED = "queued", _("Queued")
        RUNNING = "running", _("Being made")
        FINISHED = "finished", _("Finished")
        FAILED = "failed", _("Failed")

    project = models.ForeignKey("lifecycle.Project", models.PROTECT, related_name="reports")
    kind = models.CharField(max_length=20, choices=Kind.choices, default=Kind.LIFECYCLE)
    as_of = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    progress = models.FloatField(default=0.0, help_text="0 to 1")
    step = models.CharField(max_length=200, blank=True)
    error = models.TextField(blank=True)
    path = models.CharField(max_length=300, blank=True, help_text="name in the default storage")
    digest = models.CharField(max_length=64, blank=True, help_text="SHA-256 of the file")
    pages = models.PositiveIntegerField(null=True, blank=True)
    ledger_size = models.BigIntegerField(null=True, blank=True, help_text="entries that it speaks of")
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )
    requested_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-requested_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(state="finished") | (~Q(digest="") & ~Q(path="")),
                name="report_finished_has_file",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} as of {self.as_of:%Y-%m-%d %H:%M}"

    @property
    def file_path(self) -> str:
        """Where the file lies on this machine; empty if there is none, or if the storage is elsewhere."""
        if not self.path:
            return ""
        try:
            return default_storage.path(self.path)
        except NotImplementedError:
            return ""

    @property
    def file_name(self) -> str:
        """What the file is called when somebody takes it along."""
        return f"{self.project.slug}-{self.kind}-{self.as_of:%Y-%m-%d-%H%M}.pdf"

    @property
    def ended(self) -> bool:
        """Whether it was made or given up."""
        return self.state in (self.State.FINISHED, self.State.FAILED)


REPORT_STATES = StateMachine(
    "report",
    initial="queued",
    transitions={
        "queued": {"begin": "running", "fail": "failed"},
        "running": {"begin": "running", "finish": "finished", "fail": "failed"},
    },
)
