from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class DataSet(models.Model):
    """Data that runs of a project read or write, under one name; its states are its versions."""

    project = models.ForeignKey("lifecycle.Project", models.PROTECT, related_name="data_sets")
    name = models.CharField(max_length=500)
    source = models.CharField(
        max_length=2000, blank=True, help_text="where it comes from, in words or a link"
    )
    licence = models.CharField(max_length=300, blank=True)
    owner = models.CharField(max_length=300, blank=True, help_text="who answers for it")
    description = models.TextField(blank=True)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["project", "name", "pk"]
        constraints = [models.UniqueConstraint(fields=["project", "name"], name="data_set_name_once")]

    def __str__(self) -> str:
        return self.name


class DataSetVersion(models.Model):
    """One state of a data set, named by its digest. Never edited."""

    class Method(models.TextChoices):
        BYTES = "bytes", _("SHA-256 of the file")
        KEPT = "kept", _("Rows in their order")
        ANY = "any", _("Rows in any order")
        SOURCE = "source", _("As its source writes it")

    data_set = models.ForeignKey("lifecycle.DataSet", models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    method = models.CharField(max_length=6, choices=Method.choices)
    digest = models.CharField(max_length=500)
    file_digest = models.CharField(max_length=64, blank=True, help_text="SHA-256 of the file that was read")
    rows = models.BigIntegerField(null=True, blank=True)
    size = models.BigIntegerField(null=True, blank=True, help_text="bytes")
    schema = models.JSONField(default=list, blank=True, help_text="[{name, type}, …]")
    uri = models.CharField(max_length=2000, blank=True)
    query = models.TextField(blank=True, help_text="SQL, where the rows are its answer")
    snapshot = models.OneToOneField(
        "lifecycle.Snapshot",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="data_set_version",
        help_text="what a handoff or a task points at",
    )
    registered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="nobody: a run used it",
    )
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["data_set", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["data_set", "number"], name="data_set_version_number_once"),
            models.UniqueConstraint(
                fields=["data_set", "method", "digest"], name="data_set_version_digest_once"
            ),
            models.CheckConstraint(condition=~Q(digest=""), name="data_set_version_has_digest"),
        ]
        indexes = [
            models.Index(fields=["digest"], name="data_set_version_digest"),
            models.Index(fields=["file_digest"], condition=~Q(file_digest=""), name="data_set_version_file"),
        ]

    def __str__(self) -> str:
        return f"{self.data_set} {self.number}"


class DataUse(models.Model):
    """That a run read or wrote a version of a data set."""

    run = models.ForeignKey("lifecycle.Run", models.CASCADE, related_name="data_uses")
    version = models.ForeignKey("lifecycle.DataSetVersion", models.PROTECT, related_name="uses")
    role = models.CharField(max_length=60, help_text="such as data, training, test, reference, current")
    written = models.BooleanField(default=False, help_text="the run made it")

    class Meta:
        ordering = ["run", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["run", "version", "role", "written"], name="data_use_once")
        ]

    def __str__(self) -> str:
        return f"{self.run_id} {self.role} {self.version_id}"
