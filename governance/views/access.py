"""Who asks, and whether they see what they ask for: a stranger gets 404, never a hint that it exists."""

from __future__ import annotations

from typing import cast

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _

from governance.models import Gate
from governance.queries.pages import gates_visible_to
from lifecycle.models import Project, User
from lifecycle.queries.projects import projects_visible_to


def reader(request: HttpRequest) -> User:
    """The person who asks; the view wants a log-in, so there is one."""
    return cast("User", request.user)


def project_for(user: User, slug: str) -> Project:
    """The project if this person sees it, else 404. 1 query, process version included."""
    return get_object_or_404(projects_visible_to(user), slug=slug)


def gate_for(user: User, pk: int) -> Gate:
    """The gate if this person sees its project, else 404. 1 query, project and phase included."""
    return get_object_or_404(gates_visible_to(user), pk=pk)


def allow(may: bool) -> None:  # noqa: FBT001
    """Say no before a form is read: who may not is not told what is wrong with it (PermissionDenied)."""
    if not may:
        raise PermissionDenied(_("That is not yours to do in this project."))
