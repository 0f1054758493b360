from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from governance.compliance.documents import FrameworkDocument
from governance.compliance.statuses import Status


class Framework(models.Model):
    """A law, standard or policy in one version. Its document never changes: another is another version."""

    class Kind(models.TextChoices):
        LAW = "law", _("Law")
        STANDARD = "standard", _("Standard")
        GUIDANCE = "guidance", _("Guidance")
        PROCESS = "process", _("Process")
        POLICY = "policy", _("Policy")

    key = models.CharField(max_length=100)
    version = models.CharField(max_length=60)
    title = models.CharField(max_length=600)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    source = models.CharField(max_length=600, blank=True)
    document = models.JSONField(help_text="groups and controls, as they were read")
    digest = models.CharField(max_length=64, help_text="SHA-256 of the document as canonical JSON (RFC 8785)")
    current = models.BooleanField(default=True, help_text="what a project that begins now is measured by")
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+",
        help_text="nobody: it came with Gatebook",
    )  # fmt: skip
    added_at = models.DateTimeField()

    class Meta:
        ordering = ["key", "-added_at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["key", "version"], name="framework_version_once"),
            models.UniqueConstraint(
                fields=["key"], condition=Q(current=True), name="framework_one_current_version"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.title} {self.version}"

    @property
    def parsed(self) -> FrameworkDocument:
        """The document with its types. It was checked when it was added."""
        return FrameworkDocument.model_validate(self.document)


class FrameworkUse(models.Model):
    """That a project is measured by one version of a framework, from when to when, and why."""

    project = models.ForeignKey("lifecycle.Project", models.PROTECT, related_name="framework_uses")
    framework = models.ForeignKey("governance.Framework", models.PROTECT, related_name="uses")
    reason = models.TextField()
    begun_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    begun_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_because = models.TextField(blank=True)

    class Meta:
        ordering = ["project", "framework__key", "-begun_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["project", "framework"],
                condition=Q(ended_at__isnull=True),
                name="framework_use_once_at_a_time",
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) | ~Q(ended_because=""), name="framework_use_ended_says_why"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.project}: {self.framework}"


class CheckStanding(models.Model):
    """What one check says of one project, as it was last looked at."""

    project = models.ForeignKey("lifecycle.Project", models.PROTECT, related_name="check_standings")
    check_key = models.CharField(max_length=220, help_text="K07, or framework:control for one of its own")
    status = models.CharField(max_length=14, choices=Status.choices)
    held = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    reason = models.CharField(max_length=600, blank=True)
    digest = models.CharField(max_length=64)
    changed_at = models.DateTimeField()

    class Meta:
        ordering = ["project", "check_key"]
        constraints = [
            models.UniqueConstraint(fields=["project", "check_key"], name="check_standing_once_per_project")
        ]

    def __str__(self) -> str:
        return f"{self.check_key} of {self.project}: {self.status}"


class CheckRecord(models.Model):
    """One record that a check judged, and what it says. Found from the record as well as from the check."""

    class Says(models.TextChoices):
        HOLDS = "holds", _("Holds")
        WAIVED = "waived", _("Waived")
        WAITS = "waits", _("Not there yet")
        BREAKS = "breaks", _("Does not hold")

    standing = models.ForeignKey("governance.CheckStanding", models.CASCADE, related_name="records")
    kind = models.CharField(max_length=40)
    record_id = models.BigIntegerField()
    label = models.CharField(max_length=300)
    says = models.CharField(max_length=6, choices=Says.choices)
    why = models.CharField(max_length=600, blank=True)

    class Meta:
        ordering = ["standing", "pk"]
        indexes = [models.Index(fields=["kind", "record_id"], name="check_record_of_record")]

    def __str__(self) -> str:
        return f"{self.kind} {self.record_id}: {self.says}"


class ControlStanding(models.Model):
    """Where one control of a framework stands in one project, as it was last looked at."""

    use = models.ForeignKey("governance.FrameworkUse", models.CASCADE, related_name="standings")
    control = models.CharField(max_length=100)
    status = models.CharField(max_length=14, choices=Status.choices)
    changed_at = models.DateTimeField()

    class Meta:
        ordering = ["use", "pk"]
        constraints = [models.UniqueConstraint(fields=["use", "control"], name="control_standing_once")]
        indexes = [
            models.Index(fields=["use", "status"], name="control_standing_by_status"),
            # What is broken is counted over everything that a person sees.
            models.Index(fields=["use"], condition=Q(status="broken"), name="control_standing_broken"),
        ]

    def __str__(self) -> str:
        return f"{self.control}: {self.status}"


class ControlChange(models.Model):
    """That a control came to stand elsewhere, and when: the history behind charts and audits."""

    use = models.ForeignKey("governance.FrameworkUse", models.PROTECT, related_name="changes")
    control = models.CharField(max_length=100)
    before = models.CharField(max_length=14, choices=Status.choices, blank=True)
    after = models.CharField(max_length=14, choices=Status.choices)
    changed_at = models.DateTimeField()

    class Meta:
        ordering = ["-changed_at", "-pk"]
        indexes = [models.Index(fields=["use", "changed_at"], name="control_change_of_use")]

    def __str__(self) -> str:
        return f"{self.control}: {self.before or '–'} to {self.after}"


class ComplianceLook(models.Model):
    """When a project was last looked at, and up to which entry of the ledger. One row a project."""

    project = models.OneToOneField(
        "lifecycle.Project", models.PROTECT, primary_key=True, related_name="compliance_look"
    )
    ledger_index = models.BigIntegerField(default=-1, help_text="the last entry that was taken in")
    day = models.DateField(help_text="what ends by the clock was counted as of this day, in UTC")
    looked_at = models.DateTimeField()

    class Meta:
        ordering = ["project"]

    def __str__(self) -> str:
        return f"{self.project} up to entry {self.ledger_index}"
