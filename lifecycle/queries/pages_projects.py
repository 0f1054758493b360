"""Reads for the pages of requirements, people and processes."""

from collections import defaultdict
from dataclasses import dataclass, field

from django.db.models import QuerySet

from lifecycle.models import Membership, ProcessVersion, Project, Requirement, User


@dataclass(frozen=True)
class RequirementLine:
    """A requirement as it is now, with the versions before it, newest first."""

    current: Requirement
    earlier: list[Requirement] = field(default_factory=list)


def requirement_lines(project: Project) -> list[RequirementLine]:
    """All requirements by key with their former versions. 1 query."""
    found: dict[str, list[Requirement]] = defaultdict(list)
    for each in project.requirements.select_related("created_by", "project").order_by("key", "-version"):
        found[each.key].append(each)
    return [RequirementLine(versions[0], versions[1:]) for versions in found.values()]


def requirements_with_project(project: Project) -> QuerySet[Requirement]:
    """The requirements of a project that are not superseded. 1 query."""
    return project.requirements.select_related("project").exclude(state=Requirement.State.SUPERSEDED)


def everybody_else(project: Project, *, limit: int = 500) -> list[User]:
    """People with an open account who do not belong to the project, by name. 1 query."""
    inside = Membership.objects.filter(project=project, left_at__isnull=True).values("user")
    return list(User.objects.filter(is_active=True).exclude(pk__in=inside).order_by("name", "pk")[:limit])


def published_versions() -> list[ProcessVersion]:
    """The process versions that a project can begin under, newest first. 1 query, no documents."""
    found = ProcessVersion.objects.filter(state=ProcessVersion.State.PUBLISHED).select_related("process")
    return list(found.defer("document").order_by("process__name", "-number"))


def process_versions() -> list[ProcessVersion]:
    """Every version that was ever published, by process. 1 query; the document is left out."""
    found = ProcessVersion.objects.exclude(state=ProcessVersion.State.DRAFT)
    return list(
        found.select_related("process", "created_by").defer("document").order_by("process__name", "-number")
    )
