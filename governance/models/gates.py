from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from ledger.states import StateMachine

if TYPE_CHECKING:
    from lifecycle.models import Project


class Gate(models.Model):
    """A decision asked for. Holds the definition it was opened under, whatever changes later."""

    class State(models.TextChoices):
        OPEN = "open", _("Open")
        PASSED = "passed", _("Passed")
        CONDITIONAL = "conditional", _("Passed with conditions")
        LAPSED = "lapsed", _("Closed again")
        REFUSED = "refused", _("Refused")
        HELD = "held", _("Held")
        STOPPED = "stopped", _("Stopped")
        WITHDRAWN = "withdrawn", _("Withdrawn")

    iteration = models.ForeignKey("lifecycle.Iteration", models.PROTECT, related_name="gates")
    phase = models.ForeignKey("lifecycle.Phase", models.PROTECT, related_name="gates")
    key = models.CharField(max_length=10)
    ends_phase = models.BooleanField(default=True, help_text="passing it passes its phase")
    round = models.PositiveSmallIntegerField(default=1, help_text="how often it was asked in this iteration")
    name = models.CharField(max_length=200)
    question = models.CharField(max_length=600)
    definition = models.JSONField(help_text="the gate of the process version, frozen when it was opened")
    model_version = models.ForeignKey(
        "lifecycle.ModelVersion",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="gates",
    )
    environment = models.CharField(max_length=60, blank=True, help_text="where it would be deployed")
    scope = models.JSONField(default=dict, blank=True, help_text='such as {"country": ["US"]}')
    state = models.CharField(max_length=12, choices=State.choices, default=State.OPEN)
    outcome_reason = models.TextField(blank=True)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="nobody: it came due",
    )
    opened_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["iteration", "opened_at", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["iteration", "key", "round"], name="gate_round_once"),
            models.UniqueConstraint(
                fields=["iteration", "key"],
                condition=Q(state="open"),
                name="gate_one_open",
            ),
            models.CheckConstraint(
                condition=Q(state="open", decided_at__isnull=True)
                | (~Q(state="open") & Q(decided_at__isnull=False)),
                name="gate_decided_at_iff_decided",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.key} {self.name}"

    @property
    def project(self) -> Project:
        """The project that it decides in."""
        return self.iteration.project

    @property
    def is_passed(self) -> bool:
        """Whether work may go on after it, with or without conditions."""
        return self.state in (self.State.PASSED, self.State.CONDITIONAL)

    @property
    def required_signatures(self) -> int:
        """How many people must approve."""
        signatures = self.definition["signatures"]
        if named := signatures.get("seats"):
            return sum(int(seat.get("required", 1)) for seat in named)
        return int(signatures["required"])


GATE_STATES = StateMachine(
    "gate",
    initial="open",
    transitions={
        "open": {
            "pass": "passed",
            "pass_with_conditions": "conditional",
            "refuse": "refused",
            "hold": "held",
            "stop": "stopped",
            "withdraw": "withdrawn",
        },
        "conditional": {"fulfil": "passed", "lapse": "lapsed"},
        "passed": {"lapse": "lapsed"},
    },
)


class Evaluation(models.Model):
    """One recorded result of a gate's criteria, with the digest of exactly what was looked at."""

    gate = models.ForeignKey("governance.Gate", models.PROTECT, related_name="evaluations")
    verdict = models.BooleanField(help_text="every blocking criterion is met")
    subject = models.TextField(
        help_text="canonical JSON (RFC 8785) of what was evaluated: what a signature binds to"
    )
    digest = models.CharField(max_length=64, help_text="SHA-256 of subject")
    facts = models.JSONField(
        null=True, blank=True, help_text="what the criteria could look at, to try others on it later"
    )
    reason = models.CharField(max_length=200, blank=True, help_text="what it was repeated for")
    evaluated_at = models.DateTimeField()

    class Meta:
        ordering = ["gate", "-evaluated_at", "-pk"]

    def __str__(self) -> str:
        return f"{self.gate} {self.digest[:12]}"


class CriterionResult(models.Model):
    """What one criterion saw and said."""

    class Verdict(models.TextChoices):
        MET = "met", _("Met")
        NOT_MET = "not_met", _("Not met")
        UNREADABLE = "unreadable", _("Cannot be read")
        WAIVED = "waived", _("Waived")

    evaluation = models.ForeignKey("governance.Evaluation", models.PROTECT, related_name="results")
    order = models.PositiveSmallIntegerField()
    key = models.CharField(max_length=60)
    words = models.CharField(max_length=600)
    expression = models.TextField()
    blocking = models.BooleanField()
    verdict = models.CharField(max_length=10, choices=Verdict.choices)
    reason = models.CharField(max_length=1000)
    metric = models.CharField(max_length=120, blank=True)
    slice = models.CharField(max_length=120, blank=True)
    operator = models.CharField(max_length=2, blank=True)
    observed = models.FloatField(null=True, blank=True)
    limit = models.FloatField(null=True, blank=True)
    seen = models.JSONField(default=list, blank=True, help_text="each value that was looked at, by its text")
    waiver = models.ForeignKey(
        "governance.Waiver", models.PROTECT, null=True, blank=True, related_name="results"
    )
    previous = models.FloatField(null=True, blank=True, help_text="the last authorized version's value")

    class Meta:
        ordering = ["evaluation", "order"]
        constraints = [models.UniqueConstraint(fields=["evaluation", "order"], name="criterion_order_once")]

    def __str__(self) -> str:
        return f"{self.key}: {self.verdict}"


class Signoff(models.Model):
    """One person's electronic signature under one evaluation. Never edited, never deleted."""

    class Decision(models.TextChoices):
        APPROVE = "approve", _("Approve")
        REJECT = "reject", _("Reject")
        ACKNOWLEDGE = "acknowledge", _("Acknowledge")

    class Meaning(models.TextChoices):
        REVIEW = "review", _("Review")
        APPROVAL = "approval", _("Approval")
        RESPONSIBILITY = "responsibility", _("Responsibility")
        AUTHORSHIP = "authorship", _("Authorship")

    gate = models.ForeignKey("governance.Gate", models.PROTECT, related_name="signoffs")
    evaluation = models.ForeignKey("governance.Evaluation", models.PROTECT, related_name="signoffs")
    signer = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="signoffs")
    signer_name = models.CharField(max_length=300, help_text="printed name at the time")
    decision = models.CharField(max_length=12, choices=Decision.choices)
    meaning = models.CharField(max_length=15, choices=Meaning.choices)
    comment = models.TextField(blank=True)
    digest = models.CharField(max_length=64, help_text="the evaluation's, as it was shown")
    signed_at = models.DateTimeField()
    second_factor = models.CharField(
        max_length=20,
        blank=True,
        help_text="what was given besides the password: totp, webauthn, recovery_codes",
    )

    class Meta:
        ordering = ["gate", "signed_at", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["evaluation", "signer"], name="signoff_once_per_evaluation"),
        ]

    def __str__(self) -> str:
        return f"{self.signer_name}: {self.decision}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Only ever the first time: TypeError for one that is there."""
        if not self._state.adding:
            raise TypeError("A signature is never edited.")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Never: TypeError."""
        raise TypeError("A signature is never deleted.")
