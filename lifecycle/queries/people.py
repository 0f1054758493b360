"""People of the organization, as its pages list them."""

from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet

from lifecycle.models import ApiToken, Membership, Project, User
from lifecycle.queries.projects import projects_visible_to


@dataclass(frozen=True)
class Listed:
    """How the list of people is narrowed: by words in name or user name, role, closed ones."""

    words: str = ""
    role: str = ""
    closed: bool = False


def people(wanted: Listed) -> QuerySet[User]:
    """People by name with `project_count`, how many projects they belong to. 1 query."""
    found = User.objects.filter(is_active=not wanted.closed)
    if wanted.words:
        found = found.filter(Q(name__icontains=wanted.words) | Q(username__icontains=wanted.words))
    if wanted.role in User.OrgRole.values:
        found = found.filter(org_role=wanted.role)
    open_memberships = Q(memberships__left_at__isnull=True)
    return found.annotate(project_count=Count("memberships", filter=open_memberships)).order_by("name", "pk")


def active_people(*, but: User | None = None, limit: int = 1000) -> list[User]:
    """Everybody with an open account who may change things, by name. 1 query."""
    found = User.objects.filter(is_active=True).exclude(org_role=User.OrgRole.AUDITOR)
    found = found.exclude(pk=but.pk) if but else found
    return list(found.order_by("name", "pk")[:limit])


def memberships_of(user: User, reader: User) -> QuerySet[Membership]:
    """The projects of a person that the reader sees as well, those they left last. 1 query."""
    seen = projects_visible_to(reader).order_by().values("pk")
    found = Membership.objects.filter(user=user, project__in=seen).select_related("project")
    return found.annotate(gone=Q(left_at__isnull=False)).order_by("gone", "project__name", "pk")


def tokens_of(user: User) -> list[ApiToken]:
    """The tokens of a person, the last first. 1 query."""
    return list(user.api_tokens.select_related("project").order_by("-created_at", "-pk"))


def projects_worked_in(user: User) -> list[Project]:
    """The active projects in which a person may record runs, by name. 1 query."""
    roles = (Membership.Role.MANAGER, Membership.Role.CONTRIBUTOR, Membership.Role.REVIEWER)
    mine = Membership.objects.filter(user=user, left_at__isnull=True, role__in=roles)
    found = Project.objects.filter(pk__in=mine.values("project"), state=Project.State.ACTIVE)
    return list(found.order_by("name", "pk"))
