"""What runs, compared with what is authorized: over all projects, and of one with where it is looked."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from governance.forms.running import AliasForm, FilesForm
from governance.models import RunningPlace, Sighting
from governance.queries.pages_running import (
    SORTS,
    counts_of,
    environments_in,
    in_order,
    narrowed,
    places_in,
    sightings_visible_to,
)
from governance.rules.running import may_add_alias, may_add_files, may_look, may_retire_place
from governance.services.looks import ask_for_look
from governance.services.running_places import retire_place, watch_alias, watch_files
from governance.views.access import allow, project_for, reader
from governance.views.refusals import carried_out
from lifecycle.models import Project, User
from lifecycle.queries.iterations import current_iteration
from lifecycle.queries.projects import projects_visible_to
from lifecycle.sorting import Sorting

A_PAGE = 50


@login_required
@require_safe
def running(request: HttpRequest) -> HttpResponse:
    """What runs in all projects that the reader sees, a page at a time. 9 queries."""
    context = _listed(request, sightings_visible_to(reader(request)))
    return render(request, "governance/running.html", context)


@login_required
@require_safe
def project_running(request: HttpRequest, slug: str) -> HttpResponse:
    """What runs of a project, and where it is looked. 13 queries."""
    user = reader(request)
    return _page(request, project_for(user, slug), user)


@login_required
@require_POST
def running_look(request: HttpRequest, slug: str) -> HttpResponse:
    """Have a worker look now."""
    user = reader(request)
    home = project_for(user, slug)
    ask_for_look(project=home, actor=user)
    messages.success(request, _("It is being looked at. Load the page again in a moment."))
    return redirect("governance:project-running", slug)


@login_required
@require_POST
def alias_watch(request: HttpRequest, slug: str) -> HttpResponse:
    """Say which environment an alias stands for."""
    user = reader(request)
    home = project_for(user, slug)
    allow(may_add_alias(user, home))
    form = AliasForm(request.POST, prefix="alias")
    if carried_out(form, lambda: watch_alias(project=home, actor=user, **form.cleaned_data)):
        messages.success(request, _("The alias is looked at every minute."))
        return redirect("governance:project-running", slug)
    return _page(request, home, user, refused=("alias", form))


@login_required
@require_POST
def files_watch(request: HttpRequest, slug: str) -> HttpResponse:
    """Say which files are what runs."""
    user = reader(request)
    home = project_for(user, slug)
    allow(may_add_files(user))
    form = FilesForm(request.POST, prefix="files")
    if carried_out(form, lambda: watch_files(project=home, actor=user, **form.cleaned_data)):
        messages.success(request, _("These files are looked at every minute."))
        return redirect("governance:project-running", slug)
    return _page(request, home, user, refused=("files", form))


@login_required
@require_POST
def place_retire(request: HttpRequest, pk: int) -> HttpResponse:
    """Look there no longer."""
    user = reader(request)
    seen = RunningPlace.objects.filter(project__in=projects_visible_to(user).values("pk"))
    place = get_object_or_404(seen.select_related("project__process_version"), pk=pk)
    form = forms.Form(request.POST)
    if carried_out(form, lambda: retire_place(place=place, actor=user)):
        messages.success(request, _("It is looked at no longer."))
        return redirect("governance:project-running", place.project.slug)
    return _page(request, place.project, user, refused=("retire", form))


def _page(
    request: HttpRequest, home: Project, user: User, *, refused: tuple[str, forms.Form] | None = None
) -> HttpResponse:
    """The page; `refused` is a form that was not carried out, by its name: then the answer is 422."""
    given: dict[str, Any] = dict([refused]) if refused else {}
    start = {"environment": "production"}
    context = {
        **_listed(request, sightings_visible_to(user).filter(project=home)),
        "project": home,
        "authorization": True,  # the tab of the models is this page's
        "iteration": current_iteration(home),
        "places": [(each, may_retire_place(user, each)) for each in places_in(home)],
        "may_look": may_look(user, home),
        "refused": given.get("retire"),
        "alias_form": given.get("alias") or AliasForm(prefix="alias", initial=start)
        if may_add_alias(user, home)
        else None,
        "files_form": given.get("files") or FilesForm(prefix="files", initial=start)
        if may_add_files(user)
        else None,
    }
    return render(request, "governance/project_running.html", context, status=422 if refused else 200)


def _listed(request: HttpRequest, every: QuerySet[Sighting]) -> dict[str, Any]:
    """The rows of a page, as they were asked for, and what is counted over all of them."""
    state, environment = request.GET.get("state", ""), request.GET.get("environment", "").replace("\0", "")
    text = request.GET.get("words", "").strip().replace("\0", "")[:100]
    sorting = Sorting(request.GET, SORTS, first_down=("seen", "since"))
    found = sorting.query(in_order(narrowed(every, state=state, environment=environment, text=text)))
    counts, environments = counts_of(every), environments_in(every)
    return {
        "page": Paginator(found, A_PAGE).get_page(request.GET.get("page")),
        "sorting": sorting,
        "counts": counts,
        "state": state if state in Sighting.State.values else "",
        "environment": environment if environment in environments else "",
        "environments": environments,
        "words": text,
        "title": _title(counts),
    }


def _title(counts: dict[str, int]) -> str:
    """The finding: how many run, and how many of them may not."""
    bad, standing = counts[Sighting.State.UNAUTHORIZED], counts["standing"]
    if not standing:
        return _("Nothing was seen running")
    if bad:
        text = ngettext(
            "%(n)d of %(all)d runs without an authorization",
            "%(n)d of %(all)d run without an authorization",
            bad,
        )
        return text % {"n": bad, "all": standing}
    text = ngettext("One model runs, authorized", "%(n)d models run, all authorized", standing)
    return text % {"n": standing}
