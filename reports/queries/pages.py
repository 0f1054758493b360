"""Reads of the pages of reports."""

from django.db.models import QuerySet

from lifecycle.models import Project, User
from lifecycle.queries.projects import projects_visible_to
from reports.models import Report


def reports_of(project: Project) -> QuerySet[Report]:
    """The reports of a project, newest first. 1 query, who asked included."""
    return project.reports.select_related("requested_by", "project")


def reports_visible_to(user: User) -> QuerySet[Report]:
    """The reports of the projects that the user sees. 1 query."""
    visible = projects_visible_to(user).values("pk")
    return Report.objects.filter(project__in=visible).select_related("project", "requested_by")
