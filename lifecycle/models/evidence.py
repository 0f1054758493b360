from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from ledger.states import StateMachine
from lifecycle.models.sources import SourceState


class Snapshot(models.Model):
    """The frozen content of a run, data set or document, named by the digest of its canonical JSON.

    Content and digest never change. What became of the source since is `source_state`.
    """

    project = models.ForeignKey("lifecycle.Project", models.PROTECT, related_name="snapshots")
    kind = models.CharField(max_length=3, help_text="DVR, TRN, EVR, DPR, MON, REV or DOC")
    title = models.CharField(max_length=300)
    content = models.TextField(help_text="canonical JSON (RFC 8785)")
    digest = models.CharField(max_length=64, help_text="SHA-256 of content")
    run = models.ForeignKey("lifecycle.Run", models.PROTECT, null=True, blank=True, related_name="snapshots")
    created_at = models.DateTimeField()
    source_state = models.CharField(max_length=10, choices=SourceState.choices, default=SourceState.SAME)
    source_seen_at = models.DateTimeField(
        null=True, blank=True, help_text="when the source was last found to have changed; empty: never"
    )

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["project", "digest"], name="snapshot_digest_once"),
            models.CheckConstraint(
                condition=models.Q(source_state="same", source_seen_at__isnull=True)
                | (~models.Q(source_state="same") & models.Q(source_seen_at__isnull=False)),
                name="snapshot_source_seen_iff_changed",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.digest[:12]}"

    @property
    def source_differs(self) -> bool:
        """Whether the source now says something else than what was frozen, or is gone."""
        return self.source_state in (SourceState.CHANGED, SourceState.GONE)


class Evidence(models.Model):
    """Ties a snapshot to the task that it proves."""

    class State(models.TextChoices):
        ATTACHED = "attached", _("Attached")
        VERIFIED = "verified", _("Verified")
        REJECTED = "rejected", _("Rejected")
        EXPIRED = "expired", _("Expired")

    task = models.ForeignKey("lifecycle.Task", models.PROTECT, related_name="evidence")
    snapshot = models.ForeignKey("lifecycle.Snapshot", models.PROTECT, related_name="evidence")
    state = models.CharField(max_length=10, choices=State.choices, default=State.ATTACHED)
    state_reason = models.TextField(blank=True)
    attached_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    attached_at = models.DateTimeField()
    verified_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )
    verified_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["task", "-attached_at", "-pk"]
        verbose_name_plural = "evidence"
        constraints = [
            models.UniqueConstraint(fields=["task", "snapshot"], name="evidence_once_per_task"),
            models.CheckConstraint(
                condition=~Q(state="verified") | Q(verified_by__isnull=False, verified_at__isnull=False),
                name="evidence_verified_has_verifier",
            ),
            models.CheckConstraint(
                condition=Q(verified_by__isnull=True) | ~Q(verified_by=models.F("attached_by")),
                name="evidence_two_people",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.snapshot} for {self.task}"


EVIDENCE_STATES = StateMachine(
    "evidence",
    initial="attached",
    transitions={
        "attached": {"verify": "verified", "reject": "rejected", "expire": "expired"},
        "verified": {"expire": "expired"},
    },
)
