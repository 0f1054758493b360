"""Which projects somebody sees, and how each of them stands."""

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, Max, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from lifecycle.models import Handoff, Iteration, Membership, Phase, Project, Requirement, Run, Task, User
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


@dataclass(frozen=True)
class PortfolioRow:
    """A project at a glance. `iteration` is the latest; `monitoring` the last finished monitoring run."""

    project: Project
    role: str
    iteration: Iteration | None = None
    phases: list[PhaseStep] = field(default_factory=list)
    overdue_tasks: int = 0
    overdue_handoffs: int = 0
    waiting_firings: int = 0
    monitoring: Run | None = None

    @property
    def current(self) -> PhaseStep | None:
        """The phase that work is in: the last one that has begun and is not passed, else the first one
        open.
        """
        active = [step for step in self.phases if step.phase.state in _ACTIVE]
        ahead = [step for step in self.phases if step.phase.state == Phase.State.NOT_STARTED]
        return active[-1] if active else ahead[0] if ahead else None

    @property
    def verdict(self) -> str:
        """What the last monitoring run said, such as ok or drift; empty if nothing was monitored."""
        return str(self.monitoring.record.get("verdict", "")) if self.monitoring else ""


_ACTIVE = (
    Phase.State.DEFINING_REQUIREMENTS,
    Phase.State.IN_PROGRESS,
    Phase.State.IN_REVIEW,
    Phase.State.REOPENED,
    Phase.State.ON_HOLD,
)


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


def portfolio(user: User) -> list[PortfolioRow]:
    """All visible projects with phases, what is late and the last monitoring run. 8 queries for any
    number.
    """
    # The document of a process is long, and the same for many projects.
    projects = list(projects_visible_to(user).defer("process_version__document"))
    keys = [project.pk for project in projects]
    today = timezone.localdate()
    roles = dict(
        Membership.objects.filter(user=user, left_at__isnull=True)
        .values_list("project_id", "role")
        .order_by()
    )
    iterations = {each.project_id: each for each in latest_iterations(keys)}
    phases = _steps([each.pk for each in iterations.values()])
    tasks, handoffs = _overdue_tasks(keys, today), _overdue_handoffs(keys, today)
    firings, monitoring = _waiting_firings(keys), _last_monitoring(keys)
    return [
        PortfolioRow(
            project=project,
            role=roles.get(project.pk, ""),
            iteration=iterations.get(project.pk),
            phases=phases[iterations[project.pk].pk] if project.pk in iterations else [],
            overdue_tasks=tasks.get(project.pk, 0),
            overdue_handoffs=handoffs.get(project.pk, 0),
            waiting_firings=firings.get(project.pk, 0),
            monitoring=monitoring.get(project.pk),
        )
        for project in projects
    ]


def latest_iterations(project_ids: list[int]) -> QuerySet[Iteration]:
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


def _steps(iteration_ids: list[int]) -> dict[int, list[PhaseStep]]:
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


def _overdue_tasks(project_ids: list[int], today: dt.date) -> dict[int, int]:
    late = Task.objects.filter(
        phase__iteration__project__in=project_ids,
        phase__iteration__state=Iteration.State.OPEN,
        due_on__lt=today,
    ).exclude(state__in=DONE)
    return _counted(late.values_list("phase__iteration__project"))


def _overdue_handoffs(project_ids: list[int], today: dt.date) -> dict[int, int]:
    late = Handoff.objects.filter(
        iteration__project__in=project_ids,
        iteration__state=Iteration.State.OPEN,
        state__in=OPEN_HANDOFFS,
        due_on__lt=today,
    )
    return _counted(late.values_list("iteration__project"))


def _waiting_firings(project_ids: list[int]) -> dict[int, int]:
    waiting = Project.objects.filter(pk__in=project_ids, triggers__firings__state="waiting")
    return _counted(waiting.values_list("pk"))


def _counted(rows: QuerySet[Any, Any]) -> dict[int, int]:
    return dict(rows.order_by().annotate(count=Count("*")))


def _last_monitoring(project_ids: list[int]) -> dict[int, Run]:
    runs = Run.objects.filter(project__in=project_ids, kind=Run.Kind.MONITORING, state=Run.State.FINISHED)
    last = runs.values("project").order_by().annotate(last=Max("pk")).values("last")
    return {run.project_id: run for run in runs.filter(pk__in=last)}
