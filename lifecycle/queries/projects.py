"""Which projects somebody sees, and who and what belongs to one."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery

from lifecycle.models import Handoff, Iteration, Membership, Phase, Project, Requirement, Task, User
from lifecycle.prepared import Prepared
from lifecycle.rules import sees_everything

DONE = (Task.State.VERIFIED, Task.State.NOT_APPLICABLE)
OPEN_HANDOFFS = (Handoff.State.PLANNED, Handoff.State.OFFERED, Handoff.State.RETURNED)


@dataclass(frozen=True)
class PhaseStep:
    """One phase of a strip or ring: how many of the tasks that apply are verified."""

    phase: Phase
    done: int
    total: int


def projects_visible_to(user: User) -> QuerySet[Project]:
    """The projects of which the user is a member; all for those who see everything. 1 query, manager
    included.
    """
    projects = Project.objects.select_related("created_by", "process_version__process")
    if sees_everything(user):
        return projects
    if not user.is_active:
        return projects.none()
    mine = Membership.objects.filter(user=user, left_at__isnull=True)
    return projects.filter(pk__in=mine.values("project_id"))


_ANY = Prepared(lambda slug: Project.objects.filter(slug=slug).order_by(), str)
_OF_MEMBERS = Prepared(
    lambda slug, user: Project.objects.filter(
        slug=slug, memberships__user=user, memberships__left_at__isnull=True
    ).order_by(),
    str, int,
)  # fmt: skip


def visible_project(user: User, slug: str) -> Project | None:
    """The project of that name if the user sees it: one of `projects_visible_to`. At most 1 query."""
    if not user.is_active:
        return None
    return _ANY.first(slug) if sees_everything(user) else _OF_MEMBERS.first(slug, user.pk)


def project_ids_of(user: User) -> list[int] | None:
    """The ids of `projects_visible_to`; None for those who see everything. At most 1 query."""
    if sees_everything(user):
        return None
    return list(projects_visible_to(user).order_by().values_list("pk", flat=True))


def latest_iterations(project_ids: list[int] | QuerySet[Any, Any]) -> QuerySet[Iteration]:
    """The latest iteration of each project, which is the open one if any is. 1 query."""
    same = Iteration.objects.filter(project=OuterRef("project")).order_by("-number")
    return Iteration.objects.filter(project__in=project_ids, pk=Subquery(same.values("pk")[:1]))


def members_of(project: Project, *, former: bool = False) -> QuerySet[Membership]:
    """The members with their person, by name; with those who left if asked for. 1 query."""
    members = project.memberships.select_related("user").order_by("user__name", "pk")
    return members if former else members.filter(left_at__isnull=True)


def requirements_of(project: Project, *, all_versions: bool = False) -> QuerySet[Requirement]:
    """The requirements as they are now, or every version of them. 1 query, author included."""
    found = project.requirements.select_related("created_by")
    return found if all_versions else found.exclude(state=Requirement.State.SUPERSEDED)


def steps_of(iteration_ids: list[int]) -> dict[int, list[PhaseStep]]:
    """The phases of these iterations with the tasks done in each, by iteration. 1 query."""
    counted = (
        Phase.objects.filter(iteration__in=iteration_ids)
        .annotate(
            total_tasks=Count("tasks", filter=~Q(tasks__state=Task.State.NOT_APPLICABLE)),
            done_tasks=Count("tasks", filter=Q(tasks__state=Task.State.VERIFIED)),
        )
        .order_by("iteration", "order")
    )
    steps: dict[int, list[PhaseStep]] = defaultdict(list)
    for phase in counted:
        steps[phase.iteration_id].append(PhaseStep(phase, phase.done_tasks, phase.total_tasks))
    return steps
