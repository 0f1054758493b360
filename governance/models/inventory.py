from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ledger.states import StateMachine


class InventoryEntry(models.Model):
    """What the inventory of AI systems says of a project beyond its own records. One a project."""

    project = models.OneToOneField("lifecycle.Project", models.PROTECT, related_name="inventory_entry")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    deputy = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    overseer = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+",
        help_text="watches over it in operation and may stop it",
    )  # fmt: skip
    approved_uses = models.JSONField(default=list, help_text="what it may be used for, in words")
    review_every_days = models.PositiveIntegerField(default=365)
    next_review_on = models.DateField()
    placed_on_market_on = models.DateField(null=True, blank=True)
    changed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    changed_at = models.DateTimeField()

    class Meta:
        ordering = ["project"]
        verbose_name_plural = "inventory entries"
        constraints = [
            models.CheckConstraint(
                condition=Q(review_every_days__gte=1, review_every_days__lte=1096),
                name="inventory_review_within_three_years",
            ),
            models.CheckConstraint(
                condition=Q(deputy__isnull=True) | ~Q(deputy=models.F("owner")),
                name="inventory_deputy_is_another",
            ),
        ]

    def __str__(self) -> str:
        return f"inventory entry of {self.project}"


class Review(models.Model):
    """That somebody looked at a project again: the whole of it, its risks, or who has which rights."""

    class Kind(models.TextChoices):
        SYSTEM = "system", _("The system as a whole")
        RISKS = "risks", _("Risks")
        ACCESS = "access", _("Rights")

    project = models.ForeignKey("lifecycle.Project", models.PROTECT, related_name="reviews")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    result = models.TextField(help_text="what was looked at, and what came out")
    done_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    done_at = models.DateTimeField()
    next_on = models.DateField()

    class Meta:
        ordering = ["project", "kind", "-done_at", "-pk"]
        constraints = [models.CheckConstraint(condition=~Q(result=""), name="review_says_what_came_out")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, {self.done_at:%Y-%m-%d}"


class Incident(models.Model):
    """Harm that a system did, or nearly did: with the day by which the authority must hear of it."""

    class Severity(models.TextChoices):
        DEATH = "death", _("Death of a person")
        WIDESPREAD = "widespread", _("Widespread infringement, or critical infrastructure disrupted")
        SERIOUS = "serious", _("Other serious incident")
        MINOR = "minor", _("Not serious")

    class State(models.TextChoices):
        OPEN = "open", _("Open")
        REPORTED = "reported", _("Reported")
        CLOSED = "closed", _("Closed")

    project = models.ForeignKey("lifecycle.Project", models.PROTECT, related_name="incidents")
    title = models.CharField(max_length=300)
    detail = models.TextField(blank=True)
    severity = models.CharField(max_length=10, choices=Severity.choices)
    state = models.CharField(max_length=8, choices=State.choices, default=State.OPEN)
    aware_at = models.DateTimeField(help_text="when it became known here")
    due_at = models.DateTimeField(null=True, blank=True, help_text="when the authority must have been told")
    opened_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    opened_at = models.DateTimeField()
    reported_at = models.DateTimeField(null=True, blank=True)
    report = models.TextField(blank=True, help_text="to whom, under which number, and what was said")
    reported_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    root_cause = models.TextField(blank=True)
    action = models.TextField(blank=True, help_text="what was done so that it does not happen again")
    risks_seen = models.TextField(blank=True, help_text="what the look at the risks came to")
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["project", "-aware_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(severity="minor", due_at__isnull=True)
                | (~Q(severity="minor") & Q(due_at__isnull=False)),
                name="incident_serious_has_deadline",
            ),
            models.CheckConstraint(
                condition=(Q(state="closed", closed_at__isnull=False) & ~Q(root_cause="") & ~Q(action=""))
                | (~Q(state="closed") & Q(closed_at__isnull=True)),
                name="incident_closed_says_why",
            ),
            models.CheckConstraint(
                condition=Q(closed_by__isnull=True) | ~Q(closed_by=models.F("opened_by")),
                name="incident_closed_by_another",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def left(self) -> dt.timedelta | None:
        """What is left until the authority must know; negative when it is late, None when nothing is due."""
        if self.due_at is None or self.reported_at is not None:
            return None
        return self.due_at - timezone.now()


INCIDENT_STATES = StateMachine(
    "incident",
    initial="open",
    transitions={
        "open": {"report": "reported", "close": "closed"},
        "reported": {"close": "closed"},
    },
)
