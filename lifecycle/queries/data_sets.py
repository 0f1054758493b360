"""Data sets with their versions and the runs that used them; registrations under way."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from django.db.models import Count, Max, QuerySet

from lifecycle.models import DataSet, DataSetVersion, DataUse, Project, Registration, User
from lifecycle.queries.projects import projects_visible_to

MOST_VERSIONS = 50
MOST_USES = 200


@dataclass(frozen=True)
class VersionLine:
    """A version with the runs that used it."""

    version: DataSetVersion
    uses: list[DataUse]


@dataclass(frozen=True)
class DataSetPage:
    """A data set with its newest versions; `more` and `more_uses` say that there are others."""

    data_set: DataSet
    lines: list[VersionLine]
    more: bool
    more_uses: bool


def data_sets_visible_to(user: User) -> QuerySet[DataSet]:
    """The data sets of all projects that the user sees. 1 query, project included."""
    found = DataSet.objects.select_related("project__process_version")
    return found.filter(project__in=projects_visible_to(user).values("pk"))


def data_versions_visible_to(user: User) -> QuerySet[DataSetVersion]:
    """The versions of those data sets. 1 query, data set and project included."""
    found = DataSetVersion.objects.select_related("data_set__project")
    return found.filter(data_set__project__in=projects_visible_to(user).values("pk"))


def registrations_visible_to(user: User) -> QuerySet[Registration]:
    """The registrations of all projects that the user sees. 1 query, what was made included."""
    found = Registration.objects.select_related(
        "project__process_version", "requested_by", "model_version", "data_version__data_set", "run"
    )
    return found.filter(project__in=projects_visible_to(user).values("pk"))


def data_set_list(project: Project) -> QuerySet[DataSet]:
    """The data sets of a project by name, with counts of versions and runs. 1 query a page."""
    return (
        DataSet.objects.filter(project=project)
        .annotate(
            version_count=Count("versions", distinct=True),
            run_count=Count("versions__uses__run", distinct=True),
            last_seen=Max("versions__created_at"),
        )
        .order_by("name", "pk")
    )


def data_set_page(data_set: DataSet) -> DataSetPage:
    """A data set with its newest versions and the newest runs that used them. 2 queries."""
    versions = list(
        data_set.versions.select_related("registered_by", "snapshot").order_by("-number")[: MOST_VERSIONS + 1]
    )
    shown = versions[:MOST_VERSIONS]
    uses = list(
        DataUse.objects.filter(version__in=shown)
        .select_related("run")
        .defer("run__record", "run__spec")
        .order_by("-run_id", "pk")[: MOST_USES + 1]
    )
    by_version: dict[int, list[DataUse]] = defaultdict(list)
    for each in uses[:MOST_USES]:
        by_version[each.version_id].append(each)
    lines = [VersionLine(each, by_version[each.pk]) for each in shown]
    return DataSetPage(data_set, lines, len(versions) > MOST_VERSIONS, len(uses) > MOST_USES)


def registrations_of(project: Project, kind: str = "", *, limit: int = 10) -> list[Registration]:
    """The newest registrations of a project, of one kind if given. 1 query."""
    found = Registration.objects.filter(project=project).select_related(
        "requested_by", "model_version", "data_version__data_set"
    )
    return list((found.filter(kind=kind) if kind else found).order_by("-pk")[:limit])
