"""Notices: each person is told of an occasion once, in the way that they chose.

Nothing here stands in the ledger: what a notice tells of does, and who has read it is nobody's business.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone
from django.utils.text import Truncator
from django.utils.translation import gettext as _

from lifecycle.errors import Invalid
from lifecycle.models import Mail, Notice, NoticeChoice, Project, User
from lifecycle.services.channels import post_notices
from lifecycle.services.outbox import enqueue

MAIL_TASK = "notices.send_mail"
MAIL_ATTEMPTS = 12  # about seven hours without a mail server

_K, _W = Notice.Kind, Notice.Way
_AT_ONCE = (
    _K.GATE_TO_SIGN, _K.FIRING_TO_DECIDE, _K.HANDOFF_ESCALATED, _K.TASK_ESCALATED, _K.AUTHORIZATION_STOPPED,
    _K.EVENT_REPORTED, _K.MENTION, _K.RISK_ESCALATED, _K.ACCOUNT_CHANGED, _K.INCIDENT_DUE,
)  # fmt: skip
_QUIET = (_K.HANDOFF_ACCEPTED, _K.GATE_DECIDED, _K.RUN_FAILED)
DEFAULT_WAYS: dict[str, str] = {
    str(kind): str(_W.EMAIL if kind in _AT_ONCE else _W.PAGE if kind in _QUIET else _W.DIGEST) for kind in _K
}
"""How somebody is told who has chosen nothing: at once of decisions and harm, of the rest once a day."""


@dataclass(frozen=True)
class Occasion:
    """Something that people are to be told. `people` are ids; `key` names it for ever (200 characters)."""

    people: Collection[int]
    kind: str
    subject: str
    url: str
    key: str
    text: str = ""
    project_id: int | None = None


def tell(
    *,
    people: Iterable[User],
    kind: str,
    subject: str,
    url: str,
    key: str,
    text: str = "",
    project: Project | None = None,
) -> int:
    """Tell people of one occasion, each of them once however often this is called; how many it was news to.

    `kind` is one of `Notice.Kind`, `url` a path of this site, `key` names the occasion (`comment:7`). Closed
    people are left out. ValueError for an unknown kind. 4 queries, and some for each e-mail at once.
    """
    ids = [person.pk for person in people]
    return tell_all([Occasion(ids, kind, subject, url, key, text, project.pk if project else None)])


@transaction.atomic
def tell_all(occasions: Sequence[Occasion]) -> int:
    """Tell of many occasions at the cost of one: 5 queries, and some for each e-mail at once."""
    wanted = {(person, each.key): each for each in occasions for person in each.people}
    for each in occasions:
        if each.kind not in DEFAULT_WAYS:
            raise ValueError(f"There is no notice of kind {each.kind!r}.")
    if not wanted:
        return 0
    people = {person for person, _key in wanted}
    reachable = set(User.objects.filter(pk__in=people, is_active=True).values_list("pk", flat=True))
    told = Notice.objects.filter(person__in=reachable, key__in={key for _person, key in wanted})
    known = set(told.values_list("person_id", "key"))
    fresh = sorted(pair for pair in wanted if pair[0] in reachable and pair not in known)
    if fresh:
        ways = _ways(reachable, {each.kind for each in occasions})
        Notice.objects.bulk_create(
            (_notice(person, wanted[person, key], ways) for person, key in fresh),
            ignore_conflicts=True,  # whoever else tells of the same at this moment is as good
        )
        post_notices([(person, key, wanted[person, key].kind) for person, key in fresh])
    return len(fresh)


def _ways(people: set[int], kinds: set[str]) -> dict[tuple[int, str], str]:
    chosen = NoticeChoice.objects.filter(person__in=people, kind__in=kinds)
    return {(person, kind): way for person, kind, way in chosen.values_list("person_id", "kind", "way")}


def _notice(person: int, occasion: Occasion, ways: Mapping[tuple[int, str], str]) -> Notice:
    way = ways.get((person, occasion.kind), DEFAULT_WAYS[occasion.kind])
    return Notice(
        person_id=person,
        project_id=occasion.project_id,
        kind=occasion.kind,
        subject=Truncator(" ".join(occasion.subject.split())).chars(300),
        text=occasion.text,
        url=occasion.url,
        key=occasion.key,
        way=way,
        mail=_mail(person, occasion.key) if way == _W.EMAIL else None,
        created_at=timezone.now(),
    )


def _mail(person: int, key: str) -> Mail:
    """The one e-mail of a notice, asked for in the same transaction."""
    mail, created = Mail.objects.get_or_create(
        key=f"notice:{person}:{key}", defaults={"person_id": person, "created_at": timezone.now()}
    )
    if created:
        ask_for_mail(mail)
    return mail


def ask_for_mail(mail: Mail) -> None:
    """Have a worker send it."""
    enqueue(task=MAIL_TASK, args={"mail_id": mail.pk}, key=f"mail:{mail.pk}", max_attempts=MAIL_ATTEMPTS)


def mark_read(*, person: User, notice: Notice) -> None:
    """Note that the person has read it; a notice of somebody else stays as it is. 1 query."""
    mine = Notice.objects.filter(pk=notice.pk, person=person, read_at__isnull=True)
    mine.update(read_at=timezone.now())


def mark_all_read(*, person: User) -> int:
    """Note that the person has read all there is; returns how many were unread. 1 query."""
    return Notice.objects.filter(person=person, read_at__isnull=True).update(read_at=timezone.now())


@transaction.atomic
def choose_ways(*, person: User, ways: Mapping[str, str]) -> None:
    """Set how the person is told of each kind named; the others stay. Raises `Invalid` with the kind."""
    for kind, way in ways.items():
        if kind not in DEFAULT_WAYS:
            raise Invalid("unknown_kind", _("There is no such kind of notice."), kind)
        if way not in _W.values:
            raise Invalid("unknown_way", _("There is no such way to be told."), kind)
    NoticeChoice.objects.bulk_create(
        (NoticeChoice(person=person, kind=kind, way=way) for kind, way in sorted(ways.items())),
        update_conflicts=True,
        unique_fields=["person", "kind"],
        update_fields=["way"],
    )
