"""Locked test sets with the evaluations that used them."""

from __future__ import annotations

from django.db.models import Prefetch, QuerySet

from lifecycle.models import Project, TestSet, TestSetUse, User
from lifecycle.queries.projects import projects_visible_to

USES = Prefetch("used_by", TestSetUse.objects.select_related("run").defer("run__record", "run__spec"))


def test_sets_visible_to(user: User) -> QuerySet[TestSet]:
    """The test sets of all projects that the user sees, newest first. 2 queries a page, uses included."""
    found = TestSet.objects.select_related("project", "locked_by").prefetch_related(USES)
    return found.filter(project__in=projects_visible_to(user).values("pk")).order_by("-pk")


def test_sets_of(project: Project) -> QuerySet[TestSet]:
    """The test sets of a project by name, the newest version first. 2 queries a page, uses included."""
    found = TestSet.objects.filter(project=project).select_related("locked_by").prefetch_related(USES)
    return found.order_by("name", "-version")
