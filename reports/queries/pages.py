"""Reads of the pages of reports."""

from django.db.models import Q, QuerySet

from lifecycle.models import Project, User
from lifecycle.queries.projects import projects_visible_to
from reports.models import Report


def reports_of(project: Project) -> QuerySet[Report]:
    """The reports of a project, newest first. 1 query, who asked included."""
    return project.reports.select_related("requested_by", "project")


def reports_visible_to(user: User) -> QuerySet[Report]:
    """The reports of the projects that the user sees, and the portfolios that the user asked for. 1 query."""
    visible = projects_visible_to(user).values("pk")
    own = Q(project=None, requested_by=user)
    return Report.objects.filter(Q(project__in=visible) | own).select_related("project", "requested_by")
