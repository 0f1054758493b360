"""Frameworks: which are held here, adding one from a file, and what is written as OSCAL."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from governance.forms.compliance import FrameworkFileForm, SinceForm
from governance.models import Framework
from governance.oscal.reading import MOST_BYTES, read_document
from governance.queries.compliance import document_of, uses_in_force
from governance.queries.compliance_history import history_page
from governance.queries.oscal import KINDS, framework_catalog
from governance.queries.pages_frameworks import frameworks_held
from governance.services.frameworks import add_framework
from governance.views.access import project_for, reader
from governance.views.refusals import carried_out
from lifecycle.models import User
from lifecycle.queries.iterations import current_iteration
from lifecycle.rules.people import can_manage_processes


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def listing(request: HttpRequest) -> HttpResponse:
    """All frameworks in all versions; process owners add one from a file. 5 queries."""
    user = reader(request)
    adds = can_manage_processes(user)
    form = FrameworkFileForm(request.POST, request.FILES) if request.method == "POST" else FrameworkFileForm()
    if form.is_bound:
        if not adds:
            raise PermissionDenied(_("Only process owners and administrators add frameworks."))
        if carried_out(form, lambda: _added(form, user)):
            messages.success(request, _("The framework is there. A manager may measure a project by it."))
            return redirect("governance:frameworks")
    context = {"frameworks": frameworks_held(), "form": form if adds else None}
    return render(
        request, "governance/compliance/frameworks.html", context, status=422 if form.is_bound else 200
    )


def _added(form: FrameworkFileForm, user: User) -> Framework:
    given = form.cleaned_data
    # One byte too many is enough to be told so.
    raw = given["file"].read(MOST_BYTES + 1)
    return add_framework(data=read_document(raw), actor=user, key=given["key"], kind=given["kind"])


@login_required
@require_safe
def version(request: HttpRequest, pk: int) -> HttpResponse:
    """One framework in one version: its controls and the checks that answer them. 3 queries."""
    framework = get_object_or_404(Framework.objects.defer("document"), pk=pk)
    context = {"framework": framework, "document": document_of(framework)}
    return render(request, "governance/compliance/framework_version.html", context)


@login_required
@require_safe
def catalog(request: HttpRequest, pk: int) -> HttpResponse:
    """The framework as an OSCAL catalog."""
    framework = get_object_or_404(Framework.objects.defer("document"), pk=pk)
    return _file(framework_catalog(framework), f"{framework.key}-catalog.json")


@login_required
@require_safe
def project_oscal(request: HttpRequest, slug: str, key: str, kind: str) -> HttpResponse:
    """What OSCAL has for one framework in one project: profile, component definition, results. 14 queries."""
    home = project_for(reader(request), slug)
    use = get_object_or_404(uses_in_force(home).select_related("project"), framework__key=key)
    if kind not in KINDS:
        raise Http404
    return _file(KINDS[kind](use, timezone.now()), f"{slug}-{key}-{kind}.json")


@login_required
@require_safe
def history(request: HttpRequest, slug: str) -> HttpResponse:
    """What changed since the last audit or since `?since=`, and coverage over time. 9 queries."""
    home = project_for(reader(request), slug)
    form = SinceForm(request.GET or None)
    since = form.cleaned_data["since"] if form.is_bound and form.is_valid() else None
    today = timezone.now().astimezone(dt.UTC).date()
    page = history_page(home, today, since)
    context = {
        "project": home,
        "iteration": current_iteration(home),
        "page": page,
        "form": form if form.is_bound and form.errors else SinceForm(initial={"since": page.since}),
    }
    return render(request, "governance/compliance/history.html", context)


def _file(data: dict[str, Any], name: str) -> HttpResponse:
    response = JsonResponse(data, json_dumps_params={"ensure_ascii": False, "indent": 1})
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
