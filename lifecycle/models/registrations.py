from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from ledger.states import StateMachine


class Registration(models.Model):
    """A model or data set that somebody asked to have named by its digest; done in the background."""

    class Kind(models.TextChoices):
        MODEL = "model", _("Model")
        DATA = "data", _("Data set")

    class State(models.TextChoices):
        QUEUED = "queued", _("Queued")
        RUNNING = "running", _("Running")
        FINISHED = "finished", _("Finished")
        FAILED = "failed", _("Failed")

    project = models.ForeignKey("lifecycle.Project", models.PROTECT, related_name="registrations")
    kind = models.CharField(max_length=5, choices=Kind.choices)
    uri = models.CharField(max_length=2000)
    spec = models.JSONField(default=dict, blank=True)
    key = models.CharField(max_length=200, blank=True, help_text="asked again with it, it is the same")
    run = models.ForeignKey(
        "lifecycle.Run",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="registrations",
        help_text="the training that made the model",
    )
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    progress = models.FloatField(default=0.0, help_text="0 to 1")
    step = models.CharField(max_length=200, blank=True)
    error = models.TextField(blank=True)
    model_version = models.ForeignKey(
        "lifecycle.ModelVersion", models.PROTECT, null=True, blank=True, related_name="registrations"
    )
    data_version = models.ForeignKey(
        "lifecycle.DataSetVersion", models.PROTECT, null=True, blank=True, related_name="registrations"
    )
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["project", "key"], condition=~Q(key=""), name="registration_key_once"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["finished", "failed"], finished_at__isnull=False)
                | (Q(state__in=["queued", "running"]) & Q(finished_at__isnull=True)),
                name="registration_finished_at_iff_ended",
            ),
            models.CheckConstraint(
                condition=~Q(state="failed") | ~Q(error=""), name="registration_failed_has_error"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.uri}"


REGISTRATION_STATES = StateMachine(
    "registration",
    initial="queued",
    transitions={
        "queued": {"begin": "running", "fail": "failed"},
        "running": {"begin": "running", "finish": "finished", "fail": "failed"},
    },
)


class ModelSignature(models.Model):
    """What the signature beside a model was worth when it was looked at. Never edited."""

    class State(models.TextChoices):
        VERIFIED = "verified", _("Verified")
        FAILED = "failed", _("Does not fit")
        UNKNOWN_KEY = "unknown_key", _("Unknown key")
        UNREADABLE = "unreadable", _("Cannot be read")

    model_version = models.ForeignKey("lifecycle.ModelVersion", models.PROTECT, related_name="signatures")
    state = models.CharField(max_length=12, choices=State.choices)
    text = models.CharField(max_length=1000)
    key_name = models.CharField(max_length=200, blank=True, help_text="file of the key that it was made with")
    key_digest = models.CharField(max_length=64, blank=True, help_text="SHA-256 of the public key as PEM")
    bundle = models.TextField(blank=True, help_text="the signature itself")
    bundle_digest = models.CharField(max_length=64, help_text="SHA-256 of the signature file")
    checked_at = models.DateTimeField()

    class Meta:
        ordering = ["model_version", "-checked_at", "-pk"]

    def __str__(self) -> str:
        return f"{self.model_version_id} {self.state}"
