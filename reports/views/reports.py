"""The reports of a project: asked for, watched, taken along."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from lifecycle.models import Project
from lifecycle.views.acting import carry_out, project_for, reader, seen
from reports.forms.reports import ReportForm
from reports.models import Report
from reports.queries.files import file_of
from reports.queries.frameworks import offered
from reports.queries.pages import reports_of, reports_visible_to
from reports.services.reports import request_report

PAGE = 20


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def project_reports(request: HttpRequest, slug: str) -> HttpResponse:
    """The reports of a project, and the request for a new one. 7 queries to read it."""
    user = reader(request)
    project = project_for(user, slug)
    form = ReportForm(request.POST if request.method == "POST" else None, frameworks=offered(project))
    if request.method != "POST":
        return _page(request, project, form)
    return carry_out(
        request,
        form,
        lambda given: request_report(
            project=project,
            actor=user,
            kind=given["kind"],
            options=form.options,
            as_of=given["as_of"],
        ),
        done=_("The report is on its way."),
        to=reverse("reports:project-reports", args=[project.slug]),
        again=lambda: _page(request, project, form),
    )


@login_required
@require_safe
def report_list(request: HttpRequest, slug: str) -> HttpResponse:
    """The table alone, which asks again while a report is being made. 5 queries."""
    project = project_for(reader(request), slug)
    return render(request, "reports/pages/_list.html", _context(request, project))


@login_required
@require_safe
def download(request: HttpRequest, pk: int) -> FileResponse:
    """The file itself. 404 while there is none. 3 queries."""
    return file_of(seen(reports_visible_to(reader(request)), pk))


def _page(request: HttpRequest, project: Project, form: ReportForm) -> HttpResponse:
    return render(request, "reports/pages/reports.html", _context(request, project) | {"form": form})


def _context(request: HttpRequest, project: Project) -> dict[str, Any]:
    found = Paginator(reports_of(project), PAGE).get_page(request.GET.get("page"))
    return {
        "project": project,
        "reports": found,
        "under_way": any(not each.ended for each in found),
        "latest": next((each for each in found if each.state == Report.State.FINISHED), None),
    }
