"""Channels: where a person is told besides page and e-mail. Each has their own, and nobody sees an address.

An address such as `slack://…` carries the key to somebody's chat. It is sealed before it is stored, stands in
no page, log or ledger entry, and is forgotten when the channel is removed.
"""

from __future__ import annotations

from collections.abc import Collection

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from lifecycle.actions import LifecycleAction
from lifecycle.errors import Invalid, Refused
from lifecycle.models import Channel, Notice, Post, User
from lifecycle.notices.services import check_address
from lifecycle.sealing import seal
from lifecycle.services.outbox import enqueue
from lifecycle.services.steps import allow, change, locked, record
from lifecycle.services.texts import line

MOST = 10
"""So many channels a person can have."""
LONGEST = 2000
POST_TASK = "notices.post"
ATTEMPTS = 12  # about seven hours without an answer


@transaction.atomic
def add_channel(*, person: User, name: str, url: str, kinds: Collection[str], actor: User) -> Channel:
    """Tell the person of some kinds of notices through a channel too, named by an address of apprise.

    Raises `Invalid` for an address that is none, that leads to a service that is not let in, or to an address
    inside the network; for an unknown kind and a name that is taken; `Refused("too_many")`.
    """
    person = locked(person)
    allow(actor.pk == person.pk and person.is_active, _("Channels are added by the person who is told."))
    name = line(name, "name", most=100)
    wanted = _checked(kinds)
    service = check_address(line(url, "url", most=LONGEST))
    mine = Channel.objects.filter(person=person, removed_at__isnull=True)
    if mine.count() >= MOST:
        raise Refused("too_many", _("You have %d channels already: remove one first.") % MOST)
    _ensure_free(person, name)

    channel = Channel.objects.create(
        person=person, name=name, service=service, kinds=wanted, created_at=timezone.now()
    )
    channel.sealed = seal(url.strip(), purpose_of(channel))
    channel.save(update_fields=["sealed"])
    record(LifecycleAction.CHANNEL_ADDED, channel, actor=actor, name=name, service=service, kinds=wanted)
    return channel


@transaction.atomic
def change_channel(*, channel: Channel, name: str, kinds: Collection[str], actor: User) -> Channel:
    """Give it another name, or send other kinds there; the address stays. `Refused("no_change")`."""
    channel = _own(channel, actor)
    name, wanted = line(name, "name", most=100), _checked(kinds)
    before, after = {"name": channel.name, "kinds": channel.kinds}, {"name": name, "kinds": wanted}
    if before == after:
        raise Refused("no_change", _("Nothing would change."))
    if name != channel.name:
        _ensure_free(channel.person, name)

    channel.name, channel.kinds = name, wanted
    channel.save(update_fields=["name", "kinds"])
    record(LifecycleAction.CHANNEL_CHANGED, channel, actor=actor, **change(before, after))
    return channel


@transaction.atomic
def remove_channel(*, channel: Channel, actor: User) -> Channel:
    """Send nothing there any more, and forget the address. What still waits is not sent."""
    channel = _own(channel, actor)

    channel.sealed, channel.removed_at = "", timezone.now()
    channel.save(update_fields=["sealed", "removed_at"])
    record(LifecycleAction.CHANNEL_REMOVED, channel, actor=actor, name=channel.name)
    return channel


@transaction.atomic
def try_channel(*, channel: Channel, actor: User) -> Post:
    """Send a line that says that it works. A person's test of their own is no change and has no entry."""
    channel = _own(channel, actor)
    if channel.posts.filter(notice__isnull=True, state=Post.State.WAITING).exists():
        raise Refused("test_waits", _("A test is on its way already."))
    post = Post.objects.create(channel=channel, created_at=timezone.now())
    ask_for_posts([post])
    return post


def post_notices(notices: Collection[tuple[int, str, str]]) -> None:
    """Send fresh notices, given as (person, key, kind), through the channels of these people. 1 query where
    nobody has one, 3 and some for each message else.
    """
    people = {person for person, _key, _kind in notices}
    found = Channel.objects.filter(person__in=people, removed_at__isnull=True).order_by("pk")
    channels: dict[int, list[Channel]] = {}
    for channel in found:
        channels.setdefault(channel.person_id, []).append(channel)
    wanted = [each for each in notices if each[0] in channels]
    if not wanted:
        return
    told = Notice.objects.filter(person__in=channels, key__in={key for _person, key, _kind in wanted})
    rows = {(person, key): pk for pk, person, key in told.values_list("pk", "person_id", "key")}
    posts = [
        Post(channel=channel, notice_id=rows[person, key], created_at=timezone.now())
        for person, key, kind in wanted
        for channel in channels[person]
        if kind in channel.kinds and (person, key) in rows
    ]
    Post.objects.bulk_create(posts, ignore_conflicts=True)
    fresh = Post.objects.filter(notice__in=[post.notice_id for post in posts], state=Post.State.WAITING)
    ask_for_posts(list(fresh))


def ask_for_posts(posts: Collection[Post]) -> None:
    """Have a worker send them."""
    for post in posts:
        enqueue(task=POST_TASK, args={"post_id": post.pk}, key=f"post:{post.pk}", max_attempts=ATTEMPTS)


def purpose_of(channel: Channel) -> str:
    """What a sealed address is sealed for: another channel's seal does not open."""
    return f"channel:{channel.pk}:address"


def _own(channel: Channel, actor: User) -> Channel:
    channel = locked(channel, "person")
    allow(actor.pk == channel.person_id and actor.is_active, _("This channel belongs to another person."))
    if channel.removed_at is not None:
        raise Refused("removed", _("This channel is removed."))
    return channel


def _ensure_free(person: User, name: str) -> None:
    if Channel.objects.filter(person=person, name=name, removed_at__isnull=True).exists():
        raise Invalid("name_taken", _("You have a channel of this name already."), "name")


def _checked(kinds: Collection[str]) -> list[str]:
    unknown = sorted(set(kinds) - set(Notice.Kind.values))
    if unknown:
        raise Invalid("unknown_kind", _("There is no such kind of notice."), "kinds")
    if not kinds:
        raise Invalid("missing", _("Choose what is told there."), "kinds")
    return sorted(set(kinds))
