"""Model versions of a project, what runs where, and findings."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from governance.queries.pages_models import models_page
from governance.rules.gates import may_ask
from governance.views.access import project_for, reader
from lifecycle.queries.iterations import current_iteration


@login_required
@require_safe
def project_models(request: HttpRequest, slug: str) -> HttpResponse:
    """Everything made, allowed, deployed and found in a project. 12 queries."""
    user = reader(request)
    home = project_for(user, slug)
    page = models_page(home)
    context = {
        "project": home,
        "iteration": current_iteration(home),
        "page": page,
        "may_deploy": page.lines and may_ask(user, home),
        "deployments": page.deployments,
        "findings": page.open_findings,
    }
    return render(request, "governance/models.html", context)
