from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from ledger.states import StateMachine


class RunningPlace(models.Model):
    """Where it is seen what runs: an alias of registered models, or a file or folder on disk."""

    class Kind(models.TextChoices):
        ALIAS = "alias", _("Alias in a registry")
        FILES = "files", _("Files")

    kind = models.CharField(max_length=5, choices=Kind.choices)
    project = models.ForeignKey("lifecycle.Project", models.PROTECT, related_name="running_places")
    connector = models.ForeignKey(
        "lifecycle.Connector", models.PROTECT, null=True, blank=True, related_name="running_places"
    )
    model = models.CharField(
        max_length=256, blank=True, help_text="name of the registered model; * and ? stand for others"
    )
    alias = models.CharField(max_length=255, blank=True)
    path = models.CharField(max_length=2000, blank=True)
    environment = models.CharField(max_length=60)
    scope = models.JSONField(default=dict, blank=True)
    retired_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    next_look_at = models.DateTimeField(null=True, blank=True)
    looked_at = models.DateTimeField(null=True, blank=True, help_text="the last look that saw something")
    problem = models.TextField(blank=True, help_text="why the last look saw nothing")

    class Meta:
        ordering = ["project", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=(Q(kind="alias", connector__isnull=False, path="") & ~Q(model="") & ~Q(alias=""))
                | (Q(kind="files", connector__isnull=True, model="", alias="") & ~Q(path="")),
                name="running_place_is_one_thing",
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_look_at"], condition=Q(retired_at__isnull=True), name="running_place_due"
            ),
        ]

    def __str__(self) -> str:
        return self.path or f"{self.model}@{self.alias}"


class Sighting(models.Model):
    """A model that was seen somewhere, whether it may run there, or why nobody knows which it is."""

    class State(models.TextChoices):
        AUTHORIZED = "authorized", _("Authorized")
        UNAUTHORIZED = "unauthorized", _("Not authorized")
        GONE = "gone", _("Gone")

    STANDING = (State.AUTHORIZED, State.UNAUTHORIZED)

    key = models.CharField(max_length=64, unique=True, help_text="SHA-256 of where it was seen")
    place = models.ForeignKey(
        "governance.RunningPlace", models.PROTECT, null=True, blank=True, related_name="sightings",
        help_text="none: it was handed in",
    )  # fmt: skip
    project = models.ForeignKey(
        "lifecycle.Project", models.PROTECT, null=True, blank=True, related_name="sightings",
        help_text="none: nobody knows whose it is",
    )  # fmt: skip
    source = models.CharField(max_length=130, help_text="such as cluster:eu-1, mlflow:tracker, files")
    where = models.CharField(max_length=500, help_text="the alias, the object, the path")
    what = models.CharField(max_length=500, blank=True, help_text="what lies there by its name")
    digest = models.CharField(max_length=64, blank=True)
    problem = models.CharField(max_length=500, blank=True)
    environment = models.CharField(max_length=60)
    scope = models.JSONField(default=dict, blank=True)
    state = models.CharField(max_length=12, choices=State.choices)
    reason = models.TextField(help_text="what the gate check said last")
    authorization = models.ForeignKey(
        "governance.Authorization", models.PROTECT, null=True, blank=True, related_name="sightings"
    )
    finding = models.ForeignKey(
        "governance.Finding", models.PROTECT, null=True, blank=True, related_name="sightings"
    )
    reported_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    changed_at = models.DateTimeField(help_text="since when it is what it is")

    class Meta:
        ordering = ["-last_seen_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(state="authorized") | ~Q(digest=""), name="sighting_authorized_is_known"
            ),
            models.CheckConstraint(
                condition=~Q(digest="") | ~Q(problem=""), name="sighting_says_why_it_is_unknown"
            ),
        ]
        indexes = [
            models.Index(fields=["project", "state"], name="sighting_of_project"),
            models.Index(fields=["source", "state"], name="sighting_of_source"),
            models.Index(fields=["state", "-last_seen_at", "-id"], name="sighting_by_state"),
        ]

    def __str__(self) -> str:
        return self.where


SIGHTING_STATES = StateMachine(
    "sighting",
    initial=("authorized", "unauthorized"),
    transitions={
        "authorized": {"deny": "unauthorized", "lose": "gone"},
        "unauthorized": {"allow": "authorized", "lose": "gone"},
        "gone": {"allow": "authorized", "deny": "unauthorized"},
    },
)


class HashedArtifact(models.Model):
    """The digest of what lies at an address, as long as names, sizes and times say that it is the same."""

    uri = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the address")
    stamp = models.CharField(max_length=64, help_text="SHA-256 of what differs when a file changes")
    digest = models.CharField(max_length=64)
    hashed_at = models.DateTimeField()

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.digest[:12]
