"""Connectors: the list, one of them with its health, its settings, its rules."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from ledger.errors import Refused
from lifecycle.forms.connectors import ChangeConnectorForm, ConnectorForm, RuleForm
from lifecycle.forms.fields import PlainForm
from lifecycle.models import Connector, ConnectorRule, User
from lifecycle.queries.connectors import (
    connector_list,
    connector_page,
    connectors_visible_to,
    endpoints,
    projects_managed_by,
    rules_shown,
    unmatched_of,
)
from lifecycle.rules import can_manage_connectors, can_see_connectors, can_sync
from lifecycle.services import connector_rules, connectors
from lifecycle.services.connector_syncs import request_sync
from lifecycle.views.acting import carry_out, reader, seen


@login_required
@require_safe
def connector_index(request: HttpRequest) -> HttpResponse:
    """Every tracker and way in, with its health. 5 queries."""
    user = reader(request)
    if not can_see_connectors(user):
        raise Http404
    listed = connector_list(user)
    failing = sum(each.health.state == "bad" for each in listed)
    title = ngettext("%d connector", "%d connectors", len(listed)) % len(listed)
    if failing:
        title = ngettext("%d connector fails", "%d connectors fail", failing) % failing
    context = {
        "listed": listed, "endpoints": endpoints(user), "manages": can_manage_connectors(user),
        "title": title if listed else _("No tracker is connected"),
    }  # fmt: skip
    return render(request, "lifecycle/connectors/list.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Add a tracker."""
    user = reader(request)
    if not can_see_connectors(user):
        raise Http404
    if not can_manage_connectors(user):
        raise PermissionDenied(_("Only administrators manage connectors."))
    form = ConnectorForm(request.POST or None)

    def page() -> HttpResponse:
        return render(
            request, "lifecycle/connectors/edit.html", {"form": form, "title": _("Connect a tracker")}
        )

    if request.method != "POST":
        return page()
    return carry_out(
        request, form, lambda given: connectors.add_connector(actor=user, **given),
        done=_("The tracker is connected; its first sync begins within a minute."),
        to=lambda made: reverse("lifecycle:connector", args=[made.pk]), again=page,
    )  # fmt: skip


@login_required
@require_safe
def connector(request: HttpRequest, pk: int) -> HttpResponse:
    """One connector: health, lag, counts, history, gaps. 15 queries."""
    user = reader(request)
    found = seen(connectors_visible_to(user), pk)
    return render(request, "lifecycle/connectors/connector.html", _context(request, user, found))


def _context(request: HttpRequest, user: User, found: Connector) -> dict[str, Any]:
    address = reverse("api:webhook-mlflow", args=[found.key])
    return {
        "connector": found, "view": connector_page(found), "manages": can_manage_connectors(user),
        "may_sync": can_sync(user), "webhook_address": request.build_absolute_uri(address),
    }  # fmt: skip


@login_required
@require_safe
def progress(request: HttpRequest, pk: int) -> HttpResponse:
    """The bar of a sync under way; once it has ended, the browser loads the page anew. 4 queries."""
    found = seen(connectors_visible_to(reader(request)), pk)
    sync = found.syncs.order_by("-pk").first()
    answer = render(request, "lifecycle/connectors/_sync.html", {"connector": found, "sync": sync})
    if sync is None or not sync.under_way:
        answer.headers["HX-Refresh"] = "true"
    return answer


@login_required
@require_POST
def sync_now(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask for a look at everything now."""
    user = reader(request)
    found = seen(connectors_visible_to(user), pk)
    try:
        request_sync(connector=found, actor=user)
    except Refused as no:
        messages.error(request, no.text)
    return redirect("lifecycle:connector", pk=pk)


@login_required
@require_POST
def try_out(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask the tracker whether it answers."""
    user = reader(request)
    found = seen(connectors_visible_to(user), pk)
    answers, text = connectors.try_connection(found, user)
    (messages.success if answers else messages.error)(request, text)
    return redirect("lifecycle:connector", pk=pk)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def settings(request: HttpRequest, pk: int) -> HttpResponse:
    """Address, log-in, rhythm, webhooks. Secrets are written and never shown."""
    user = reader(request)
    found = seen(connectors_visible_to(user), pk)
    if not can_manage_connectors(user):
        raise PermissionDenied(_("Only administrators manage connectors."))
    names = ("name", "url", "auth", "username", "every_minutes", "full_every_minutes", "enabled")
    start = {name: getattr(found, name) for name in names}
    form = (
        ChangeConnectorForm(request.POST) if request.method == "POST" else ChangeConnectorForm(initial=start)
    )

    def page() -> HttpResponse:
        title = _("Settings of %s") % found.name
        context = {"form": form, "title": title, "connector": found}
        return render(request, "lifecycle/connectors/edit.html", context)

    if request.method != "POST":
        return page()
    return carry_out(
        request, form, lambda given: connectors.change_connector(connector=found, actor=user, **given),
        done=_("The connector is changed."), to=reverse("lifecycle:connector", args=[pk]), again=page,
    )  # fmt: skip


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def rules(request: HttpRequest, pk: int) -> HttpResponse:
    """The rules and what none of them fits; add one, or look first at what it would bring. 9 queries."""
    user = reader(request)
    found = seen(connectors_visible_to(user), pk)
    projects = projects_managed_by(user)
    if request.method != "POST":
        form = RuleForm(initial={"experiment": request.GET.get("experiment", "")[:200]}, projects=projects)
        return _rules_page(request, user, found, form)
    if not projects:
        raise PermissionDenied(_("Only managers of a project write its rules."))
    form = RuleForm(request.POST, projects=projects)
    if "preview" in request.POST:
        return _preview(request, user, found, form)
    return carry_out(
        request, form, lambda given: connector_rules.add_rule(connector=found, actor=user, **given),
        done=_("The rule is added; what fits it comes."), to=reverse("lifecycle:connector-rules", args=[pk]),
        again=lambda: _rules_page(request, user, found, form),
    )  # fmt: skip


def _preview(request: HttpRequest, user: User, found: Connector, form: RuleForm) -> HttpResponse:
    if not form.is_valid():
        page = _rules_page(request, user, found, form)
        page.status_code = 422
        return page
    given = form.cleaned_data
    rule = ConnectorRule(
        connector=found, project=given["project"], experiment=given["experiment"], tags=given["tags"],
    )  # fmt: skip
    return _rules_page(request, user, found, form, fitting=connector_rules.would_fit(rule))


def _rules_page(
    request: HttpRequest, user: User, found: Connector, form: RuleForm,
    fitting: connector_rules.Fitting | None = None,
) -> HttpResponse:  # fmt: skip
    unmatched = unmatched_of(found)
    left = sum(each.runs for each in unmatched)
    title = (
        ngettext("%d run fits no rule", "%d runs fit no rule", left) % left
        if left
        else _("Every run has its rule")
    )
    projects = projects_managed_by(user)
    context = {
        "connector": found, "rules": rules_shown(found, user), "unmatched": unmatched, "form": form,
        "fitting": fitting, "mine": {each.pk for each in projects}, "may_write": bool(projects),
        "may_sync": can_sync(user), "title": title,
    }  # fmt: skip
    return render(request, "lifecycle/connectors/rules.html", context)


@login_required
@require_POST
def apply_rules(request: HttpRequest, pk: int) -> HttpResponse:
    """Apply the rules anew to the runs that are known."""
    user = reader(request)
    found = seen(connectors_visible_to(user), pk)
    return carry_out(
        request, PlainForm(request.POST),
        lambda _given: connector_rules.reapply_rules(connector=found, actor=user),
        done=_("The rules are applied anew."), to=reverse("lifecycle:connector", args=[pk]),
        again=lambda: redirect("lifecycle:connector-rules", pk=pk),
    )  # fmt: skip


@login_required
@require_POST
def retire_rule(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """A rule brings no more runs."""
    user = reader(request)
    found = seen(connectors_visible_to(user), pk)
    rule = get_object_or_404(found.rules.select_related("project"), pk=number)
    try:
        connector_rules.retire_rule(rule=rule, actor=user)
    except Refused as no:
        messages.error(request, no.text)
    else:
        messages.success(request, _("The rule is retired."))
    return redirect("lifecycle:connector-rules", pk=pk)
