from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from ledger.states import StateMachine


class Connector(models.Model):
    """A tracker whose records are fetched. Belongs to the organization; rules bring its runs to projects."""

    class Kind(models.TextChoices):
        MLFLOW = "mlflow", "MLflow"

    class Auth(models.TextChoices):
        NONE = "none", _("None")
        TOKEN = "token", _("Bearer token")
        BASIC = "basic", _("User name and password")

    key = models.SlugField(max_length=40, unique=True, help_text="its name in addresses")
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=20, choices=Kind.choices, default=Kind.MLFLOW)
    url = models.CharField(max_length=500, help_text="where the tracker answers")
    auth = models.CharField(max_length=10, choices=Auth.choices, default=Auth.NONE)
    username = models.CharField(max_length=200, blank=True)
    sealed_secret = models.TextField(blank=True, help_text="token or password, sealed; never shown")
    sealed_webhook_secret = models.TextField(blank=True, help_text="sealed; empty: webhooks are refused")
    webhooks_since = models.DateTimeField(null=True, blank=True)
    enabled = models.BooleanField(default=True)
    every_minutes = models.PositiveIntegerField(default=5)
    full_every_minutes = models.PositiveIntegerField(default=60)
    next_sync_at = models.DateTimeField(null=True, blank=True)
    failures = models.PositiveIntegerField(default=0, help_text="syncs in a row that failed")
    last_error = models.TextField(blank=True)
    last_error_at = models.DateTimeField(null=True, blank=True)
    last_success_at = models.DateTimeField(null=True, blank=True)
    last_full_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["name", "pk"]

    def __str__(self) -> str:
        return self.name

    @property
    def source(self) -> str:
        """How its runs name where they come from."""
        return f"{self.kind}:{self.pk}"


class ConnectorRule(models.Model):
    """Which runs of a connector belong to which project and task. The first rule that fits counts."""

    connector = models.ForeignKey("lifecycle.Connector", models.PROTECT, related_name="rules")
    project = models.ForeignKey("lifecycle.Project", models.PROTECT, related_name="connector_rules")
    order = models.PositiveIntegerField()
    experiment = models.CharField(
        max_length=200, help_text="name of the experiment; * and ? stand for others"
    )
    tags = models.JSONField(default=dict, blank=True, help_text="tag to pattern; all have to fit")
    run_kind = models.CharField(max_length=3, help_text="kind of the runs, such as TRN")
    task_key = models.CharField(max_length=20, blank=True)
    proves = models.BooleanField(default=False, help_text="finished runs become evidence of the task")
    retired_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["connector", "order", "pk"]
        constraints = [
            models.CheckConstraint(condition=Q(proves=False) | ~Q(task_key=""), name="rule_proves_a_task")
        ]

    def __str__(self) -> str:
        return f"{self.experiment} to {self.project}"


class Sync(models.Model):
    """One fetching from a connector. `position` is committed with each batch: it goes on after a crash."""

    class State(models.TextChoices):
        QUEUED = "queued", _("Queued")
        RUNNING = "running", _("Running")
        FINISHED = "finished", _("Finished")
        FAILED = "failed", _("Failed")

    class Reason(models.TextChoices):
        BY_HAND = "by_hand", _("Asked for")
        SCHEDULE = "schedule", _("By schedule")
        WEBHOOK = "webhook", _("After a webhook")
        RULES = "rules", _("After a change of rules")

    connector = models.ForeignKey("lifecycle.Connector", models.PROTECT, related_name="syncs")
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    reason = models.CharField(max_length=10, choices=Reason.choices)
    full = models.BooleanField(default=False, help_text="looks at every run, not at new and open ones only")
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    position = models.JSONField(default=dict, blank=True)
    counts = models.JSONField(default=dict, blank=True)
    problems = models.JSONField(default=list, blank=True, help_text="what went wrong on the way, in words")
    progress = models.FloatField(default=0.0, help_text="0 to 1")
    step = models.CharField(max_length=200, blank=True)
    error = models.TextField(blank=True)
    asked_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["connector"], condition=Q(state__in=["queued", "running"]), name="sync_one_at_a_time"
            )
        ]
        indexes = [models.Index(fields=["connector", "-id"], name="sync_by_connector")]

    def __str__(self) -> str:
        return f"sync {self.pk} of {self.connector_id}"

    @property
    def under_way(self) -> bool:
        """Whether it has not ended."""
        return self.state in (self.State.QUEUED, self.State.RUNNING)


SYNC_STATES = StateMachine(
    "sync",
    initial="queued",
    transitions={
        "queued": {"begin": "running", "fail": "failed"},
        "running": {"begin": "running", "finish": "finished", "fail": "failed"},
    },
)


class SourceRecord(models.Model):
    """What a tracker said last of one of its records; for a run, also where a rule has brought it."""

    class Kind(models.TextChoices):
        EXPERIMENT = "experiment", _("Experiment")
        RUN = "run", _("Run")
        LOGGED_MODEL = "logged_model", _("Logged model")
        MODEL = "model", _("Registered model")
        VERSION = "version", _("Model version")

    class State(models.TextChoices):
        ACTIVE = "active", _("There")
        DELETED = "deleted", _("Deleted")
        GONE = "gone", _("Gone")

    class Proof(models.TextChoices):
        NONE = "", _("None")
        WAITING = "waiting", _("Waits")
        GIVEN = "given", _("Given")

    connector = models.ForeignKey("lifecycle.Connector", models.PROTECT, related_name="records")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    external_id = models.CharField(max_length=300)
    parent = models.CharField(
        max_length=300, blank=True, help_text="experiment of a run or logged model, model of a version"
    )
    name = models.CharField(max_length=300, blank=True)
    state = models.CharField(max_length=8, choices=State.choices, default=State.ACTIVE)
    open = models.BooleanField(default=False, help_text="a run that had not ended when it was last seen")
    digest = models.CharField(max_length=64, help_text="SHA-256 of what was said")
    content = models.JSONField(default=dict, help_text="what was said; of a run only what rules look at")
    rule = models.ForeignKey(
        "lifecycle.ConnectorRule", models.PROTECT, null=True, blank=True, related_name="records"
    )
    run = models.ForeignKey("lifecycle.Run", models.PROTECT, null=True, blank=True, related_name="+")
    refusal = models.TextField(blank=True, help_text="why it could not be taken")
    proof = models.CharField(max_length=8, choices=Proof.choices, blank=True, default=Proof.NONE)
    proof_note = models.TextField(blank=True, help_text="why it waits")
    seen_in = models.BigIntegerField(default=0, help_text="the last full sync that saw it")
    first_seen_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    class Meta:
        ordering = ["connector", "kind", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["connector", "kind", "external_id"], name="source_record_once")
        ]
        indexes = [
            models.Index(fields=["connector", "kind", "parent", "state"], name="source_record_by_parent"),
            models.Index(fields=["connector"], condition=Q(open=True), name="source_record_open"),
            models.Index(fields=["connector"], condition=Q(proof="waiting"), name="source_record_waiting"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.external_id}"


class Delivery(models.Model):
    """One webhook that was taken; its id is taken once."""

    connector = models.ForeignKey("lifecycle.Connector", models.PROTECT, related_name="deliveries")
    delivery_id = models.CharField(max_length=100)
    digest = models.CharField(max_length=64, help_text="SHA-256 of the body")
    event = models.CharField(max_length=100, help_text="such as model_version.created")
    subject = models.CharField(max_length=500, blank=True, help_text="what it is about, such as flights/3")
    sent_at = models.DateTimeField()
    received_at = models.DateTimeField()

    class Meta:
        ordering = ["-pk"]
        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(fields=["connector", "delivery_id"], name="delivery_once"),
        ]
        indexes = [models.Index(fields=["connector", "event", "subject"], name="delivery_by_subject")]

    def __str__(self) -> str:
        return f"{self.event} {self.subject}"


class Gap(models.Model):
    """A change that polling found and no webhook had announced."""

    connector = models.ForeignKey("lifecycle.Connector", models.PROTECT, related_name="gaps")
    sync = models.ForeignKey("lifecycle.Sync", models.PROTECT, related_name="gaps")
    event = models.CharField(max_length=100)
    subject = models.CharField(max_length=500)
    found_at = models.DateTimeField()
    announced_at = models.DateTimeField(null=True, blank=True, help_text="the webhook came after all")

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(fields=["connector", "event", "subject"], name="gap_by_subject")]

    def __str__(self) -> str:
        return f"{self.event} {self.subject}"
