from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class StackPart(models.Model):
    """What a project chose for one of the nine components of its stack, and what it must be able to do."""

    project = models.ForeignKey("lifecycle.Project", models.PROTECT, related_name="stack_parts")
    component = models.CharField(max_length=30)
    requirements = models.TextField(blank=True)
    tool = models.CharField(max_length=200, blank=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    link = models.CharField(max_length=500, blank=True, help_text="http or https")
    note = models.TextField(blank=True)
    changed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    changed_at = models.DateTimeField()

    class Meta:
        ordering = ["project", "component"]
        constraints = [
            models.UniqueConstraint(fields=["project", "component"], name="stack_part_once_per_component"),
            models.CheckConstraint(
                condition=Q(link="") | Q(link__startswith="http://") | Q(link__startswith="https://"),
                name="stack_part_link_is_http",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.component}: {self.tool or '–'}"


class CanvasAnswer(models.Model):
    """What a project wrote into one block of the stack canvas: texts by the keys of its questions."""

    project = models.ForeignKey("lifecycle.Project", models.PROTECT, related_name="canvas_answers")
    block = models.CharField(max_length=30)
    texts = models.JSONField(default=dict)
    changed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    changed_at = models.DateTimeField()

    class Meta:
        ordering = ["project", "block"]
        constraints = [
            models.UniqueConstraint(fields=["project", "block"], name="canvas_answer_once_per_block")
        ]

    def __str__(self) -> str:
        return f"{self.block} of {self.project}"


class MaturityLevel(models.Model):
    """Where a project stands on one scale, and why somebody says so."""

    project = models.ForeignKey("lifecycle.Project", models.PROTECT, related_name="maturity_levels")
    scale = models.CharField(max_length=30)
    level = models.PositiveSmallIntegerField(help_text="counted from 0")
    reason = models.TextField()
    changed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    changed_at = models.DateTimeField()

    class Meta:
        ordering = ["project", "scale"]
        constraints = [
            models.UniqueConstraint(fields=["project", "scale"], name="maturity_level_once_per_scale"),
            models.CheckConstraint(condition=~Q(reason=""), name="maturity_level_has_reason"),
        ]

    def __str__(self) -> str:
        return f"{self.scale} {self.level}"


class ScoreMark(models.Model):
    """What a person says of one item of the ML Test Score; `evidence` leaves it to the records."""

    class Value(models.TextChoices):
        EVIDENCE = "evidence", _("What the evidence says")
        NONE = "none", _("0: not done")
        BY_HAND = "by_hand", _("½: done by hand, result documented")
        AUTOMATED = "automated", _("1: runs by itself, again and again")

    project = models.ForeignKey("lifecycle.Project", models.PROTECT, related_name="score_marks")
    item = models.CharField(max_length=10)
    value = models.CharField(max_length=10, choices=Value.choices)
    reason = models.TextField()
    link = models.CharField(max_length=500, blank=True, help_text="http or https")
    changed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    changed_at = models.DateTimeField()

    class Meta:
        ordering = ["project", "item"]
        constraints = [
            models.UniqueConstraint(fields=["project", "item"], name="score_mark_once_per_item"),
            models.CheckConstraint(condition=~Q(reason=""), name="score_mark_has_reason"),
            models.CheckConstraint(
                condition=Q(link="") | Q(link__startswith="http://") | Q(link__startswith="https://"),
                name="score_mark_link_is_http",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.item} {self.value}"


class SavedView(models.Model):
    """A list with its filters as one person wants to find it again: a path with its query."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="saved_views")
    name = models.CharField(max_length=100)
    page = models.CharField(max_length=200, help_text="path of the list, without its query")
    query = models.CharField(max_length=1000, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["user", "name", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["user", "page", "name"], name="saved_view_name_once_per_page"),
            models.CheckConstraint(
                condition=Q(page__startswith="/") & ~Q(page__startswith="//"),
                name="saved_view_stays_on_this_site",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def url(self) -> str:
        return f"{self.page}?{self.query}" if self.query else self.page
