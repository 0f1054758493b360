"""Model versions of a project, what runs where, and findings."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from governance.forms.gates import ReasonForm
from governance.forms.models import DeploymentForm
from governance.queries.pages import deployments_visible_to
from governance.queries.pages_models import models_page
from governance.rules.gates import may_ask, may_manage
from governance.services.deployments import record_deployment, withdraw_deployment
from governance.views.access import project_for, reader
from governance.views.refusals import carried_out
from lifecycle.models import Project, User
from lifecycle.queries.iterations import current_iteration


@login_required
@require_safe
def project_models(request: HttpRequest, slug: str) -> HttpResponse:
    """Everything made, allowed, deployed and found in a project. 12 queries."""
    user = reader(request)
    return _page(request, project_for(user, slug), user)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def deployment_record(request: HttpRequest, slug: str) -> HttpResponse:
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
        initial={"environment": "production", "model_version": request.GET.get("model")},
    )
    if request.method == "POST" and carried_out(
        form,
        lambda: record_deployment(
            iteration=iteration,
            actor=user,
            **{**form.cleaned_data, "scope": form.cleaned_data["scope"] or None},
        ),
    ):
        messages.success(request, _("Recorded. What was live in this environment is replaced."))
        return redirect("governance:project-models", home.slug)
    context = {"project": home, "iteration": iteration, "form": form}
    status = 422 if request.method == "POST" else 200
    return render(request, "governance/deployment_record.html", context, status=status)


@login_required
@require_POST
def deployment_withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """Take what is live out of its environment."""
    user = reader(request)
    deployment = get_object_or_404(deployments_visible_to(user), pk=pk)
    form = ReasonForm(request.POST, prefix=f"withdraw-{pk}")
    if carried_out(form, lambda: withdraw_deployment(deployment=deployment, actor=user, **form.cleaned_data)):
        messages.success(request, _("Withdrawn. Nothing of it is recorded as live any more."))
        return redirect("governance:project-models", deployment.project.slug)
    return _page(request, deployment.project, user, refused=(f"withdraw-{pk}", form))


def _page(
    request: HttpRequest, home: Project, user: User, *, refused: tuple[str, forms.Form] | None = None
) -> HttpResponse:
    """The page; `refused` is a form that was not carried out, by its prefix: then the answer is 422."""
    page = models_page(home)
    works, manages = may_ask(user, home), may_manage(user, home)
    given = dict([refused]) if refused else {}
    context = {
        "project": home,
        "iteration": current_iteration(home),
        "page": page,
        "may_deploy": works and page.lines,
        "deployments": [
            (each, _own(given, f"withdraw-{each.pk}", ReasonForm) if manages and each in page.live else None)
            for each in page.deployments
        ],
        "findings": page.open_findings,
    }
    return render(request, "governance/models.html", context, status=422 if refused else 200)


def _own(given: dict[str, forms.Form], prefix: str, kind: type[forms.Form]) -> forms.Form:
    """The form as it was sent, else an empty one. Each row has its own, so that ids differ."""
    return given.get(prefix) or kind(prefix=prefix)
