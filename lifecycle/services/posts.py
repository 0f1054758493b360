"""Messages to channels: handed over once.

As with e-mail, nobody can be asked afterwards whether a message has come. The row says `sending` before the
handing over and `sent` after it. What surely did not come (no connection, an answer that says no) is tried
again; where it may have come, it is `unsure` and not sent again.
"""

from __future__ import annotations

import logging

from django.utils import timezone
from django.utils.translation import gettext as _

from lifecycle.models import POST_STATES, Notice, Post
from lifecycle.notices.messages import site_address
from lifecycle.notices.services import send
from lifecycle.outbound.guarded import Traffic
from lifecycle.outbox_registry import handler
from lifecycle.queries.projects import projects_visible_to
from lifecycle.sealing import SealBroken, unseal
from lifecycle.services.channels import POST_TASK, purpose_of

log = logging.getLogger(__name__)

LONGEST = 1500
_S = Post.State
_AGAIN = frozenset({408, 425, 429})
"""Statuses below 500 that ask for another try."""


class NotTaken(Exception):
    """The service was not there, or asks for another try."""


def drop_given_up(*, error: str, post_id: int) -> None:
    """The outbox has tried often enough."""
    _move(post_id, "drop", reason=error)


@handler(POST_TASK, gave_up=drop_given_up)
def send_post(*, post_id: int) -> None:
    """Send one message, if it waits."""
    post = Post.objects.select_related("channel__person", "notice__project").get(pk=post_id)
    if post.state == _S.SENDING:
        _move(post_id, "lose", reason=_("The worker died while it was being handed over."))
        return
    if post.state != _S.WAITING:
        return
    try:
        address, why_not = unseal(post.channel.sealed, purpose_of(post.channel)), _why_not(post)
    except SealBroken:
        address, why_not = "", _("Its address cannot be read with this installation's keys.")
    if post.channel.removed_at is not None:
        why_not = _("The channel was removed.")
    if why_not:
        _move(post_id, "drop", reason=why_not)
    elif _move(post_id, "hand_over"):
        _settle(post_id, *send(address, *_words(post)))


def _why_not(post: Post) -> str:
    person, notice = post.channel.person, post.notice
    if not person.is_active:
        return _("The person is closed.")
    if notice is None or notice.project_id is None:
        return ""
    if projects_visible_to(person).filter(pk=notice.project_id).exists():
        return ""
    return _("The person does not see the project any more.")


def _words(post: Post) -> tuple[str, str]:
    """Title and text."""
    notice = post.notice
    if notice is None:
        return "Gatebook", _("This channel works: what you chose is told here.") + f"\n{site_address()}"
    title = f"{notice.project.name}: {notice.subject}" if notice.project else notice.subject
    text = notice.text if len(notice.text) <= LONGEST else notice.text[:LONGEST] + "…"
    return title, "\n".join(part for part in (text, _address(notice)) if part)


def _address(notice: Notice) -> str:
    return f"{site_address()}{notice.url}"


def _settle(post_id: int, taken: bool, traffic: Traffic) -> None:  # noqa: FBT001 - as `send` returns it
    if taken:
        _move(post_id, "send")
        return
    if traffic.refusals:
        _move(post_id, "drop", reason=str(traffic.refusals[-1]))
        return
    last = traffic.statuses[-1] if traffic.statuses else 0
    if traffic.partly_taken or (traffic.connected and not last):  # the line broke: nobody knows
        log.warning("post %s may or may not have been taken", post_id)
        _move(post_id, "lose", reason=_("The line broke while it was being handed over."))
        return
    if last >= 500 or last in _AGAIN or not traffic.connected:
        _move(post_id, "refuse")
        why = _("It answered %d.") % last if last else _("It cannot be reached.")
        raise NotTaken(why)
    _move(post_id, "drop", reason=_("The service said no (%d): its address may have changed.") % last)


def _move(post_id: int, event: str, reason: str = "") -> bool:
    """Move the message by one conditional update; False if it is not in a state where this is possible."""
    edges = [edge for edge in POST_STATES.edges if edge.event == event]
    target = edges[0].target
    moved = Post.objects.filter(pk=post_id, state__in=[edge.source for edge in edges]).update(
        state=target, reason=reason[:300], sent_at=timezone.now() if target == _S.SENT else None
    )
    return bool(moved)
