"""Monitoring plans: what is watched, defined by people who work here, and what each window showed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from ledger.errors import Invalid
from lifecycle.forms.fields import PlainForm
from lifecycle.forms.monitoring_plans import PlanForm, fields_of
from lifecycle.models import MonitoringPlan, Project
from lifecycle.monitoring_marks import marks_of
from lifecycle.queries import monitoring_plans as queries
from lifecycle.queries.iterations import current_iteration
from lifecycle.queries.monitoring_plans import WindowLine, plans_visible_to, windows_visible_to
from lifecycle.queries.pages_runs import models_of
from lifecycle.queries.plan_charts import SHOWN, plan_charts
from lifecycle.services import monitoring_plans as services
from lifecycle.services.monitoring_windows import look_again, look_now
from lifecycle.views.acting import carry_out, project_for, reader, rights_of, seen

A_PAGE = 25
_RECENT = 10


@login_required
@require_safe
def project_plans(request: HttpRequest, slug: str) -> HttpResponse:
    """The plans of a project with the last window of each. 9 queries."""
    user = reader(request)
    project = project_for(user, slug)
    lines = queries.plan_list(project)
    drifting = [line for line in lines if line.verdict == "drift"]
    context = {
        "project": project,
        "iteration": current_iteration(project),
        "lines": lines,
        "works": rights_of(user, project).works,
        "title": _list_title(lines, drifting),
    }
    return render(request, "lifecycle/monitoring_plans/list.html", context)


def _list_title(lines: list[queries.PlanLine], drifting: list[queries.PlanLine]) -> str:
    if not lines:
        return _("Nothing is watched yet")
    if drifting:
        return ngettext("One plan sees drift", "%(n)d plans see drift", len(drifting)) % {"n": len(drifting)}
    return ngettext("One plan watches", "%(n)d plans watch", len(lines)) % {"n": len(lines)}


@login_required
@require_safe
def plan(request: HttpRequest, pk: int) -> HttpResponse:
    """A plan: one measure over its windows, drift at a glance, every window. 14 queries."""
    return _plan_page(request, seen(plans_visible_to(reader(request)), pk))


def _plan_page(request: HttpRequest, found: MonitoringPlan, refused: str = "") -> HttpResponse:
    user = reader(request)
    starts = queries.window_starts(found)
    newest = queries.window_lines(found, list(starts[:SHOWN]))
    page = Paginator(starts, A_PAGE).get_page(request.GET.get("page"))
    shown = newest[:A_PAGE] if page.number == 1 else queries.window_lines(found, list(page.object_list))
    charts = plan_charts(
        found, newest, marks_of(found.project, found.environment),
        measure=request.GET.get("measure", ""), part=request.GET.get("part", ""),
    )  # fmt: skip
    versions = queries.versions_of(found)
    context = {
        "project": found.project,
        "iteration": current_iteration(found.project),
        "plan": found,
        "monitoring_page": True,
        "title": _title(found, newest),
        "refused": refused,
        "charts": charts,
        "lines": shown,
        "page": page,
        "running": queries.under_way(found),
        "versions": _with_changes(versions),
        "newest": versions[0],
        "works": rights_of(user, found.project).works,
        "active": found.state == MonitoringPlan.State.ACTIVE,
    }
    return render(request, "lifecycle/monitoring_plans/plan.html", context)


def _title(found: MonitoringPlan, lines: list[WindowLine]) -> str:
    """What the last windows say, in a sentence."""
    recent = [line for line in lines if line.verdict][:_RECENT]
    if not recent:
        return _("%(name)s has seen no window yet") % {"name": found.name}
    if recent[0].verdict in queries.UNSCORED or recent[0].verdict == "failed":
        words = {
            "empty": _("%(name)s: the last window is empty"), "late": _("%(name)s: the data is late"),
            "too_few": _("%(name)s: the last window has too few rows"),
            "failed": _("%(name)s: the last look failed"),
        }  # fmt: skip
        return words[recent[0].verdict] % {"name": found.name}
    drifting = sum(line.verdict == "drift" for line in recent)
    if not drifting:
        return _("%(name)s is steady") % {"name": found.name}
    text = _("%(name)s: drift in %(n)d of the last %(all)d windows")
    return text % {"name": found.name, "n": drifting, "all": len(recent)}


def _with_changes(versions: list[MonitoringPlan]) -> list[tuple[MonitoringPlan, list[tuple[str, str, str]]]]:
    """Each version with what it says otherwise than the one before it."""
    before = [*versions[1:], None]
    return [
        (each, queries.changes(old, each) if old else []) for each, old in zip(versions, before, strict=True)
    ]


@login_required
@require_safe
def plan_progress(request: HttpRequest, pk: int) -> HttpResponse:
    """The bars of the looks under way; once none is, the browser is told to load the page anew. 4 queries."""
    found = seen(plans_visible_to(reader(request)), pk)
    running = queries.under_way(found)
    answer = render(request, "lifecycle/monitoring_plans/_progress.html", {"plan": found, "running": running})
    if not running:
        answer.headers["HX-Refresh"] = "true"
    return answer


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def plan_new(request: HttpRequest, slug: str) -> HttpResponse:
    """Define a plan. 8 queries."""
    user = reader(request)
    project = project_for(user, slug)
    return _edit(request, project, None, {"starts": timezone.now().date().isoformat()})


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def plan_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Define another version of a plan. 9 queries."""
    found = seen(plans_visible_to(reader(request)), pk)
    given = {"name": found.name, "environment": found.environment, "model_version": found.model_version_id}
    return _edit(request, found.project, found, {**given, **fields_of(found.spec)})


def _edit(
    request: HttpRequest, project: Project, before: MonitoringPlan | None, initial: dict[str, Any]
) -> HttpResponse:
    user = reader(request)
    works = rights_of(user, project).works
    if not works:
        raise PermissionDenied(_("Only managers and contributors define monitoring plans."))
    models = models_of(project)
    form = PlanForm(request.POST if request.method == "POST" else None, initial=initial, models=models)
    context = {
        "project": project, "iteration": current_iteration(project), "form": form, "plan": before,
        "monitoring_page": True,
        "models": models,
    }  # fmt: skip

    def page() -> HttpResponse:
        return render(request, "lifecycle/monitoring_plans/form.html", context)

    def service(said: dict[str, Any]) -> MonitoringPlan:
        try:
            return services.define_plan(
                project=project, name=said["name"], model_version=said["model_version"],
                environment=said["environment"], spec=form.spec(), actor=user,
                key=before.key if before else "",
            )  # fmt: skip
        except Invalid as no:
            raise form.at_field(no) from no

    if request.method != "POST":
        return page()
    return carry_out(
        request, form, service, done=_("The plan is in force."), may=works, again=page,
        to=lambda made: reverse("lifecycle:monitoring-plan", args=[made.pk]),
    )  # fmt: skip


@login_required
@require_POST
def plan_act(request: HttpRequest, pk: int, act: str) -> HttpResponse:
    """Look now, pause or resume."""
    user = reader(request)
    found = seen(plans_visible_to(user), pk)
    acts: dict[str, tuple[Callable[[], Any], str]] = {
        "start": (lambda: look_now(plan=found, actor=user, now=timezone.now()), _("The windows are queued.")),
        "pause": (lambda: services.pause_plan(plan=found, actor=user), _("It is paused.")),
        "resume": (lambda: services.resume_plan(plan=found, actor=user), _("It goes on.")),
    }
    if act not in acts:
        raise Http404
    service, done = acts[act]
    return _do(request, found, service, done)


@login_required
@require_POST
def window_again(request: HttpRequest, pk: int) -> HttpResponse:
    """Look once more at a window that could say nothing."""
    user = reader(request)
    found = seen(windows_visible_to(user), pk)
    return _do(request, found.plan, lambda: look_again(window=found, actor=user), _("It is looked at again."))


def _do(request: HttpRequest, found: MonitoringPlan, service: Callable[[], Any], done: str) -> HttpResponse:
    form = PlainForm(request.POST)
    return carry_out(
        request, form, lambda _said: service(), done=done,
        to=reverse("lifecycle:monitoring-plan", args=[found.pk]),
        again=lambda: _plan_page(request, found, " ".join(str(text) for text in form.non_field_errors())),
        may=rights_of(reader(request), found.project).works,
    )  # fmt: skip
