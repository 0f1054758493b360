"""What a person was told."""

from django.db.models import Exists, F, OuterRef, QuerySet

from lifecycle.models import Notice, NoticeChoice, ReportedEvent, User
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


def events_visible_to(user: User) -> QuerySet[ReportedEvent]:
    """What was reported in all projects that the user sees. 1 query, project and person included."""
    found = ReportedEvent.objects.select_related("project__process_version", "reported_by")
    return found.filter(project__in=projects_visible_to(user).values("pk"))
