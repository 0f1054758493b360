"""What a person was told."""

from dataclasses import dataclass

from django.db.models import Exists, F, OuterRef, QuerySet, Subquery

from lifecycle.models import Channel, Notice, NoticeChoice, Post, ReportedEvent, User
from lifecycle.notices.services import NAMES
from lifecycle.queries.projects import projects_visible_to


def notices_of(user: User) -> QuerySet[Notice]:
    """What this person was told and may still see, unread first, then the newest. 1 query, project included.

    What concerns a project that they no longer see is left out.
    """
    mine = Notice.objects.filter(person=user).exclude(way=Notice.Way.NONE).select_related("project")
    visible = projects_visible_to(user).filter(pk=OuterRef("project")).order_by()
    seen = mine.filter(project__isnull=True) | mine.filter(Exists(visible))
    return seen.order_by(F("read_at").asc(nulls_first=True), "-created_at", "-pk")


def ways_of(user: User) -> dict[str, str]:
    """How this person chose to be told, by kind; kinds without a choice are not there. 1 query."""
    return dict(NoticeChoice.objects.filter(person=user).values_list("kind", "way"))


@dataclass(frozen=True)
class ChannelLine:
    """A channel with what became of the last message, None before the first."""

    channel: Channel
    last: Post | None

    @property
    def service(self) -> str:
        return NAMES.get(self.channel.service, self.channel.service)


def channels_of(user: User) -> QuerySet[Channel]:
    """The channels of a person by name; the addresses are left where they are. 1 query."""
    return Channel.objects.filter(person=user, removed_at__isnull=True).defer("sealed").order_by("name", "pk")


def channel_lines(user: User) -> list[ChannelLine]:
    """The same with their last messages. 2 queries."""
    newest = Post.objects.filter(channel=OuterRef("pk")).order_by("-pk").values("pk")[:1]
    channels = list(channels_of(user).annotate(newest=Subquery(newest)))
    posts = Post.objects.in_bulk([vars(each)["newest"] for each in channels])
    return [ChannelLine(each, posts.get(vars(each)["newest"])) for each in channels]


def events_visible_to(user: User) -> QuerySet[ReportedEvent]:
    """What was reported in all projects that the user sees. 1 query, project and person included."""
    found = ReportedEvent.objects.select_related("project__process_version", "reported_by")
    return found.filter(project__in=projects_visible_to(user).values("pk"))
