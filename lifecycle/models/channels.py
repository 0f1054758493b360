from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from ledger.states import StateMachine


class Channel(models.Model):
    """Where a person is told besides page and e-mail, such as a chat; its address is kept sealed."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="channels")
    name = models.CharField(max_length=100)
    service = models.CharField(max_length=20, help_text="the scheme of its address, such as slack")
    sealed = models.TextField(blank=True, help_text="the address, encrypted; empty once removed")
    kinds = models.JSONField(default=list, help_text="the kinds of notices that go there")
    created_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["person", "name", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["person", "name"], condition=Q(removed_at__isnull=True), name="channel_name_once"
            ),
            models.CheckConstraint(
                condition=Q(removed_at__isnull=True) | Q(sealed=""), name="channel_removed_keeps_no_secret"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Post(models.Model):
    """One message to one channel. Handed over once, or known to be unsure, as an e-mail is."""

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        SENDING = "sending", _("Being handed over")
        SENT = "sent", _("Sent")
        UNSURE = "unsure", _("Perhaps sent")
        DROPPED = "dropped", _("Not sent")

    channel = models.ForeignKey("lifecycle.Channel", models.PROTECT, related_name="posts")
    notice = models.ForeignKey(
        "lifecycle.Notice",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="posts",
        help_text="none: a test",
    )
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    reason = models.CharField(max_length=300, blank=True, help_text="why it was not sent")
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["channel", "notice"], name="post_once_a_channel"),
            models.CheckConstraint(
                condition=Q(state="sent", sent_at__isnull=False)
                | (~Q(state="sent") & Q(sent_at__isnull=True)),
                name="post_sent_at_iff_sent",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.channel}: {self.notice or _('a test')}"


POST_STATES = StateMachine(
    "post",
    initial="waiting",
    transitions={
        "waiting": {"hand_over": "sending", "drop": "dropped"},
        "sending": {"send": "sent", "refuse": "waiting", "lose": "unsure", "drop": "dropped"},
        "unsure": {"send": "sent"},  # the worker was only slow
    },
    labels={"hand_over": "hand over"},
)
