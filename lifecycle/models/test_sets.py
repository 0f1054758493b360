from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from ledger.states import StateMachine


class TestSet(models.Model):
    """A version of a test set under lock: its rows are named by a digest, and its uses are counted.

    Each look at a test set lets a little of it leak into the next decision, so there is an end to looking.
    """

    __test__ = False  # its name makes pytest take it for tests

    class State(models.TextChoices):
        LOCKED = "locked", _("Locked")
        USED_UP = "used_up", _("Used up")

    project = models.ForeignKey("lifecycle.Project", models.PROTECT, related_name="test_sets")
    name = models.SlugField(max_length=60)
    version = models.PositiveIntegerField()
    data = models.JSONField(help_text="address, format and row filter, as a specification names them")
    sha256 = models.CharField(max_length=64)
    max_uses = models.PositiveIntegerField()
    uses = models.PositiveIntegerField(default=0)
    state = models.CharField(max_length=8, choices=State.choices, default=State.LOCKED)
    locked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    locked_at = models.DateTimeField()

    class Meta:
        ordering = ["project", "name", "-version"]
        constraints = [
            models.UniqueConstraint(fields=["project", "name", "version"], name="test_set_version_once"),
            models.CheckConstraint(
                condition=Q(state="locked", uses__lt=F("max_uses"))
                | Q(state="used_up", uses__gte=F("max_uses")),
                name="test_set_used_up_iff_no_use_left",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name}, version {self.version}"


TEST_SET_STATES = StateMachine("test set", initial="locked", transitions={"locked": {"use_up": "used_up"}})


class TestSetUse(models.Model):
    """One evaluation on a locked test set."""

    __test__ = False

    test_set = models.ForeignKey("lifecycle.TestSet", models.PROTECT, related_name="used_by")
    run = models.OneToOneField("lifecycle.Run", models.PROTECT, related_name="test_set_use")
    number = models.PositiveIntegerField()
    used_at = models.DateTimeField()

    class Meta:
        ordering = ["test_set", "number"]
        constraints = [
            models.UniqueConstraint(fields=["test_set", "number"], name="test_set_use_number_once")
        ]

    def __str__(self) -> str:
        return f"use {self.number} of {self.test_set}"
