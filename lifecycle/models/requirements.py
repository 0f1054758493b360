from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from ledger.states import StateMachine


class Requirement(models.Model):
    """What must hold: metric, operator, limit, slice. A changed limit is a new version of the same key."""

    class State(models.TextChoices):
        DRAFT = "draft", _("Draft")
        AGREED = "agreed", _("Agreed")
        MET = "met", _("Met")
        NOT_MET = "not_met", _("Not met")
        WAIVED = "waived", _("Waived")
        SUPERSEDED = "superseded", _("Superseded")

    class Operator(models.TextChoices):
        AT_LEAST = ">=", "≥"
        AT_MOST = "<=", "≤"
        ABOVE = ">", ">"
        BELOW = "<", "<"

    project = models.ForeignKey("lifecycle.Project", models.PROTECT, related_name="requirements")
    key = models.CharField(max_length=40)
    version = models.PositiveIntegerField(default=1)
    statement = models.CharField(max_length=600)
    metric = models.CharField(max_length=120)
    operator = models.CharField(max_length=2, choices=Operator.choices)
    limit = models.FloatField()
    unit = models.CharField(max_length=20, blank=True)
    slice = models.CharField(max_length=120, blank=True, help_text="such as country=IT; empty: overall")
    gate = models.CharField(max_length=10, default="G4", help_text="key of the gate that checks it")
    blocking = models.BooleanField(default=True)
    state = models.CharField(max_length=12, choices=State.choices, default=State.DRAFT)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    change_reason = models.TextField(blank=True)

    class Meta:
        ordering = ["project", "key", "-version"]
        constraints = [
            models.UniqueConstraint(fields=["project", "key", "version"], name="requirement_version_once"),
            models.UniqueConstraint(
                fields=["project", "key"],
                condition=~Q(state="superseded"),
                name="requirement_one_current",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.key} {self.statement}"


REQUIREMENT_STATES = StateMachine(
    "requirement",
    initial="draft",
    transitions={
        "draft": {"agree": "agreed", "supersede": "superseded"},
        "agreed": {"meet": "met", "miss": "not_met", "supersede": "superseded"},
        "met": {"miss": "not_met", "meet": "met", "supersede": "superseded"},
        "not_met": {
            "meet": "met",
            "miss": "not_met",
            "waive": "waived",
            "supersede": "superseded",
        },
        "waived": {"meet": "met", "miss": "not_met", "supersede": "superseded"},
    },
)
