"""The handoffs of an iteration as a board."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from lifecycle.queries.handoff_board import handoff_board
from lifecycle.queries.iterations import iterations_of
from lifecycle.views.acting import project_for, reader


@login_required
@require_safe
def project_handoff_board(request: HttpRequest, slug: str) -> HttpResponse:
    """Planned, offered, returned and accepted, with whoever holds each. 5 queries for any number."""
    user = reader(request)
    project = project_for(user, slug)
    found = list(iterations_of(project))
    wanted = request.GET.get("iteration", "")
    iteration = next((each for each in found if str(each.number) == wanted), None) if wanted else None
    if wanted and iteration is None:
        raise Http404
    iteration = iteration or (found[0] if found else None)
    columns = handoff_board(iteration) if iteration else []
    late = sum(column.late for column in columns)
    context = {
        "project": project,
        "iteration": iteration,
        "iterations": found,
        "columns": columns,
        "title": ngettext("%d handoff is late", "%d handoffs are late", late) % late
        if late
        else _("No handoff is late"),
    }
    return render(request, "lifecycle/handoff_board.html", context)
