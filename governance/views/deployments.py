"""Deployments: the list, one with its steps, recording one, and what is done to one in place."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from governance.forms.deployments import DeploymentForm, DeploymentsForm, MetricForm
from governance.forms.gates import ReasonForm
from governance.models import Deployment
from governance.queries.pages import deployments_visible_to
from governance.queries.pages_deployments import deployment_page, deployments_found, standing_of
from governance.queries.production import environments_of
from governance.rules.gates import may_ask, may_manage
from governance.services.deployments import record_deployment, withdraw_deployment
from governance.services.rollouts import (
    abort_deployment,
    advance_deployment,
    note_metric,
    pause_deployment,
    resume_deployment,
    roll_back,
)
from governance.services.strategies import in_words
from governance.views.access import allow, project_for, reader
from governance.views.refusals import carried_out
from lifecycle.models import Project, User
from lifecycle.queries.iterations import current_iteration
from lifecycle.queries.projects import projects_visible_to

A_PAGE = 25


def _metric(*, deployment: Deployment, actor: User, value: float) -> Deployment:
    name = str(deployment.abort_metric.get("metric", ""))
    return note_metric(deployment=deployment, actor=actor, metric=name, value=value)


def _back(*, deployment: Deployment, actor: User, reason: str) -> Deployment:
    where = deployment.environment
    return roll_back(project=deployment.project, environment=where, actor=actor, reason=reason)


_Act = tuple[Callable[..., Deployment], type[forms.Form], Any]
ACTS: dict[str, _Act] = {
    "advance": (advance_deployment, forms.Form, gettext_lazy("It has the traffic of its next step.")),
    "pause": (pause_deployment, ReasonForm, gettext_lazy("It stands where it is until somebody resumes it.")),
    "resume": (resume_deployment, ReasonForm, gettext_lazy("It goes on.")),
    "metric": (_metric, MetricForm, gettext_lazy("The value was judged.")),
    "abort": (abort_deployment, ReasonForm, gettext_lazy("Aborted. Its traffic is taken away.")),
    "roll-back": (_back, ReasonForm, gettext_lazy("This is live now: the last version that is authorized.")),
    "withdraw": (
        withdraw_deployment, ReasonForm,
        gettext_lazy("Withdrawn. Nothing of it is recorded as live any more."),
    ),
}  # fmt: skip


@login_required
@require_safe
def deployments(request: HttpRequest) -> HttpResponse:
    """The deployments of all projects that the reader sees, a page at a time. 10 queries."""
    projects = projects_visible_to(reader(request)).select_related(None)
    form = DeploymentsForm(
        request.GET, environments=environments_of(projects), projects=projects.order_by("name", "pk")
    )
    return _list(request, form)


@login_required
@require_safe
def project_deployments(request: HttpRequest, slug: str) -> HttpResponse:
    """The deployments of one project, a page at a time. 10 queries."""
    user = reader(request)
    home = project_for(user, slug)
    only = projects_visible_to(user).select_related(None).filter(pk=home.pk)
    form = DeploymentsForm(request.GET, environments=environments_of(only), projects=None)
    context = {
        "project": home,
        "iteration": current_iteration(home),
        "may_deploy": may_ask(user, home) and home.model_versions.exists(),
    }
    return _list(request, form, home, context)


@login_required
@require_safe
def deployment(request: HttpRequest, pk: int) -> HttpResponse:
    """One deployment: steps, traffic, what ends it, who did what, and what can be done. 14 queries, and one
    for each earlier version that a way back had to be asked for, 20 at most.
    """
    user = reader(request)
    return _page(request, _found(user, pk), user)


@login_required
@require_POST
def act(request: HttpRequest, pk: int, act: str) -> HttpResponse:
    """The next step, a pause, the end, or the way back."""
    if act not in ACTS:
        raise Http404
    user = reader(request)
    found = _found(user, pk)
    allow(_may(act, user, found.project))
    service, kind, done = ACTS[act]
    form = kind(request.POST, prefix=act)
    result: list[Deployment] = []

    def carry_out() -> None:
        result.append(service(deployment=found, actor=user, **form.cleaned_data))

    if carried_out(form, carry_out):
        messages.success(request, done)
        return redirect("governance:deployment", result[0].pk)
    return _page(request, found, user, refused={act: form})


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def record(request: HttpRequest, slug: str) -> HttpResponse:
    """Record what was put where: the form, and what it sends."""
    user = reader(request)
    home = project_for(user, slug)
    if not may_ask(user, home):
        raise PermissionDenied(_("Only people who work on this project can deploy."))
    iteration = current_iteration(home)
    if iteration is None:
        raise PermissionDenied(_("This project has no iteration yet, so there is nothing to deploy."))
    form = DeploymentForm(
        request.POST or None,
        versions=home.model_versions.order_by("-number"),
        initial={"environment": "production", "model_version": request.GET.get("model"), "strategy": "full"},
    )
    result: list[Deployment] = []

    def carry_out() -> None:
        result.append(record_deployment(iteration=iteration, actor=user, **form.cleaned_data))

    if request.method == "POST" and carried_out(form, carry_out):
        live = _("Recorded. What was live in this environment is replaced.")
        rolling = _("Recorded. What is live stays so until the last step.")
        messages.success(request, rolling if result[0].under_way else live)
        return redirect("governance:deployment", result[0].pk)
    context = {"project": home, "iteration": iteration, "form": form, "models_below": True}
    status = 422 if request.method == "POST" else 200
    return render(request, "governance/deployments/record.html", context, status=status)


def _found(user: User, pk: int) -> Deployment:
    found = deployments_visible_to(user).select_related(
        "iteration", "deployed_by", "break_glass", "returns_from__model_version"
    )
    return get_object_or_404(found, pk=pk)


def _may(act: str, user: User, project: Project) -> bool:
    """Taking it out is a manager's to do; the rest whoever works on the project may."""
    return may_manage(user, project) if act == "withdraw" else may_ask(user, project)


def _page(
    request: HttpRequest, found: Deployment, user: User, *, refused: dict[str, forms.Form] | None = None
) -> HttpResponse:
    """The page; with a form that was refused, by its act: then the answer is 422."""
    page = deployment_page(found)
    possible = [act for act in _possible(found, page.back is not None) if _may(act, user, found.project)]
    given = refused or {}
    context = {
        "project": found.project,
        "iteration": found.iteration,
        "deployment": found,
        "page": page,
        "rule": in_words(found.abort_metric),
        "models_below": True,
        "acts": {
            act.replace("-", "_"): given.get(act) or ACTS[act][1](prefix=act)
            for act in (*possible, *(each for each in given if each not in possible))
        },
    }
    return render(request, "governance/deployments/page.html", context, status=422 if refused else 200)


def _possible(found: Deployment, known: bool) -> list[str]:  # noqa: FBT001
    """What can be done to it as it stands."""
    acts = {
        Deployment.State.ROLLING: ["advance", "pause", "abort"],
        Deployment.State.PAUSED: ["resume", "abort"],
        Deployment.State.LIVE: [],
    }.get(Deployment.State(found.state))
    if acts is None:
        return []
    if found.under_way and found.abort_metric:
        acts = [*acts, "metric"]
    return [*acts, "roll-back", "withdraw"] if known else [*acts, "withdraw"]


def _list(
    request: HttpRequest,
    form: DeploymentsForm,
    home: Project | None = None,
    more: dict[str, Any] | None = None,
) -> HttpResponse:
    asked = form.cleaned_data if form.is_valid() else {}
    narrowed = {**asked, "project": home.slug} if home is not None else asked
    user = reader(request)
    all_of_it = partial(deployments_found, user)
    found = all_of_it(**narrowed)
    live, under_way = standing_of(all_of_it(project=narrowed.get("project", "")))
    page = Paginator(found, A_PAGE).get_page(request.GET.get("page"))
    context = {
        "form": form,
        "page": page,
        "title": _title(live, under_way),
        "narrowed": any(asked.values()),
        "models_below": True,
        **(more or {}),
    }
    status = 200 if form.is_valid() else 422
    return render(request, "governance/deployments/list.html", context, status=status)


def _title(live: int, under_way: int) -> str:
    """The finding: how much is live and how much on its way."""
    standing = ngettext("One deployment is live", "%(n)d deployments are live", live) % {"n": live}
    going = ngettext("one is on its way", "%(n)d are on their way", under_way) % {"n": under_way}
    if live and under_way:
        return _("%(live)s, %(going)s") % {"live": standing, "going": going}
    if under_way:
        return _("Nothing is live, %(going)s") % {"going": going}
    return standing if live else _("Nothing is deployed")
