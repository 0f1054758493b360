"""What a manager does on the matrix: assigns many tasks at once. And who owned what when."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from lifecycle.models import Iteration, Project
from lifecycle.queries.iterations import iterations_of
from lifecycle.queries.ownership import ownership_matrix
from lifecycle.queries.ownership_history import ownership_history
from lifecycle.services import assignments
from lifecycle.views.acting import Tried, carry_out, project_for, reader, rights_of
from lifecycle.views.ownership import assign_forms, show_matrix


@login_required
@require_POST
def assign(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """Give the ticked tasks the people and the date of the form, all or none."""
    return _carry_out(request, slug, number, "assign")


@login_required
@require_POST
def assign_role(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """Give every open task of a role to one person."""
    return _carry_out(request, slug, number, "role")


def _carry_out(request: HttpRequest, slug: str, number: int, name: str) -> HttpResponse:
    user = reader(request)
    project = project_for(user, slug)
    iteration = get_object_or_404(Iteration, project=project, number=number)
    form = assign_forms(ownership_matrix(iteration), project, data=request.POST)[name]
    service = assignments.assign_tasks if name == "assign" else assignments.assign_role
    return carry_out(
        request, form, lambda given: service(iteration=iteration, actor=user, **given),
        done=_("The tasks are assigned."), to=_back(request, project, number),
        may=rights_of(user, project).manages,
        again=lambda: show_matrix(
            request, user, project, iteration, list(iterations_of(project)), Tried(name, form)
        ),
    )  # fmt: skip


def _back(request: HttpRequest, project: Project, number: int) -> str:
    """The matrix as it was filtered before, if the form says so."""
    base = f"{reverse('lifecycle:project-ownership', args=[project.slug])}?iteration={number}"
    given = request.POST.get("back", "")
    ours = given.startswith(f"{base}&") and url_has_allowed_host_and_scheme(given, None)
    return given if ours else base


@login_required
@require_safe
def history(request: HttpRequest, slug: str) -> HttpResponse:
    """Who owned what when, from the ledger. 4 queries."""
    project = project_for(reader(request), slug)
    cursor = request.GET.get("cursor", "")
    before = int(cursor) if cursor.isascii() and cursor.isdigit() and len(cursor) < 16 else None
    timeline = ownership_history(project, before=before)
    context = {"project": project, "timeline": timeline}
    return render(request, "lifecycle/ownership_edit/history.html", context)
