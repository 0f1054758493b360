"""What was in production at a moment, over all projects that the reader sees."""

from __future__ import annotations

import datetime as dt

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from governance.forms.production import MomentForm
from governance.queries.production import Production, environments_of, production_at
from governance.queries.production_out import as_csv
from governance.views.access import reader
from lifecycle.queries.projects import projects_visible_to


@login_required
@require_safe
def production(request: HttpRequest) -> HttpResponse:
    """What was live at a moment, approved by whom, on which evidence. 8 queries."""
    form = _form(request)
    found = _found(request, form)
    context = {
        "form": form,
        "found": found,
        "title": _title(found) if found else _("Which moment?"),
        "query": request.GET.urlencode(),
        "now": not request.GET.get("day"),
    }
    return render(request, "governance/production.html", context, status=200 if found else 422)


@login_required
@require_safe
def production_csv(request: HttpRequest) -> HttpResponse:
    """The same as CSV. 8 queries."""
    form = _form(request)
    found = _found(request, form)
    if found is None:
        context = {"form": form, "title": _("Which moment?")}
        return render(request, "governance/production.html", context, status=422)
    answer = HttpResponse(as_csv(found), content_type="text/csv; charset=utf-8")
    name = found.at.astimezone(dt.UTC).strftime("production-%Y%m%dT%H%M%SZ.csv")
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def _form(request: HttpRequest) -> MomentForm:
    projects = projects_visible_to(reader(request)).select_related(None)
    data = request.GET.copy()
    if not data.get("day") and not data.get("time"):
        data["day"] = timezone.now().astimezone(dt.UTC).date().isoformat()
    return MomentForm(data, environments=environments_of(projects), projects=projects.order_by("name", "pk"))


def _found(request: HttpRequest, form: MomentForm) -> Production | None:
    if not form.is_valid():
        return None
    asked = form.cleaned_data
    return production_at(
        projects_visible_to(reader(request)).select_related(None),
        asked["at"],
        environment=asked["environment"],
        project=asked["project"],
    )


def _title(found: Production) -> str:
    """The finding: how many were live, and how many of them without an authorization that held."""
    count, bare = len(found.live), len(found.uncovered)
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
