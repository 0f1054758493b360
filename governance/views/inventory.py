"""The inventory of AI systems, the classification of a project, its reviews and its incidents."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from governance.forms.compliance import (
    ClassifyForm,
    CloseForm,
    IncidentForm,
    InventoryForm,
    ReportForm,
    ReviewForm,
)
from governance.models import Incident
from governance.queries.compliance import classification_of
from governance.queries.inventory import as_csv, lines_of, systems
from governance.rules.gates import may_ask, may_judge, may_manage
from governance.services.classifications import sign_classification
from governance.services.compliance import look_at
from governance.services.incidents import close_incident, open_incident, report_incident
from governance.services.inventory import record_review, set_inventory
from governance.views.access import allow, project_for, reader
from governance.views.refusals import carried_out
from lifecycle.models import Project, User
from lifecycle.queries.iterations import current_iteration
from lifecycle.queries.projects import members_of, projects_visible_to

A_PAGE = 50
_ACTS: dict[str, tuple[Callable[..., object], type[forms.Form]]] = {
    "report": (report_incident, ReportForm),
    "close": (close_incident, CloseForm),
}


@login_required
@require_safe
def inventory(request: HttpRequest) -> HttpResponse:
    """All AI systems that the reader sees, a page at a time. 11 queries."""
    words = request.GET.get("words", "").strip().replace("\0", "")[:100]
    risk_class = request.GET.get("risk", "")
    page = Paginator(systems(reader(request), words, risk_class), A_PAGE).get_page(request.GET.get("page"))
    context = {
        "lines": lines_of(page),
        "page": page,
        "words": words,
        "risk": risk_class,
        "risks": Project.RiskClass.choices,
    }
    return render(request, "governance/compliance/inventory.html", context)


@login_required
@require_safe
def inventory_csv(request: HttpRequest) -> HttpResponse:
    """The same as a table; cells that a spreadsheet would run are defused."""
    response = HttpResponse(
        as_csv(lines_of(systems(reader(request)))), content_type="text/csv; charset=utf-8"
    )
    response["Content-Disposition"] = 'attachment; filename="ai-systems.csv"'
    return response


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def classify(request: HttpRequest, slug: str) -> HttpResponse:
    """The guided classification: read what it is, answer the questions, sign. 8 queries."""
    user = reader(request)
    home = project_for(user, slug)
    current = classification_of(home)
    manages = may_manage(user, home)
    posted = request.method == "POST"
    form = ClassifyForm(request.POST if posted else None, initial=current.answers if current else None)
    if posted:
        allow(manages)
        if carried_out(form, lambda: _signed(home, form, user)):
            look_at(project=home)
            messages.success(request, _("Signed. The frameworks that follow are in use."))
            return redirect("governance:project-compliance", slug)
    context = {
        "project": home,
        "iteration": current_iteration(home),
        "current": current,
        "form": form if manages else None,
    }
    status = 422 if form.is_bound else 200
    return render(request, "governance/compliance/classify.html", context, status=status)


def _signed(home: Project, form: ClassifyForm, user: User) -> object:
    given = form.cleaned_data
    return sign_classification(
        project=home, answers=form.answers, actor=user, password=given["password"], code=given["code"]
    )


@login_required
@require_safe
def project_inventory(request: HttpRequest, slug: str) -> HttpResponse:
    """A project's entry in the inventory, and its reviews. 9 queries."""
    user = reader(request)
    return _inventory_page(request, project_for(user, slug), user)


@login_required
@require_POST
def inventory_set(request: HttpRequest, slug: str) -> HttpResponse:
    """Change the entry."""
    user = reader(request)
    home = project_for(user, slug)
    allow(may_manage(user, home))
    form = InventoryForm(request.POST, prefix="entry", people=_people(home))
    if carried_out(form, lambda: set_inventory(project=home, actor=user, **form.cleaned_data)):
        messages.success(request, _("The entry is changed."))
        return redirect("governance:project-inventory", slug)
    return _inventory_page(request, home, user, refused=("entry", form))


@login_required
@require_POST
def review_record(request: HttpRequest, slug: str) -> HttpResponse:
    """Say that one has looked again."""
    user = reader(request)
    home = project_for(user, slug)
    allow(may_judge(user, home))
    form = ReviewForm(request.POST, prefix="review")
    if carried_out(form, lambda: record_review(project=home, actor=user, **form.cleaned_data)):
        messages.success(request, _("The review is on record."))
        return redirect("governance:project-inventory", slug)
    return _inventory_page(request, home, user, refused=("review", form))


@login_required
@require_safe
def project_incidents(request: HttpRequest, slug: str) -> HttpResponse:
    """The incidents of a project, with what is left until each deadline. 7 queries."""
    user = reader(request)
    return _incidents_page(request, project_for(user, slug), user)


@login_required
@require_POST
def incident_open(request: HttpRequest, slug: str) -> HttpResponse:
    """Put down an incident."""
    user = reader(request)
    home = project_for(user, slug)
    allow(may_ask(user, home) or may_judge(user, home))
    form = IncidentForm(request.POST, prefix="incident")
    if carried_out(form, lambda: open_incident(project=home, actor=user, **form.cleaned_data)):
        messages.success(request, _("The incident is on record."))
        return redirect("governance:project-incidents", slug)
    return _incidents_page(request, home, user, refused=("incident", form))


@login_required
@require_POST
def incident_act(request: HttpRequest, pk: int, act: str) -> HttpResponse:
    """Take an incident one step on: report, close."""
    user = reader(request)
    visible = Incident.objects.filter(project__in=projects_visible_to(user).values("pk"))
    incident = get_object_or_404(visible.select_related("project__process_version"), pk=pk)
    if act not in _ACTS:
        raise Http404
    allow(may_judge(user, incident.project))
    service, kind = _ACTS[act]
    form = kind(request.POST, prefix=f"{act}-{pk}")
    if carried_out(form, lambda: service(incident=incident, actor=user, **form.cleaned_data)):
        messages.success(request, _("On record."))
        return redirect("governance:project-incidents", incident.project.slug)
    return _incidents_page(request, incident.project, user, refused=(f"{act}-{pk}", form))


def _people(home: Project) -> list[User]:
    return [place.user for place in members_of(home) if place.role != "auditor"]


def _inventory_page(
    request: HttpRequest, home: Project, user: User, *, refused: tuple[str, forms.Form] | None = None
) -> HttpResponse:
    given: dict[str, Any] = dict([refused]) if refused else {}
    entry = getattr(home, "inventory_entry", None)
    initial: dict[str, Any] = {"review_every_days": 365}
    if entry is not None:
        initial = {
            "owner": entry.owner_id, "deputy": entry.deputy_id, "overseer": entry.overseer_id,
            "approved_uses": "\n".join(entry.approved_uses), "review_every_days": entry.review_every_days,
            "placed_on_market_on": entry.placed_on_market_on,
        }  # fmt: skip
    form = given.get("entry")
    if form is None and may_manage(user, home):
        form = InventoryForm(prefix="entry", people=_people(home), initial=initial)
    context = {
        "project": home,
        "iteration": current_iteration(home),
        "entry": entry,
        "reviews": home.reviews.select_related("done_by")[:50],
        "entry_form": form,
        "review_form": given.get("review")
        or (ReviewForm(prefix="review") if may_judge(user, home) else None),
    }
    status = 422 if refused else 200
    return render(request, "governance/compliance/project_inventory.html", context, status=status)


def _incidents_page(
    request: HttpRequest, home: Project, user: User, *, refused: tuple[str, forms.Form] | None = None
) -> HttpResponse:
    given: dict[str, Any] = dict([refused]) if refused else {}
    works, judges = may_ask(user, home), may_judge(user, home)
    lines = []
    for each in home.incidents.select_related("opened_by", "closed_by", "reported_by")[:100]:
        acts = []
        if judges and each.state == Incident.State.OPEN and each.due_at is not None:
            acts.append("report")
        closable = each.due_at is None or each.reported_at is not None
        if judges and closable and each.state != Incident.State.CLOSED and each.opened_by_id != user.pk:
            acts.append("close")
        found = [
            (act, given.get(f"{act}-{each.pk}") or _ACTS[act][1](prefix=f"{act}-{each.pk}")) for act in acts
        ]
        lines.append((each, found))
    context = {
        "project": home,
        "iteration": current_iteration(home),
        "incidents": lines,
        "incident_form": given.get("incident")
        or (IncidentForm(prefix="incident") if works or judges else None),
    }
    status = 422 if refused else 200
    return render(request, "governance/compliance/incidents.html", context, status=status)
