"""Exceptions: those of one project, and every one that the reader sees; findings and broken glass."""

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
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST, require_safe

from governance.forms.exceptions import AssignForm, FindingForm, FulfilForm, GlassForm, SettlementForm
from governance.forms.gates import ReasonForm
from governance.models import BreakGlass, Condition, Finding
from governance.queries.pages import conditions_visible_to, findings_visible_to, glass_visible_to
from governance.queries.pages_exceptions import (
    KINDS,
    SORTS,
    ExceptionsPage,
    count_exceptions,
    exception_lines,
    exceptions_of,
    standing_exceptions,
)
from governance.rules.gates import may_ask, may_judge, may_manage
from governance.services.break_glass import (
    ask_break_glass,
    end_break_glass,
    open_break_glass,
    refuse_break_glass,
)
from governance.services.conditions import fulfil_condition
from governance.services.findings import (
    assign_finding,
    open_finding,
    resolve_finding,
    return_finding,
    start_finding,
    verify_finding,
)
from governance.views.access import project_for, reader
from governance.views.refusals import carried_out
from lifecycle.models import Project, User
from lifecycle.queries.iterations import current_iteration
from lifecycle.queries.projects import members_of
from lifecycle.sorting import Sorting

A_PAGE = 50

_Act = tuple[Callable[..., object], type[forms.Form], Any]
FINDING_ACTS: dict[str, _Act] = {
    "start": (start_finding, forms.Form, gettext_lazy("The finding is in work.")),
    "assign": (assign_finding, AssignForm, gettext_lazy("The finding has an owner and a day.")),
    "resolve": (resolve_finding, SettlementForm, gettext_lazy("Resolved. Somebody else verifies it.")),
    "verify": (verify_finding, forms.Form, gettext_lazy("Verified: it was put right.")),
    "return": (return_finding, ReasonForm, gettext_lazy("It goes back to work.")),
}
GLASS_ACTS: dict[str, tuple[Callable[..., object], Any]] = {
    "open": (open_break_glass, gettext_lazy("The glass is broken. Everybody concerned has been told.")),
    "refuse": (refuse_break_glass, gettext_lazy("Refused.")),
    "end": (end_break_glass, gettext_lazy("Ended.")),
}


@login_required
@require_safe
def exceptions(request: HttpRequest) -> HttpResponse:
    """Every exception that stands in the reader's projects, a page at a time. 11 queries."""
    user, kind = reader(request), request.GET.get("kind", "")
    words = request.GET.get("words", "").strip().replace("\0", "")[:100]
    found, sorting = standing_exceptions(user, kind=kind, words=words), Sorting(request.GET, SORTS)
    if sorting.by:
        down = "-" if sorting.down else ""
        found = found.order_by(*(f"{down}{field}" for field in (*SORTS[sorting.by], "pk")))
    page = Paginator(found, A_PAGE).get_page(request.GET.get("page"))
    context = {
        "lines": exception_lines([(row[0], row[1]) for row in page.object_list]),
        "page": page,
        "total": count_exceptions(user),
        "sorting": sorting,
        "kinds": KINDS.items(),
        "kind": kind if kind in KINDS else "",
        "words": words,
    }
    return render(request, "governance/exceptions.html", context)


@login_required
@require_safe
def project_exceptions(request: HttpRequest, slug: str) -> HttpResponse:
    """The exceptions of a project, with what can be done about each. 12 queries."""
    user = reader(request)
    return _page(request, project_for(user, slug), user)


@login_required
@require_POST
def finding_open(request: HttpRequest, slug: str) -> HttpResponse:
    """Say that something must be put right."""
    user = reader(request)
    home = project_for(user, slug)
    form = FindingForm(request.POST, prefix="finding", people=_people(home))
    if carried_out(form, lambda: open_finding(project=home, actor=user, **_said(form))):
        messages.success(request, _("The finding is open."))
        return redirect("governance:project-exceptions", slug)
    return _page(request, home, user, refused=("finding", form))


@login_required
@require_POST
def finding_act(request: HttpRequest, pk: int, act: str) -> HttpResponse:
    """Take a finding one step on: start, assign, resolve, verify, return."""
    user = reader(request)
    finding = get_object_or_404(findings_visible_to(user), pk=pk)
    if act not in FINDING_ACTS:
        raise Http404
    service, kind, said = FINDING_ACTS[act]
    form = _form(kind, request.POST, f"{act}-{pk}", finding.project)
    if carried_out(form, lambda: service(finding=finding, actor=user, **form.cleaned_data)):
        messages.success(request, said)
        return redirect("governance:project-exceptions", finding.project.slug)
    return _page(request, finding.project, user, refused=(f"{act}-{pk}", form))


@login_required
@require_POST
def condition_fulfil(request: HttpRequest, pk: int) -> HttpResponse:
    """Confirm that a condition is fulfilled."""
    user = reader(request)
    condition = get_object_or_404(conditions_visible_to(user), pk=pk)
    form = FulfilForm(request.POST, prefix=f"fulfil-{pk}")
    if carried_out(form, lambda: fulfil_condition(condition=condition, actor=user, **form.cleaned_data)):
        messages.success(request, _("The condition is fulfilled."))
        return redirect("governance:project-exceptions", condition.gate.project.slug)
    return _page(request, condition.gate.project, user, refused=(f"fulfil-{pk}", form))


@login_required
@require_POST
def glass_ask(request: HttpRequest, slug: str) -> HttpResponse:
    """Ask for a second person to break the glass."""
    user = reader(request)
    home = project_for(user, slug)
    form = GlassForm(request.POST, versions=home.model_versions.order_by("-number"))
    if carried_out(form, lambda: ask_break_glass(project=home, actor=user, **form.cleaned_data)):
        messages.warning(
            request, _("Asked. It takes a second person; reviewers and auditors have been told.")
        )
        return redirect("governance:project-exceptions", slug)
    return _page(request, home, user, refused=("glass", form))


@login_required
@require_POST
def glass_act(request: HttpRequest, pk: int, act: str) -> HttpResponse:
    """Say yes or no as the second person, or end it."""
    user = reader(request)
    glass = get_object_or_404(glass_visible_to(user), pk=pk)
    if act not in GLASS_ACTS:
        raise Http404
    service, said = GLASS_ACTS[act]
    form = forms.Form(request.POST, prefix=f"{act}-glass-{pk}")
    if carried_out(form, lambda: service(glass=glass, actor=user)):
        messages.success(request, said)
        return redirect("governance:project-exceptions", glass.project.slug)
    return _page(request, glass.project, user, refused=(f"glass-{pk}", form))


def _said(form: forms.Form) -> dict[str, Any]:
    """What a form holds; holding gates is left open unless it is ticked, so that its severity decides."""
    return {**form.cleaned_data, "holds": form.cleaned_data["holds"] or None}


def _people(home: Project) -> list[User]:
    return [place.user for place in members_of(home) if place.role != "auditor"]


def _form(kind: type[forms.Form], data: Any, prefix: str, home: Project) -> forms.Form:
    if kind is AssignForm:
        return AssignForm(data, prefix=prefix, people=_people(home))
    return kind(data, prefix=prefix)


def _page(
    request: HttpRequest, home: Project, user: User, *, refused: tuple[str, forms.Form] | None = None
) -> HttpResponse:
    """The page; `refused` is a form that was not carried out, by its prefix: then the answer is 422."""
    page, people = exceptions_of(home), _people(home)
    works, judges, manages = may_ask(user, home), may_judge(user, home), may_manage(user, home)
    given = dict([refused]) if refused else {}
    context = {
        "project": home,
        "iteration": current_iteration(home),
        "page": page,
        "headline": _headline(page),
        "findings": [
            (each, _finding_forms(each, user, given, people, works=works, judges=judges))
            for each in page.findings
        ],
        "conditions": [(each, _fulfil(each, user, given, judges=judges)) for each in page.conditions],
        "glass": [
            (each, _glass_acts(each, user, judges=judges, manages=manages), given.get(f"glass-{each.pk}"))
            for each in page.glass
        ],
        "may_find": works or judges,
        "may_ask_glass": works,
        "finding_form": given.get("finding") or FindingForm(prefix="finding", people=people),
        "glass_form": given.get("glass") or GlassForm(versions=home.model_versions.order_by("-number")),
    }
    return render(request, "governance/project_exceptions.html", context, status=422 if refused else 200)


def _finding_forms(
    finding: Finding,
    user: User,
    given: dict[str, forms.Form],
    people: list[User],
    *,
    works: bool,
    judges: bool,
) -> list[tuple[str, forms.Form]]:
    """What the reader may do with a finding, and the form for it."""
    state, own = finding.state, user.pk in (finding.resolved_by_id, finding.owner_id)
    acts = []
    if works and state == Finding.State.OPEN:
        acts.append("start")
    if works and state in (Finding.State.OPEN, Finding.State.IN_WORK):
        acts.append("resolve")
    if judges and not own and state == Finding.State.RESOLVED:
        acts += ["verify", "return"]
    if judges and finding.stands:
        acts.append("assign")
    found = []
    for act in acts:
        prefix = f"{act}-{finding.pk}"
        kind = FINDING_ACTS[act][1]
        if kind is AssignForm:
            initial = {"owner": finding.owner_id, "due_on": finding.due_on}
            form: forms.Form = AssignForm(prefix=prefix, people=people, initial=initial)
        else:
            form = kind(prefix=prefix)
        found.append((act, given.get(prefix) or form))
    return found


def _fulfil(
    condition: Condition, user: User, given: dict[str, forms.Form], *, judges: bool
) -> forms.Form | None:
    if not judges or condition.state != Condition.State.OPEN or user.pk == condition.owner_id:
        return None
    prefix = f"fulfil-{condition.pk}"
    return given.get(prefix) or FulfilForm(prefix=prefix)


def _glass_acts(glass: BreakGlass, user: User, *, judges: bool, manages: bool) -> list[str]:
    if glass.state == BreakGlass.State.ASKED and judges and user.pk != glass.asked_by_id:
        return ["open", "refuse"]
    if glass.state == BreakGlass.State.OPEN and (manages or user.pk == glass.asked_by_id):
        return ["end"]
    return []


def _headline(page: ExceptionsPage) -> str:
    """What the page says first."""
    if page.glass_open:
        return _("The glass is broken, or somebody asks to break it")
    if page.holding:
        count = len(page.holding)
        words = ngettext("%d finding holds every gate closed", "%d findings hold every gate closed", count)
        return words % count
    if page.total:
        return ngettext("%d exception stands", "%d exceptions stand", page.total) % page.total
    return _("No exception stands")
