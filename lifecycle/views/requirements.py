"""The requirements of a project: defined, agreed, changed as a new version, waived."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from lifecycle.forms.fields import PlainForm, ReasonForm
from lifecycle.forms.projects import LimitForm, RequirementForm
from lifecycle.models import REQUIREMENT_STATES, Project, Requirement, User
from lifecycle.queries.iterations import current_iteration
from lifecycle.queries.pages_projects import RequirementLine, requirement_lines, requirements_with_project
from lifecycle.services import requirements as services
from lifecycle.sorting import Sorting
from lifecycle.views.acting import Offer, Offers, Rights, Tried, carry_out, project_for, reader, rights_of

_ACTS: dict[str, tuple[Any, Any]] = {
    "agree": (PlainForm, services.agree_requirement),
    "change": (LimitForm, services.change_requirement),
    "waive": (ReasonForm, services.waive_requirement),
}


SORTS: Mapping[str, Callable[[RequirementLine], Any]] = {
    "requirement": lambda line: line.current.statement,
    "limit": lambda line: (line.current.metric, line.current.limit),
    "slice": lambda line: line.current.slice or None,
    "gate": lambda line: line.current.gate,
    "state": lambda line: str(line.current.get_state_display()),
}


@login_required
@require_safe
def project_requirements(request: HttpRequest, slug: str) -> HttpResponse:
    """What must hold, with all versions. 7 queries."""
    user = reader(request)
    return _page(request, user, project_for(user, slug))


@login_required
@require_POST
def define(request: HttpRequest, slug: str) -> HttpResponse:
    """Define a requirement."""
    user = reader(request)
    project = project_for(user, slug)
    form = RequirementForm(request.POST, auto_id="id_define_%s", gates=_gates(project))
    return carry_out(
        request, form, lambda given: services.define_requirement(project=project, actor=user, **given),
        done=_("The requirement is defined; a manager agrees it."), to=_address(project),
        may=rights_of(user, project).works,
        again=lambda: _page(request, user, project, Tried("define", form)),
    )  # fmt: skip


@login_required
@require_POST
def act(request: HttpRequest, slug: str, pk: int, act: str) -> HttpResponse:
    """Agree, change or waive a requirement."""
    user = reader(request)
    project = project_for(user, slug)
    if act not in _ACTS:
        raise Http404
    requirement = get_object_or_404(requirements_with_project(project), pk=pk)
    form_class, service = _ACTS[act]
    name = f"{act}-{pk}"
    form = form_class(request.POST, auto_id=f"id_{name}_%s")
    said = {
        "agree": _("The requirement is agreed."),
        "change": _("The new version waits to be agreed; the old one stays on record."),
        "waive": _("The requirement is waived."),
    }
    return carry_out(
        request, form, lambda given: service(requirement=requirement, actor=user, **given), done=said[act],
        to=_address(project), may=rights_of(user, project).manages,
        again=lambda: _page(request, user, project, Tried(name, form)),
    )  # fmt: skip


def _address(project: Project) -> str:
    return reverse("lifecycle:project-requirements", args=[project.slug])


def _gates(project: Project) -> list[tuple[str, str]]:
    return [(part["key"], part["name"]) for part in project.process_version.document.get("gates", [])]


def _page(request: HttpRequest, user: User, project: Project, tried: Tried | None = None) -> HttpResponse:
    rights, offers = rights_of(user, project), Offers(tried)
    lines, sorting = requirement_lines(project), Sorting(request.GET, SORTS)
    drafts = sum(line.current.state == Requirement.State.DRAFT for line in lines)
    define_offer = None
    if rights.works:
        define_offer = offers.add(
            "define", reverse("lifecycle:requirement-define", args=[project.slug]), _("Define a requirement"),
            RequirementForm, folded=bool(lines), main=not lines, gates=_gates(project),
            initial={"gate": "G4"},
        )  # fmt: skip
    context = {
        "project": project,
        "iteration": current_iteration(project),
        "rows": [(line, _row_offers(offers, rights, project, line.current)) for line in sorting.rows(lines)],
        "sorting": sorting,
        "title": _title(len(lines), drafts),
        "define_offer": define_offer,
        "offers": offers,
    }
    return render(request, "lifecycle/requirements.html", context)


def _title(count: int, drafts: int) -> str:
    if not count:
        return _("Nothing is required yet")
    if drafts:
        return ngettext("%d requirement is not agreed", "%d requirements are not agreed", drafts) % drafts
    return ngettext("%d requirement, agreed", "%d requirements, all agreed", count) % count


def _row_offers(offers: Offers, rights: Rights, project: Project, requirement: Requirement) -> list[Offer]:
    if not rights.manages:
        return []
    made: list[Offer] = []

    def add(act: str, verb: str, **more: Any) -> None:
        url = reverse("lifecycle:requirement-act", args=[project.slug, requirement.pk, act])
        made.append(offers.add(f"{act}-{requirement.pk}", url, verb, _ACTS[act][0], **more))

    if REQUIREMENT_STATES.can(requirement.state, "agree"):
        add("agree", _("Agree"))
    if REQUIREMENT_STATES.can(requirement.state, "supersede"):
        start = {
            "statement": requirement.statement,
            "operator": requirement.operator,
            "limit": requirement.limit,
        }
        hint = _("A new version, which has to be agreed; the old one stays.")
        add("change", _("Change"), folded=True, initial=start, hint=hint)
    if REQUIREMENT_STATES.can(requirement.state, "waive"):
        add("waive", _("Waive"), folded=True)
    return made
