from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from ledger.models import DigestField
from ledger.states import StateMachine


class Run(models.Model):
    """Something that really ran: training, evaluation, data validation, deployment or monitoring.

    A run of ours moves as `RUN_STATES` says. A run from outside (`batch` is set) is what its source said
    last, in whatever state that is; `source` and `external_id` name it in its project.
    """

    class Kind(models.TextChoices):
        DATA_VALIDATION = "DVR", _("Data validation")
        TRAINING = "TRN", _("Training")
        EVALUATION = "EVR", _("Evaluation")
        DEPLOYMENT = "DPR", _("Deployment")
        MONITORING = "MON", _("Monitoring")

    class State(models.TextChoices):
        QUEUED = "queued", _("Queued")
        RUNNING = "running", _("Running")
        FINISHED = "finished", _("Finished")
        FAILED = "failed", _("Failed")

    project = models.ForeignKey("lifecycle.Project", models.PROTECT, related_name="runs")
    iteration = models.ForeignKey(
        "lifecycle.Iteration",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="runs",
    )
    task = models.ForeignKey("lifecycle.Task", models.PROTECT, null=True, blank=True, related_name="runs")
    kind = models.CharField(max_length=3, choices=Kind.choices)
    title = models.CharField(max_length=300)
    source = models.CharField(max_length=40, default="builtin", help_text="executor or connector")
    external_id = models.CharField(max_length=200, blank=True)
    parent_external_id = models.CharField(
        max_length=200,
        blank=True,
        default="",
        help_text="the run of the same source that this one is a part of",
    )
    url = models.CharField(max_length=2000, blank=True, default="", help_text="where it can be seen outside")
    content_digest = DigestField(  # type: ignore[misc]
        null=True, help_text="SHA-256 of what the source said last; none for a run of ours"
    )
    batch = models.ForeignKey(
        "lifecycle.RunBatch",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="what brought it last; none for a run of ours",
    )
    deleted_at_source = models.BooleanField(default=False)
    spec = models.JSONField(default=dict, help_text="the declarative specification it was started with")
    spec_digest = models.CharField(max_length=64, blank=True)
    record = models.JSONField(
        default=dict,
        blank=True,
        help_text="what came out: parameters, metrics, slices, data, environment",
    )
    model_version = models.ForeignKey(
        "lifecycle.ModelVersion",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="runs",
        help_text="made by a training; looked at by an evaluation, deployment or monitoring",
    )
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    progress = models.FloatField(default=0.0, help_text="0 to 1")
    step = models.CharField(max_length=200, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    error = models.TextField(blank=True)
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="nobody: a schedule or trigger started it",
    )
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["finished", "failed"], finished_at__isnull=False)
                | (Q(state__in=["queued", "running"]) & Q(finished_at__isnull=True)),
                name="run_finished_at_iff_ended",
            ),
            models.CheckConstraint(condition=~Q(state="failed") | ~Q(error=""), name="run_failed_has_error"),
            models.UniqueConstraint(
                fields=["project", "source", "external_id"],
                condition=~Q(external_id=""),
                name="run_external_id_once",
            ),
        ]
        indexes = [
            # Each is the order of one list, so that a page reads its rows and no more.
            models.Index(fields=["project", "-id"], name="run_by_project"),
            models.Index(fields=["project", "kind", "-id"], name="run_by_kind"),
            models.Index(fields=["project", "state", "-id"], name="run_by_state"),
            models.Index(fields=["project", "source", "-id"], name="run_by_source"),
            models.Index(fields=["project", "-started_at", "-id"], name="run_by_start"),
            models.Index(
                fields=["project", "title"], opclasses=["int8_ops", "text_pattern_ops"], name="run_by_title"
            ),
            models.Index(
                fields=["project", "kind", "-finished_at", "-id"],
                condition=Q(state="finished"),
                name="run_by_finish",
            ),
            models.Index(
                fields=["project", "source", "parent_external_id"],
                condition=~Q(parent_external_id=""),
                name="run_by_parent",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk} {self.title}"

    @property
    def label(self) -> str:
        """Short name for tables and links, such as "TRN 12"."""
        return f"{self.kind} {self.pk}"


RUN_STATES = StateMachine(
    "run",
    initial="queued",
    transitions={
        "queued": {"begin": "running", "fail": "failed"},
        "running": {"begin": "running", "finish": "finished", "fail": "failed"},
    },
)


class ModelVersion(models.Model):
    """A model as it was made, named by the SHA-256 of its artifact; a folder as model signing names it."""

    project = models.ForeignKey("lifecycle.Project", models.PROTECT, related_name="model_versions")
    number = models.PositiveIntegerField()
    digest = models.CharField(max_length=64, help_text="SHA-256 of the artifact")
    path = models.CharField(
        max_length=300, blank=True, help_text="name in the default storage; empty: it lies where it came from"
    )
    size = models.BigIntegerField(help_text="bytes")
    source_uri = models.CharField(
        max_length=2000,
        blank=True,
        default="",
        help_text="where it was read from; empty: a run of ours made it",
    )
    manifest = models.TextField(
        blank=True,
        default="",
        help_text="canonical JSON of its files with names and digests; empty: one of ours",
    )
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["project", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["project", "number"], name="model_version_number_once"),
            models.UniqueConstraint(fields=["project", "digest"], name="model_version_digest_once"),
        ]

    def __str__(self) -> str:
        return f"{self.project} model {self.number}"
