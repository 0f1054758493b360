from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from ledger.states import StateMachine


class Verification(models.Model):
    """The ledger recomputed in the background, and what came of it."""

    class State(models.TextChoices):
        QUEUED = "queued", _("Queued")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")

    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    requested_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    intact = models.BooleanField(null=True, blank=True)
    size = models.BigIntegerField(default=0, help_text="entries that are good")
    root = models.CharField(max_length=64, blank=True)
    said = models.TextField(blank=True, help_text="the result in words, or why there is none")

    class Meta:
        ordering = ["-requested_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(state="done") | Q(intact__isnull=False, finished_at__isnull=False),
                name="verification_done_has_result",
            ),
        ]

    def __str__(self) -> str:
        return self.said or str(self.get_state_display())


VERIFICATION_STATES = StateMachine(
    "verification",
    initial="queued",
    transitions={"queued": {"finish": "done", "fail": "failed"}},
)
