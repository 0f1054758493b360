"""Data sets of a project with versions and uses; having models and data named by their digest."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from lifecycle.forms.fields import PlainForm
from lifecycle.forms.registrations import DataSetForm, DescriptionForm, ModelForm
from lifecycle.models import DataSet, Registration
from lifecycle.queries.data_sets import (
    data_set_list,
    data_set_page,
    data_sets_visible_to,
    data_versions_visible_to,
    registrations_of,
    registrations_visible_to,
)
from lifecycle.queries.iterations import current_iteration
from lifecycle.services.data_sets import describe_data_set, freeze_data_set
from lifecycle.services.registrations import ENDED, request_data_set, request_model
from lifecycle.views.acting import carry_out, project_for, reader, rights_of, seen

A_PAGE = 25
_FORMS: dict[str, type[forms.Form]] = {"model": ModelForm, "data": DataSetForm}


@login_required
@require_safe
def project_data_sets(request: HttpRequest, slug: str) -> HttpResponse:
    """The data sets of a project, by name. 9 queries."""
    user = reader(request)
    project = project_for(user, slug)
    page = Paginator(data_set_list(project), A_PAGE).get_page(request.GET.get("page"))
    count = page.paginator.count
    context = {
        "project": project,
        "iteration": current_iteration(project),
        "page": page,
        "registrations": registrations_of(project, Registration.Kind.DATA, limit=5),
        "title": ngettext("One data set", "%(n)d data sets", count) % {"n": count}
        if count
        else _("No data set yet"),
        "works": rights_of(user, project).works,
        "evidence_page": True,
    }
    return render(request, "lifecycle/data_sets/list.html", context)


@login_required
@require_safe
def data_set(request: HttpRequest, pk: int) -> HttpResponse:
    """A data set with its versions and the runs that used them. 9 queries."""
    user = reader(request)
    return _page(request, seen(data_sets_visible_to(user), pk))


@login_required
@require_POST
def describe(request: HttpRequest, pk: int) -> HttpResponse:
    """Say what is known of a data set."""
    user = reader(request)
    found, form = seen(data_sets_visible_to(user), pk), DescriptionForm(request.POST)
    return carry_out(
        request, form, lambda said: describe_data_set(data_set=found, actor=user, **said),
        done=_("Written down."), to=reverse("lifecycle:data-set", args=[pk]),
        may=rights_of(user, found.project).works, again=lambda: _page(request, found, form),
    )  # fmt: skip


@login_required
@require_POST
def freeze(request: HttpRequest, pk: int) -> HttpResponse:
    """Freeze a version, so that a handoff or a task can point at it."""
    user = reader(request)
    version = seen(data_versions_visible_to(user), pk)
    return carry_out(
        request, PlainForm(request.POST), lambda _said: freeze_data_set(version=version, actor=user),
        done=_("Frozen. A handoff or a task can now point at it."),
        to=reverse("lifecycle:data-set", args=[version.data_set_id]),
        may=rights_of(user, version.data_set.project).takes_part,
        again=lambda: _page(request, version.data_set),
    )  # fmt: skip


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def register(request: HttpRequest, slug: str, kind: str) -> HttpResponse:
    """Ask to have a model or a data set named by its digest. 8 queries."""
    user = reader(request)
    project = project_for(user, slug)
    if kind not in _FORMS:
        raise Http404
    if not rights_of(user, project).works:
        raise PermissionDenied(_("Only managers and contributors register models and data."))
    form = _FORMS[kind](request.POST if request.method == "POST" else None, initial=_initial(request))
    context = {
        "project": project,
        "iteration": current_iteration(project),
        "form": form,
        "kind": kind,
        "registrations": registrations_of(project, kind),
        "evidence_page": kind == "data",
    }

    def page() -> HttpResponse:
        return render(request, "lifecycle/data_sets/register.html", context)

    def service(said: dict[str, Any]) -> Registration:
        if kind == "model":
            return request_model(project=project, uri=said["uri"], actor=user)
        return request_data_set(project=project, spec=said, actor=user)

    if request.method != "POST":
        return page()
    return carry_out(
        request, form, service, done=_("It is queued."),
        to=lambda made: reverse("lifecycle:registration", args=[made.pk]), again=page,
    )  # fmt: skip


@login_required
@require_safe
def registration(request: HttpRequest, pk: int) -> HttpResponse:
    """How far a registration is, and what came of it. 5 queries."""
    found = seen(registrations_visible_to(reader(request)), pk)
    context = {
        "project": found.project,
        "registration": found,
        "under_way": found.state not in ENDED,
        "signature": found.model_version.signatures.first() if found.model_version else None,
        "evidence_page": found.kind == Registration.Kind.DATA,
    }
    return render(request, "lifecycle/data_sets/registration.html", context)


@login_required
@require_safe
def registration_progress(request: HttpRequest, pk: int) -> HttpResponse:
    """The bar; once it has ended, the browser is told to load the page anew. 3 queries."""
    found = seen(registrations_visible_to(reader(request)), pk)
    under_way = found.state not in ENDED
    context = {"registration": found, "under_way": under_way}
    answer = render(request, "lifecycle/data_sets/_progress.html", context)
    if not under_way:
        answer.headers["HX-Refresh"] = "true"
    return answer


def _initial(request: HttpRequest) -> dict[str, str]:
    return {"name": request.GET.get("name", "")[:500], "uri": request.GET.get("uri", "")[:2000]}


def _page(request: HttpRequest, found: DataSet, form: DescriptionForm | None = None) -> HttpResponse:
    user = reader(request)
    rights = rights_of(user, found.project)
    said = {name: getattr(found, name) for name in DescriptionForm.base_fields}
    context = {
        "project": found.project,
        "iteration": current_iteration(found.project),
        "page": data_set_page(found),
        "data_set": found,
        "works": rights.works,
        "takes_part": rights.takes_part,
        "form": form or DescriptionForm(initial=said),
        "evidence_page": True,
    }
    return render(request, "lifecycle/data_sets/data_set.html", context)
