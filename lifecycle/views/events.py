"""What was reported in a project, and the form to report more."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from lifecycle.forms.events import FORMS, ReportForm
from lifecycle.models import Firing, Project, ReportedEvent, User
from lifecycle.queries.notices import events_visible_to
from lifecycle.services.incidents import Reported, report_event
from lifecycle.sorting import Fields, Sorting, words
from lifecycle.views.acting import carry_out, project_for, reader, rights_of

A_PAGE = 25
SORTS: Mapping[str, Fields] = {"what": ["kind"], "when": ["reported_at"], "by": [words("reported_by__name")]}


@login_required
@require_safe
def project_events(request: HttpRequest, slug: str) -> HttpResponse:
    """What was reported, what it fired, and the form of one kind (`?report=incident`). 7 queries."""
    user = reader(request)
    project = project_for(user, slug)
    kind = request.GET.get("report", "")
    return _page(request, user, project, FORMS[kind]() if kind in FORMS else None)


@login_required
@require_POST
def report(request: HttpRequest, slug: str, kind: str) -> HttpResponse:
    """Report an event."""
    user = reader(request)
    project = project_for(user, slug)
    if kind not in FORMS:
        raise Http404
    form = FORMS[kind](request.POST)
    made: list[Reported] = []

    def service(_given: object) -> None:
        key = request.POST.get("key", "").strip() or f"page:{secrets.token_hex(8)}"
        made.append(report_event(project=project, kind=kind, event=form.event, key=key, actor=user))

    return carry_out(
        request, form, service, done=_("It is recorded, and the triggers have seen it."),
        to=reverse("lifecycle:project-events", args=[slug]), may=rights_of(user, project).takes_part,
        again=lambda: _page(request, user, project, form),
    )  # fmt: skip


def _page(request: HttpRequest, user: User, project: Project, form: ReportForm | None) -> HttpResponse:
    found = events_visible_to(user).filter(project=project)
    sorting = Sorting(request.GET, SORTS, first_down=("when",))
    page = Paginator(sorting.query(found), A_PAGE).get_page(request.GET.get("page"))
    fired = _firings(project, list(page))
    count = page.paginator.count
    context = {
        "project": project,
        "page": page,
        "sorting": sorting,
        "rows": [(each, fired.get(each.event_key, [])) for each in page],
        "title": ngettext("%d event was reported", "%d events were reported", count) % count
        if count
        else _("No event was reported"),
        "form": form,
        "key": request.POST.get("key") or f"page:{secrets.token_hex(8)}",
        "kinds": [(kind, ReportedEvent.Kind(kind).label) for kind in FORMS],
        "rights": rights_of(user, project),
    }
    return render(request, "lifecycle/events/list.html", context)


def _firings(project: Project, events: list[ReportedEvent]) -> dict[str, list[Firing]]:
    """What these events fired, by their key. 1 query."""
    keys = [each.event_key for each in events]
    found: dict[str, list[Firing]] = {}
    for firing in Firing.objects.filter(trigger__project=project, event_key__in=keys).select_related(
        "trigger"
    ):
        found.setdefault(firing.event_key, []).append(firing)
    return found
