"""Test sets under lock: a list with their uses, and locking another."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from lifecycle.forms.test_sets import TestSetForm
from lifecycle.models import TestSet
from lifecycle.queries.iterations import current_iteration
from lifecycle.queries.test_sets import test_sets_of
from lifecycle.services.test_sets import lock_test_set
from lifecycle.views.acting import carry_out, project_for, reader, rights_of

A_PAGE = 25


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def project_test_sets(request: HttpRequest, slug: str) -> HttpResponse:
    """The test sets of a project with their uses, and a form that locks another. 10 queries."""
    user = reader(request)
    project = project_for(user, slug)
    works = rights_of(user, project).works
    sent = request.method == "POST"
    form = TestSetForm(request.POST if sent else None)

    def page() -> HttpResponse:
        found = Paginator(test_sets_of(project), A_PAGE).get_page(request.GET.get("page"))
        context = {
            "project": project,
            "iteration": current_iteration(project),
            "page": found,
            "title": _title(found.paginator.count),
            "form": form,
            "works": works,
            "evidence_page": True,
        }
        return render(request, "lifecycle/data_sets/test_sets.html", context)

    def service(said: dict[str, Any]) -> TestSet:
        data = {name: said[name] for name in ("uri", "format", "where")}
        return lock_test_set(
            project=project, name=said["name"], data=data, max_uses=said["max_uses"], actor=user
        )

    if not sent:
        return page()
    return carry_out(
        request, form, service, done=_("It is under lock: evaluations on it are counted from now on."),
        to=reverse("lifecycle:project-test-sets", args=[slug]), may=works, again=page,
    )  # fmt: skip


def _title(count: int) -> str:
    if not count:
        return _("No test set is under lock")
    return ngettext("One test set under lock", "%(n)d test sets under lock", count) % {"n": count}
