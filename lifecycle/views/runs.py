"""The runs of a project: a list, one of them, and asking for a new one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.files.storage import default_storage
from django.core.paginator import Paginator
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from ledger.errors import Invalid, Refused
from lifecycle.forms.runs import KINDS, RunForm
from lifecycle.models import Iteration, Project, Run
from lifecycle.queries.iterations import current_iteration
from lifecycle.queries.pages import runs_visible_to
from lifecycle.queries.pages_runs import (
    MOST_PAGED,
    evidence_of_run,
    last_spec,
    models_of,
    reproductions_of,
    run_list,
    run_view,
    set_aside_name,
    tasks_for_runs,
)
from lifecycle.queries.run_histories import histories_of, parts_of
from lifecycle.queries.run_search import asked_in_words
from lifecycle.services.reproductions import request_reproduction
from lifecycle.services.runs import REQUESTS
from lifecycle.sorting import Fields, Sorting, words
from lifecycle.templatetags.marks import thin
from lifecycle.views.acting import carry_out, project_for, reader, rights_of, seen

A_PAGE = 25
_TAKE_MODEL = (Run.Kind.EVALUATION, Run.Kind.MONITORING)
SORTS: Mapping[str, Fields] = {
    "run": [words("title")],
    "iteration": ["iteration__number"],
    "model": ["model_version__number"],
    "by": [words("started_by__name")],
    "when": ["created_at"],
    "state": ["state"],
}
_UNDER_WAY = (Run.State.QUEUED, Run.State.RUNNING)


@login_required
@require_safe
def project_runs(request: HttpRequest, slug: str) -> HttpResponse:
    """The runs, newest first, by kind, state and words. 9 queries."""
    user = reader(request)
    project = project_for(user, slug)
    asked = _asked(request.GET)
    sorting = Sorting(request.GET, SORTS, first_down=("when", "iteration", "model"))
    found = run_list(project, {**asked, **asked_in_words(asked["words"])})
    page = Paginator(sorting.query(found.runs), A_PAGE).get_page(request.GET.get("page"))
    count, rights = page.paginator.count, rights_of(user, project)
    context = {
        "project": project,
        "iteration": current_iteration(project),
        "page": page,
        "sorting": sorting,
        **asked,
        "more": found.more,
        "most": MOST_PAGED,
        "narrowed": any(asked.values()),
        "kinds": [("", _("All kinds")), *Run.Kind.choices],
        "states": [("", _("Any state")), *Run.State.choices],
        "title": _title(count, more=found.more and count >= MOST_PAGED),
        "may_ask": rights.works,
        "manages": rights.manages,
        "new_kinds": [(each.value, each.label) for each in KINDS],
    }
    return render(request, "lifecycle/runs.html", context)


def _asked(sent: Mapping[str, str]) -> dict[str, str]:
    kind, state = sent.get("kind", ""), sent.get("state", "")
    return {
        "kind": kind if kind in Run.Kind.values else "",
        "state": state if state in Run.State.values else "",
        "words": sent.get("words", "").replace("\x00", "").strip()[:300],
    }


def _title(count: int, *, more: bool) -> str:
    if more:
        return _("Over %(count)s runs") % {"count": thin(count)}
    return ngettext("%d run", "%d runs", count) % count if count else _("No runs")


@login_required
@require_safe
def run(request: HttpRequest, pk: int) -> HttpResponse:
    """One run: what was asked, what came out. At most 8 queries."""
    user = reader(request)
    found = seen(runs_visible_to(user), pk)
    context = {
        "project": found.project,
        "iteration": found.iteration,
        "run": found,
        "view": run_view(found),
        "proves": evidence_of_run(found),
        "reproductions": reproductions_of(found),
        "histories": histories_of(found),
        "parts": parts_of(found),
        "aside": set_aside_name(found),
        "may_repeat": _is_training_of_ours(found) and rights_of(user, found.project).works,
        "under_way": found.state in _UNDER_WAY,
        "took": _took(found),
    }
    return render(request, "lifecycle/run.html", context)


@login_required
@require_POST
def run_reproduce(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask for a training to be done again and compared. 12 queries."""
    user = reader(request)
    found = seen(runs_visible_to(user), pk)
    try:
        made = request_reproduction(run=found, actor=user)
    except (Refused, Invalid) as no:
        messages.error(request, no.text)
        return redirect("lifecycle:run", found.pk)
    messages.success(request, _("It is done again; its page shows how far it is."))
    return redirect("lifecycle:run", made.run_id)


@login_required
@require_safe
@cache_control(private=True, no_cache=True)
def run_set_aside(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The rows that a data validation set aside, as CSV, for those who work on the project. 4 queries.

    404 for a run that has set none aside, or whose file is gone.
    """
    user = reader(request)
    found = seen(runs_visible_to(user).defer("spec"), pk)
    name = set_aside_name(found)
    if not name or not default_storage.exists(name):
        raise Http404
    if not rights_of(user, found.project).takes_part:
        raise PermissionDenied
    response = FileResponse(
        default_storage.open(name), as_attachment=True, filename=f"run-{found.pk}-set-aside.csv",
        content_type="text/csv; charset=utf-8",
    )  # fmt: skip
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


@login_required
@require_safe
def run_progress(request: HttpRequest, pk: int) -> HttpResponse:
    """The bar of a run under way; once it has ended, the browser is told to load the page anew. 3 queries."""
    found = seen(runs_visible_to(reader(request)).defer("record", "spec"), pk)
    under_way = found.state in _UNDER_WAY
    answer = render(request, "lifecycle/_run_progress.html", {"run": found, "under_way": under_way})
    if not under_way:
        answer.headers["HX-Refresh"] = "true"
    return answer


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def run_new(request: HttpRequest, slug: str) -> HttpResponse:
    """Ask for a run of the kind in the address. 8 queries."""
    user = reader(request)
    project = project_for(user, slug)
    kind = request.GET.get("kind", Run.Kind.TRAINING)
    if kind not in REQUESTS:
        raise Http404
    if not rights_of(user, project).works:
        raise PermissionDenied(_("Only managers and contributors ask for runs."))
    iteration = current_iteration(project)
    place = iteration if iteration and iteration.state == Iteration.State.OPEN else None
    given = _material(project, place, kind)
    if request.method != "POST":
        form = RunForm(initial=_initial(project, kind, given, request.GET.get("task", "")), **given)
        return _new_page(request, project, iteration, kind, form)
    form = RunForm(request.POST, **given)

    def service(values: dict[str, Any]) -> Run:
        asked = {"model_version": None, **values}
        return REQUESTS[kind](project=project, iteration=place, actor=user, **asked)

    return carry_out(
        request, form, service, done=_("The run is queued."),
        to=lambda made: reverse("lifecycle:run", args=[made.pk]),
        again=lambda: _new_page(request, project, iteration, kind, form),
    )  # fmt: skip


def _material(project: Project, iteration: Iteration | None, kind: str) -> dict[str, Any]:
    return {
        "tasks": tasks_for_runs(iteration) if iteration else [],
        "models": models_of(project) if kind in _TAKE_MODEL else [],
        "model_needed": kind == Run.Kind.EVALUATION,
    }


def _initial(project: Project, kind: str, given: dict[str, Any], task: str) -> dict[str, Any]:
    """The specification of the last run of the kind; the newest model, which it is then about."""
    spec = last_spec(project, kind)
    models = given["models"]
    if spec and models and "model_sha256" in spec:
        spec = {**spec, "model_sha256": models[0].digest}
    return {
        "title": Run.Kind(kind).label,
        "spec": json.dumps(spec, indent=2, ensure_ascii=False) if spec else "{\n}",
        "model_version": models[0].pk if models else None,
        "task": task,
    }


def _new_page(
    request: HttpRequest, project: Project, iteration: Iteration | None, kind: str, form: RunForm
) -> HttpResponse:
    context = {
        "project": project,
        "iteration": iteration,
        "form": form,
        "kind": Run.Kind(kind),
        "kinds": [(each.value, each.label) for each in KINDS],
    }
    return render(request, "lifecycle/run_new.html", context)


def _is_training_of_ours(run: Run) -> bool:
    return (run.kind, run.state, run.source) == (Run.Kind.TRAINING, Run.State.FINISHED, "builtin")


def _took(run: Run) -> str:
    """How long it ran, in words; empty while it has not ended."""
    if run.started_at is None or run.finished_at is None:
        return ""
    seconds = (run.finished_at - run.started_at).total_seconds()
    if seconds < 90:
        return _("%.1f s") % seconds
    return _("%d min") % round(seconds / 60)
