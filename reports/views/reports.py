"""The reports of a project: asked for, watched, taken along."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.forms import Form
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from lifecycle.models import Project
from lifecycle.views.acting import carry_out, project_for, reader, seen
from reports.forms.reports import ReportForm
from reports.models import Report
from reports.queries.contents import SHOWN, shown_tables
from reports.queries.files import file_of
from reports.queries.forms import FORMS, data_of, form_of, table_of
from reports.queries.frameworks import offered
from reports.queries.pages import reports_of, reports_visible_to
from reports.services.reports import cancel_report, request_report

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


@login_required
@require_safe
def report(request: HttpRequest, pk: int) -> HttpResponse:
    """What the report says, as a page, and its other forms. 404 while it is not made. 4 queries."""
    found = seen(reports_visible_to(reader(request)), pk)
    data = data_of(found)
    context = {
        "report": found,
        "project": found.project,
        "data": data,
        "tables": shown_tables(data),
        "shown": SHOWN,
        "forms": FORMS,
    }
    return render(request, "reports/pages/report.html", context)


@login_required
@require_safe
def take(request: HttpRequest, pk: int, form: str) -> HttpResponse:
    """The report in another form than PDF. 404 while it is not made. At most 4 queries."""
    return form_of(seen(reports_visible_to(reader(request)), pk), form)


@login_required
@require_safe
def table(request: HttpRequest, pk: int, name: str) -> HttpResponse:
    """One table of the report as CSV. 3 queries."""
    return table_of(seen(reports_visible_to(reader(request)), pk), name)


@login_required
@require_POST
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Stop the making of a report that nobody wants any more."""
    user = reader(request)
    found = seen(reports_visible_to(user), pk)
    return carry_out(
        request,
        Form(request.POST),
        lambda _given: cancel_report(report=found, actor=user),
        done=_("The report is no longer being made."),
        to=_list_of(found),
        again=lambda: _ended(request, found),
    )


def _list_of(found: Report) -> str:
    if found.project is None:
        return reverse("governance:portfolio")
    return reverse("reports:project-reports", args=[found.project.slug])


def _ended(request: HttpRequest, found: Report) -> HttpResponse:
    """It had ended before: the list says how."""
    if found.project is None:
        return HttpResponse(_("This report is no longer being made."), content_type="text/plain")
    return _page(request, found.project, ReportForm(frameworks=offered(found.project)))


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
