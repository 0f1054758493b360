"""What was in production at a moment, over all projects that the reader sees."""

from __future__ import annotations

import datetime as dt

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from governance.forms.production import MomentForm
from governance.models import Deployment
from governance.queries.production import environments_of, live_at, told, uncovered_among
from governance.queries.production_out import csv_lines
from governance.views.access import reader
from lifecycle.queries.projects import projects_visible_to

A_PAGE = 25


@login_required
@require_safe
def production(request: HttpRequest) -> HttpResponse:
    """What was live at a moment, approved by whom, on which evidence; a page at a time. 16 queries."""
    form = _form(request)
    found = _found(request, form)
    if found is None:
        return _which(request, form)
    at = form.cleaned_data["at"]
    bare = uncovered_among(found, at)
    count, only = found.count(), request.GET.get("show") == "uncovered"
    keys = (found.filter(pk__in=bare) if only else found).select_related(None).values_list("pk", flat=True)
    page = Paginator(keys, A_PAGE).get_page(request.GET.get("page"))
    context = {
        "form": form,
        "at": at,
        # Sorted are keys alone: the records that go with them are wide.
        "live": told(list(found.filter(pk__in=list(page.object_list))), at),
        "page": page,
        "only": only,
        "count": count,
        "bare": len(bare),
        "title": _title(count, len(bare)),
        "query": request.GET.urlencode(),
        "now": not request.GET.get("day"),
    }
    return render(request, "governance/production.html", context)


@login_required
@require_safe
def production_csv(request: HttpRequest) -> HttpResponseBase:
    """The same as CSV, all of it, sent in parts."""
    form = _form(request)
    found = _found(request, form)
    if found is None:
        return _which(request, form)
    at = form.cleaned_data["at"]
    answer = StreamingHttpResponse(csv_lines(found, at), content_type="text/csv; charset=utf-8")
    name = at.astimezone(dt.UTC).strftime("production-%Y%m%dT%H%M%SZ.csv")
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def _which(request: HttpRequest, form: MomentForm) -> HttpResponse:
    context = {"form": form, "title": _("Which moment?")}
    return render(request, "governance/production.html", context, status=422)


def _form(request: HttpRequest) -> MomentForm:
    projects = projects_visible_to(reader(request)).select_related(None)
    data = request.GET.copy()
    if not data.get("day") and not data.get("time"):
        data["day"] = timezone.now().astimezone(dt.UTC).date().isoformat()
    named = projects.order_by("name", "pk").values_list("slug", "name")
    return MomentForm(data, environments=environments_of(projects), projects=named)


def _found(request: HttpRequest, form: MomentForm) -> QuerySet[Deployment] | None:
    if not form.is_valid():
        return None
    asked = form.cleaned_data
    return live_at(
        projects_visible_to(reader(request)).select_related(None),
        asked["at"],
        environment=asked["environment"],
        project=asked["project"],
    )


def _title(count: int, bare: int) -> str:
    """The finding: how many were live, and how many of them without an authorization that held."""
    if not count:
        return _("Nothing was live")
    if bare:
        text = ngettext(
            "%(n)d of %(all)d was live without an authorization that held",
            "%(n)d of %(all)d were live without an authorization that held",
            bare,
        )
        return text % {"n": bare, "all": count}
    text = ngettext("One model was live, authorized", "%(n)d models were live, all authorized", count)
    return text % {"n": count}
