"""Reads that only the pages of this app need."""

from collections import defaultdict
from collections.abc import Iterable

from django.db.models import QuerySet

from lifecycle.models import Evidence, Firing, Iteration, Membership, Project, Run, Snapshot, Trigger, User
from lifecycle.queries.projects import projects_visible_to
from lifecycle.queries.tasks import LIVE

WORKING_ROLES = (Membership.Role.MANAGER, Membership.Role.CONTRIBUTOR, Membership.Role.REVIEWER)


def kinds_by_task(iteration: Iteration) -> dict[int, set[str]]:
    """The kinds of evidence that count, by the id of their task. 1 query."""
    found: dict[int, set[str]] = defaultdict(set)
    rows = Evidence.objects.filter(task__phase__iteration=iteration, state__in=LIVE)
    for task, kind in rows.order_by().values_list("task_id", "snapshot__kind"):
        found[task].add(kind)
    return dict(found)


def people_of(project: Project) -> list[User]:
    """Who can take tasks and handoffs of a project, by name. 1 query."""
    members = project.memberships.filter(
        left_at__isnull=True, user__is_active=True, role__in=WORKING_ROLES
    ).exclude(user__org_role=User.OrgRole.AUDITOR)
    return [each.user for each in members.select_related("user").order_by("user__name", "pk")]


def runs_visible_to(user: User) -> QuerySet[Run]:
    """The runs of all projects that the user sees. 1 query, project, task, model and person included."""
    found = Run.objects.select_related(
        "project__process_version", "iteration", "task", "model_version", "started_by"
    )
    return found.filter(project__in=projects_visible_to(user).values("pk"))


def triggers_visible_to(user: User) -> QuerySet[Trigger]:
    """The triggers of all projects that the user sees. 1 query, project included."""
    found = Trigger.objects.select_related("project__process_version")
    return found.filter(project__in=projects_visible_to(user).values("pk"))


def firings_visible_to(user: User) -> QuerySet[Firing]:
    """The firings of all projects that the user sees. 1 query, trigger, run and person included."""
    found = Firing.objects.select_related(
        "trigger__project__process_version", "run", "decided_by", "merged_into__trigger", "iteration"
    )
    return found.filter(trigger__project__in=projects_visible_to(user).values("pk"))


def runs_to_attach(iteration: Iteration, but: Iterable[int], *, limit: int = 50) -> list[Run]:
    """The finished runs of an iteration that are not evidence of the task already, newest first. 1 query."""
    found = Run.objects.filter(iteration=iteration, state=Run.State.FINISHED).exclude(pk__in=list(but))
    return list(found.order_by("-finished_at", "-pk")[:limit])


def snapshots_of(project: Project, *, limit: int = 100) -> list[Snapshot]:
    """What has been frozen in a project last. 1 query."""
    return list(project.snapshots.order_by("-created_at", "-pk").defer("content")[:limit])
