from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from ledger.states import StateMachine


class Notice(models.Model):
    """What one person is told about one occasion. The same `key` is told to them once, for ever."""

    class Kind(models.TextChoices):
        HANDOFF_OFFERED = "handoff_offered", _("A handoff is offered to you")
        HANDOFF_RETURNED = "handoff_returned", _("A handoff comes back to you")
        HANDOFF_ACCEPTED = "handoff_accepted", _("Your handoff was accepted")
        HANDOFF_DUE = "handoff_due", _("A handoff that you hold is due")
        HANDOFF_OVERDUE = "handoff_overdue", _("A handoff that you hold is overdue")
        HANDOFF_ESCALATED = "handoff_escalated", _("A handoff in your project has been late for days")
        TASK_ASSIGNED = "task_assigned", _("A task is assigned to you")
        TASK_DUE = "task_due", _("Your task is due")
        TASK_OVERDUE = "task_overdue", _("Your task is overdue")
        TASK_ESCALATED = "task_escalated", _("A task in your project has been late for days")
        EVIDENCE_TO_VERIFY = "evidence_to_verify", _("Evidence waits for you to verify it")
        GATE_TO_SIGN = "gate_to_sign", _("A gate waits for your signature")
        GATE_DECIDED = "gate_decided", _("A gate was decided")
        FIRING_TO_DECIDE = "firing_to_decide", _("A trigger waits for your decision")
        TRIGGER_TOLD = "trigger_told", _("A trigger tells the project's people")
        EVENT_REPORTED = "event_reported", _("An incident or a change of rules was reported")
        RUN_FAILED = "run_failed", _("A run failed")
        AUTHORIZATION_ENDING = "authorization_ending", _("An authorization ends soon or has ended")
        AUTHORIZATION_STOPPED = "authorization_stopped", _("An authorization was suspended or withdrawn")
        RISK_ENDING = "risk_ending", _("The acceptance of a risk ends soon")
        RISK_ESCALATED = "risk_escalated", _("A risk waits for your decision")
        RISK_EXPIRED = "risk_expired", _("The acceptance of a risk has expired")
        REVIEW_DUE = "review_due", _("A review or an assurance is due")
        INCIDENT_DUE = "incident_due", _("The authority must hear of an incident")
        MENTION = "mention", _("Somebody mentions you")
        ACCOUNT_CHANGED = "account_changed", _("The security of an account was touched")

    class Way(models.TextChoices):
        PAGE = "page", _("In the page")
        EMAIL = "email", _("In the page, and by e-mail at once")
        DIGEST = "digest", _("In the page, and in the daily e-mail")
        NONE = "none", _("Not at all")

    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="notices")
    project = models.ForeignKey(
        "lifecycle.Project", models.PROTECT, null=True, blank=True, related_name="notices"
    )
    kind = models.CharField(max_length=24, choices=Kind.choices)
    subject = models.CharField(max_length=300)
    text = models.TextField(blank=True)
    url = models.CharField(max_length=300, help_text="path of the page where the matter stands")
    key = models.CharField(max_length=200, help_text="the occasion, such as handoff:7:offered:2")
    way = models.CharField(
        max_length=6, choices=Way.choices, help_text="what the person had chosen when it was made"
    )
    mail = models.ForeignKey("lifecycle.Mail", models.PROTECT, null=True, blank=True, related_name="notices")
    created_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [models.UniqueConstraint(fields=["person", "key"], name="notice_once")]
        indexes = [
            models.Index(
                fields=["person"],
                condition=Q(read_at__isnull=True) & ~Q(way="none"),
                name="notice_unread",
            ),
            models.Index(fields=["person", "-created_at"], name="notice_by_person"),
            models.Index(
                fields=["person"], condition=Q(way="digest", mail__isnull=True), name="notice_for_digest"
            ),
        ]

    def __str__(self) -> str:
        return self.subject


class NoticeChoice(models.Model):
    """How a person wants to be told of one kind of occasion; without a row the kind's default holds."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="notice_choices")
    kind = models.CharField(max_length=24, choices=Notice.Kind.choices)
    way = models.CharField(max_length=6, choices=Notice.Way.choices)

    class Meta:
        ordering = ["person", "kind"]
        constraints = [models.UniqueConstraint(fields=["person", "kind"], name="notice_choice_once")]

    def __str__(self) -> str:
        return f"{self.person} {self.kind}: {self.way}"


class Mail(models.Model):
    """One e-mail to one person: a notice, or the digest of a day. Handed over once, or known to be unsure."""

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        SENDING = "sending", _("Being handed over")
        SENT = "sent", _("Sent")
        UNSURE = "unsure", _("Perhaps sent")
        DROPPED = "dropped", _("Not sent")

    RESET = "reset:"

    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="mails")
    key = models.CharField(
        max_length=250, unique=True, help_text="a notice's, digest:person:day, or reset:person:time"
    )
    day = models.DateField(null=True, blank=True, help_text="of a digest, in the person's time zone")
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    reason = models.CharField(max_length=300, blank=True, help_text="why it was not sent")
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["person", "day"], condition=Q(day__isnull=False), name="mail_one_digest_a_day"
            ),
            models.CheckConstraint(
                condition=Q(state="sent", sent_at__isnull=False)
                | (~Q(state="sent") & Q(sent_at__isnull=True)),
                name="mail_sent_at_iff_sent",
            ),
        ]

    def __str__(self) -> str:
        return self.key


MAIL_STATES = StateMachine(
    "mail",
    initial="waiting",
    transitions={
        "waiting": {"hand_over": "sending", "drop": "dropped"},
        "sending": {"send": "sent", "refuse": "waiting", "lose": "unsure"},
        "unsure": {"send": "sent"},  # the worker was only slow
    },
    labels={"hand_over": "hand over"},
)


class Sweep(models.Model):
    """How far one part of a day's look at what is due has come. Any number of schedulers share it."""

    day = models.DateField()
    part = models.CharField(max_length=40)
    last_pk = models.BigIntegerField(default=0, help_text="records up to here have been looked at")
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-day", "part"]
        constraints = [models.UniqueConstraint(fields=["day", "part"], name="sweep_part_once_a_day")]

    def __str__(self) -> str:
        return f"{self.part} of {self.day}"
