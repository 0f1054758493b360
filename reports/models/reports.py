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
        CERTIFICATE = "certificate", _("Sign-off certificate")
        PROCESS = "process", _("Process document")
        MODEL_CARD = "model-card", _("Model card")
        DATA_SHEET = "data-sheet", _("Data sheet")
        RISK_REGISTER = "risk-register", _("Risk register")
        MONITORING = "monitoring", _("Monitoring report")
        AUDIT_TRAIL = "audit-trail", _("Audit trail")
        COMPLIANCE = "compliance", _("Compliance report")
        APPLICABILITY = "applicability", _("Statement of applicability")
        ANNEX_IV = "annex-iv", _("Technical documentation, Annex IV")
        PORTFOLIO = "portfolio", _("Portfolio summary")
        INVENTORY = "inventory", _("Inventory of AI systems")

    class State(models.TextChoices):
        QUEUED = "queued", _("Queued")
        RUNNING = "running", _("Being made")
        FINISHED = "finished", _("Finished")
        FAILED = "failed", _("Failed")
        CANCELLED = "cancelled", _("Cancelled")
        EXPIRED = "expired", _("No longer kept")

    project = models.ForeignKey(
        "lifecycle.Project", models.PROTECT, related_name="reports", null=True, blank=True,
        help_text="none: it speaks of all projects that its reader sees",
    )  # fmt: skip
    kind = models.CharField(max_length=20, choices=Kind.choices, default=Kind.LIFECYCLE)
    options = models.JSONField(
        default=dict, blank=True, help_text="gate, model, since, framework, paper, language"
    )
    as_of = models.DateTimeField()
    content_key = models.CharField(
        max_length=64, blank=True, help_text="the same for requests that would give the same content"
    )
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    progress = models.FloatField(default=0.0, help_text="0 to 1")
    step = models.CharField(max_length=200, blank=True)
    error = models.TextField(blank=True)
    path = models.CharField(max_length=300, blank=True, help_text="name in the default storage")
    digest = models.CharField(max_length=64, blank=True, help_text="SHA-256 of the file")
    body_digest = models.CharField(max_length=64, blank=True, help_text="SHA-256 of what was sealed")
    entry = models.BigIntegerField(null=True, blank=True, help_text="ledger entry of the sealing")
    data_path = models.CharField(max_length=300, blank=True, help_text="the same content as data (JSON)")
    kept_until = models.DateField(
        null=True, blank=True, help_text="the file goes afterwards, the record stays"
    )
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
        indexes = [models.Index(fields=["content_key"], name="report_content")]
        constraints = [
            models.CheckConstraint(
                condition=~Q(state="finished") | (~Q(digest="") & ~Q(path="")),
                name="report_finished_has_file",
            ),
            models.CheckConstraint(
                condition=Q(project__isnull=False) | Q(kind__in=["portfolio", "inventory"]),
                name="report_has_project_unless_of_all",
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
        kind = "-".join(filter(None, [self.kind, self.framework]))
        return f"{self.name_part}-{kind}-{self.as_of:%Y-%m-%d-%H%M}.pdf"

    @property
    def framework(self) -> str:
        """The key of the framework that it is about; empty if it is about none."""
        return str(self.options.get("framework", ""))

    @property
    def name_part(self) -> str:
        """The project's short name, or what stands for all of them."""
        return self.project.slug if self.project else "all-projects"

    @property
    def ended(self) -> bool:
        """Whether it was made or given up."""
        return self.state not in (self.State.QUEUED, self.State.RUNNING)


REPORT_STATES = StateMachine(
    "report",
    initial="queued",
    transitions={
        "queued": {"begin": "running", "fail": "failed", "cancel": "cancelled"},
        "running": {"begin": "running", "finish": "finished", "fail": "failed", "cancel": "cancelled"},
        "finished": {"expire": "expired"},
    },
)
