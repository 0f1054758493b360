"""E-mails: handed to the mail server once.

A mail server cannot be asked whether it has taken a message. So the row says `sending` before the handing
over and `sent` after it; when a worker dies in between, the mail is `unsure` and is not sent again. What it
would have said stands on the page in any case.
"""

from __future__ import annotations

import logging
import smtplib
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.core import mail as django_mail
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone
from django.utils.translation import gettext as _

from lifecycle.models import MAIL_STATES, Mail, Notice, User
from lifecycle.notices.messages import message_of
from lifecycle.outbox_registry import handler
from lifecycle.services.notices import MAIL_TASK, ask_for_mail

log = logging.getLogger(__name__)

DIGESTS_AT_ONCE = 200
_S = Mail.State
_REFUSALS = (smtplib.SMTPResponseException, smtplib.SMTPRecipientsRefused)


def drop_given_up(*, error: str, mail_id: int) -> None:
    """The outbox has tried often enough."""
    _move(mail_id, "drop", reason=error)


@handler(MAIL_TASK, gave_up=drop_given_up)
def send_mail(*, mail_id: int) -> None:
    """Send one e-mail, if it waits. What fails before the server has the message is tried again."""
    mail = Mail.objects.select_related("person").get(pk=mail_id)
    if mail.state == _S.SENDING:
        _move(mail_id, "lose", reason=_("The worker died while it was being handed over."))
        return
    if mail.state != _S.WAITING:
        return
    if not (mail.person.is_active and mail.person.email):
        _move(mail_id, "drop", reason=_("The person is closed or has no address."))
        return
    message = message_of(mail)
    if message is None:
        _move(mail_id, "drop", reason=_("There was nothing to say."))
        return
    message.message()  # whatever is wrong with it shows before the server hears of it
    connection = django_mail.get_connection()
    connection.open()
    try:
        if _move(mail_id, "hand_over"):
            _hand_over(mail_id, connection, message)
    finally:
        connection.close()


def _hand_over(mail_id: int, connection: BaseEmailBackend, message: django_mail.EmailMessage) -> None:
    try:
        connection.send_messages([message])
    except _REFUSALS:  # the server said no: it has not taken it
        _move(mail_id, "refuse")
        raise
    except OSError as error:  # the line broke: nobody knows (smtplib's errors are OSErrors)
        log.warning("mail %s may or may not have been sent: %s", mail_id, error)
        _move(mail_id, "lose", reason=str(error))
    else:
        _move(mail_id, "send")


def _move(mail_id: int, event: str, reason: str = "") -> bool:
    """Move the mail by one conditional update; False if it is not in a state where this is possible."""
    edges = [edge for edge in MAIL_STATES.edges if edge.event == event]
    target = edges[0].target
    moved = Mail.objects.filter(pk=mail_id, state__in=[edge.source for edge in edges]).update(
        state=target, reason=reason[:300], sent_at=timezone.now() if target == _S.SENT else None
    )
    return bool(moved)


def plan_digests(now: datetime) -> int:
    """Ask for the digests that are due: each person's, once a day, from their morning on; how many.

    A person without news gets none. 1 query, 1 for each time zone, and some for each digest.
    """
    waiting = Notice.objects.filter(way=Notice.Way.DIGEST, mail__isnull=True)
    people = User.objects.filter(Exists(waiting.filter(person=OuterRef("pk"))), is_active=True)
    planned = 0
    for name in sorted(set(people.order_by().values_list("time_zone", flat=True).distinct())):
        local = now.astimezone(_zone(name))
        if local.hour < settings.GATEBOOK_DIGEST_HOUR:
            continue
        had = Mail.objects.filter(person=OuterRef("pk"), day=local.date())
        due = people.filter(~Exists(had), time_zone=name).order_by("pk")[:DIGESTS_AT_ONCE]
        planned += sum(_plan_digest(person, local) for person in due)
    return planned


@transaction.atomic
def _plan_digest(person: User, local: datetime) -> bool:
    day = local.date()
    mail, created = Mail.objects.get_or_create(
        key=f"digest:{person.pk}:{day}",
        defaults={"person": person, "day": day, "created_at": timezone.now()},
    )
    if created:
        news = Notice.objects.filter(person=person, way=Notice.Way.DIGEST, mail__isnull=True)
        news.update(mail=mail)
        ask_for_mail(mail)
    return created


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")
