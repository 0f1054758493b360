"""How work flows, in one project and over all that the reader sees; tables as CSV, the log as OCEL 2.0."""

from __future__ import annotations

import datetime as dt

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from lifecycle.figures.times import span_text
from lifecycle.models import User
from lifecycle.queries.analytics import Analytics, analytics_among, analytics_of
from lifecycle.queries.analytics_csv import TABLES, table_csv
from lifecycle.queries.kept_analytics import kept_analytics
from lifecycle.queries.ocel import ocel_of
from lifecycle.queries.projects import projects_visible_to
from lifecycle.rules import sees_everything
from lifecycle.views.acting import project_for, reader

DAYS = (30, 90, 365)
_USUAL = 90


@login_required
@require_safe
def project_analytics(request: HttpRequest, slug: str) -> HttpResponse:
    """How work flows in one project. 7 queries."""
    project = project_for(reader(request), slug)
    seen = analytics_of(project)
    context = {"project": project, "seen": seen, "title": _title(seen)}
    return render(request, "lifecycle/analytics/project.html", context)


@login_required
@require_safe
def project_csv(request: HttpRequest, slug: str, table: str) -> HttpResponse:
    """One table of a project. 6 queries."""
    project = project_for(reader(request), slug)
    return _csv(analytics_of(project), table, f"{project.slug}-{table}")


@login_required
@require_safe
def project_ocel(request: HttpRequest, slug: str) -> StreamingHttpResponse:
    """The event log of a project, piece by piece. 14 queries."""
    project = project_for(reader(request), slug)
    answer = StreamingHttpResponse(ocel_of(project), content_type="application/json; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{project.slug}-ocel.json"'
    return answer


@login_required
@require_safe
def analytics(request: HttpRequest) -> HttpResponse:
    """How work flows over all visible projects. 6 queries for any number of them."""
    days = _days(request)
    seen, as_of = _among(reader(request), days)
    context = {
        "as_of": as_of,
        "seen": seen,
        "title": _title(seen),
        "days": days,
        "choices": DAYS,
        "query": f"?days={days or 'all'}",
    }
    return render(request, "lifecycle/analytics/all.html", context)


@login_required
@require_safe
def analytics_csv(request: HttpRequest, table: str) -> HttpResponse:
    """One table over all visible projects. 5 queries."""
    user, days = reader(request), _days(request)
    # Of what went round again, all is in the table, and the latest in the figures that are kept.
    seen = (
        analytics_among(projects_visible_to(user), days=days) if table == "loops" else _among(user, days)[0]
    )
    return _csv(seen, table, f"analytics-{table}")


def _among(user: User, days: int | None) -> tuple[Analytics, dt.datetime | None]:
    """The figures for this reader, and the moment of which they are if they were computed ahead."""
    if sees_everything(user) and (kept := kept_analytics(days)):
        return kept
    return analytics_among(projects_visible_to(user), days=days), None


def _days(request: HttpRequest) -> int | None:
    """The period in the address: one of `DAYS`, or `all`; the usual one for anything else."""
    wanted = request.GET.get("days", "")
    if wanted == "all":
        return None
    return next((each for each in DAYS if str(each) == wanted), _USUAL)


def _csv(seen: Analytics, table: str, name: str) -> HttpResponse:
    if table not in TABLES:
        raise Http404
    answer = HttpResponse(table_csv(seen, table), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return answer


def _title(seen: Analytics) -> str:
    """The finding: the slowest phase, else what comes back."""
    known = [each for each in seen.phases if each.median is not None]
    if known:
        slowest = max(known, key=lambda each: each.median or 0.0)
        return _("%(name)s takes longest: %(time)s") % {
            "name": slowest.name,
            "time": span_text(slowest.median),
        }
    if seen.empty:
        return _("Nothing has flowed yet")
    return _("No phase has been passed yet")
