"""The risk register of a project: its map, its list, and what a manager decides there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from lifecycle.definitions import RiskCategory
from lifecycle.forms.risk_register import BearForm, DecideForm, OwnRiskForm
from lifecycle.models import Iteration, Phase, Project, Risk, Task, User
from lifecycle.queries.iterations import current_iteration
from lifecycle.queries.risk_register import SHOWN, Register, picked_from, risk_register
from lifecycle.queries.tasks import risks_visible_to
from lifecycle.rules import MOST_LOOPS
from lifecycle.services.escalations import decide_escalated
from lifecycle.services.risks import accept_risk, add_risk
from lifecycle.sorting import Sorting
from lifecycle.views.acting import (
    Offer,
    Offers,
    Rights,
    Tried,
    carry_out,
    project_for,
    reader,
    rights_of,
    seen,
)

A_PAGE = 40
_S, _T = Risk.State, Task.State
SORTS: Mapping[str, Callable[[Risk], Any]] = {
    "risk": lambda risk: risk.text,
    "before": lambda risk: (risk.inherent_severity or 0) * (risk.inherent_occurrence or 0) or None,
    "now": lambda risk: None if risk.state == _S.IDENTIFIED else risk.score,
    "owner": lambda risk: risk.task.owner.name if risk.task.owner else None,
    "state": lambda risk: str(risk.get_state_display()),
}
_CAN_GO_BACK = (Phase.State.PASSED, Phase.State.PASSED_WITH_CONDITIONS, Phase.State.INHERITED)


@login_required
@require_safe
def project_risks(request: HttpRequest, slug: str) -> HttpResponse:
    """The risks of the last iteration, filtered by the address. 10 queries for any number of risks."""
    user = reader(request)
    return _page(request, user, project_for(user, slug))


@login_required
@require_POST
def add(request: HttpRequest, slug: str) -> HttpResponse:
    """Name a risk of the project's own."""
    user = reader(request)
    project = project_for(user, slug)
    rights = rights_of(user, project)
    tasks = _tasks(current_iteration(project)) if rights.works else []
    form = OwnRiskForm(request.POST, auto_id="id_add_%s", tasks=tasks)
    return carry_out(
        request, form, lambda given: add_risk(actor=user, **given), done=_("The risk is named."),
        to=_address(project), may=rights.works,
        again=lambda: _page(request, user, project, Tried("add", form)),
    )  # fmt: skip


@login_required
@require_POST
def act(request: HttpRequest, slug: str, pk: int, act: str) -> HttpResponse:
    """Accept a risk, or decide about an escalated one."""
    user = reader(request)
    project = project_for(user, slug)
    risk = seen(risks_visible_to(user).filter(task__phase__iteration__project=project), pk)
    if act not in ("accept", "decide"):
        raise Http404
    rights = rights_of(user, project)
    name = f"{act}-{pk}"
    if act == "accept":
        form: Any = BearForm(request.POST, auto_id=f"id_{name}_%s", needed=False)
    else:
        earlier = _earlier(list(risk.task.phase.iteration.phases.order_by("order")), risk)
        form = DecideForm(request.POST, auto_id=f"id_{name}_%s", phases=earlier)
    service = accept_risk if act == "accept" else decide_escalated
    return carry_out(
        request, form, lambda given: service(risk=risk, actor=user, **given),
        done=_("The risk is accepted.") if act == "accept" else _("The decision is recorded."),
        to=_address(project), may=rights.works if act == "accept" else rights.manages,
        again=lambda: _page(request, user, project, Tried(name, form)),
    )  # fmt: skip


def _address(project: Project) -> str:
    return reverse("lifecycle:project-risks", args=[project.slug])


def _page(request: HttpRequest, user: User, project: Project, tried: Tried | None = None) -> HttpResponse:
    iteration = current_iteration(project)
    register = risk_register(project, iteration, picked_from(request.GET))
    rights, offers = rights_of(user, project), Offers(tried)
    running = iteration is not None and iteration.state == Iteration.State.OPEN
    sorting = Sorting(request.GET, SORTS, first_down=("before", "now"))
    page = Paginator(sorting.rows(register.found), A_PAGE).get_page(request.GET.get("page"))
    risks = [*register.escalated, *page.object_list]
    moves = {risk.pk: _offers(offers, register, risk, rights) for risk in risks} if running else {}
    context = {
        "project": project,
        "iteration": iteration,
        "register": register,
        "picked": register.picked,
        "map": _map(request, register),
        "page": page,
        "sorting": sorting,
        "rows": [(risk, moves.get(risk.pk), register.is_above(risk)) for risk in page],
        "decisions": [(risk, moves.get(risk.pk)) for risk in register.escalated],
        "pills": _pills(request, register),
        "categories": [(each.value, each.value.capitalize()) for each in RiskCategory],
        "adding": _adding(offers, project, iteration) if running and rights.works else None,
        "title": _title(register),
        "most_loops": MOST_LOOPS,
        "offers": offers,
    }
    return render(request, "lifecycle/risks/register.html", context)


def _title(register: Register) -> str:
    waiting, above = len(register.escalated), len(register.above)
    if waiting:
        return ngettext("%d risk waits for a manager", "%d risks wait for a manager", waiting) % waiting
    if above:
        return ngettext("%d risk is above the appetite", "%d risks are above the appetite", above) % above
    if not register.risks:
        return _("No risks yet")
    return _("No risk is above the appetite")


def _offers(offers: Offers, register: Register, risk: Risk, rights: Rights) -> Offer | None:
    """What this person may do about a risk here; everything else is on its task."""
    above = (risk.score or 0) > register.project.risk_appetite
    if risk.state == _S.ESCALATED and rights.manages:
        return _once(
            offers, f"decide-{risk.pk}", _url(register, risk, "decide"), _("Decide"), DecideForm,
            phases=_earlier(register.phases, risk),
        )  # fmt: skip
    if risk.state in (_S.ASSESSED, _S.REASSESSED) and (rights.manages if above else rights.works):
        hint = _("It is above the appetite of %d: it comes back when the date is over.")
        return _once(
            offers, f"accept-{risk.pk}", _url(register, risk, "accept"), _("Accept it"), BearForm,
            needed=above, hint=hint % register.project.risk_appetite if above else "",
        )  # fmt: skip
    return None


def _once(offers: Offers, name: str, url: str, verb: str, form: Any, **given: Any) -> Offer:
    """The offer of this name; a risk that stands above and in the list has one."""
    made = next((each for each in offers.shown if each.name == name), None)
    return made or offers.add(name, url, verb, form, folded=True, **given)


def _url(register: Register, risk: Risk, act: str) -> str:
    return reverse("lifecycle:risk-register-act", args=[register.project.slug, risk.pk, act])


def _earlier(phases: list[Phase], risk: Risk) -> list[Phase]:
    """The phases that a decision may go back to."""
    return [phase for phase in phases if phase.order < risk.task.phase.order and phase.state in _CAN_GO_BACK]


def _tasks(iteration: Iteration | None) -> list[Task]:
    """The tasks that a risk can be added to. 1 query."""
    if iteration is None:
        return []
    found = Task.objects.filter(phase__iteration=iteration).select_related("phase")
    return list(found.exclude(state__in=(_T.VERIFIED, _T.NOT_APPLICABLE)).order_by("phase__order", "order"))


def _adding(offers: Offers, project: Project, iteration: Iteration | None) -> Offer:
    return offers.add(
        "add", reverse("lifecycle:risk-add", args=[project.slug]), _("Name the risk"), OwnRiskForm,
        tasks=_tasks(iteration), hint=_("It gets the next key of its task, such as X1."),
    )  # fmt: skip


def _pills(request: HttpRequest, register: Register) -> list[tuple[str, str, int, str]]:
    """(value, name, count, query) of each group; the rest of the filter stays."""
    names = {
        "open": _("Open"), "above": _("Above appetite"), "escalated": _("Escalated"),
        "accepted": _("Accepted"), "ending": _("Acceptance ends soon"), "closed": _("Closed"),
        "all": _("All"),
    }  # fmt: skip
    return [(show, names[show], register.counts[show], _query(request, show=show)) for show in SHOWN]


def _query(request: HttpRequest, **changes: str) -> str:
    kept = {name: value for name, value in request.GET.items() if name != "page" and value}
    return "?" + urlencode({name: value for name, value in {**kept, **changes}.items() if value})


CELL_WIDTH, CELL_HEIGHT, LEFT, TOP = 92, 58, 34, 8


def _map(request: HttpRequest, register: Register) -> dict[str, Any]:
    """The cells with their place in the drawing and where their counts lead; the line of the appetite."""
    cells = []
    for row, line in enumerate(register.cells):
        for column, cell in enumerate(line):
            place = f"{cell.severity}x{cell.occurrence}"
            x, y = LEFT + column * CELL_WIDTH, TOP + row * CELL_HEIGHT
            cells.append(
                {
                    "cell": cell, "x": x, "y": y, "cy": y + CELL_HEIGHT // 2, "ty": y + CELL_HEIGHT // 2 + 4,
                    "now_x": x + 62, "before_x": x + 26, "now_left": x + 47,
                    "now_top": y + CELL_HEIGHT // 2 - 15,
                    "now_url": _query(request, now=place, before="", show=""),
                    "before_url": _query(request, before=place, now="", show=""),
                    "picked": register.picked.now == (cell.severity, cell.occurrence)
                    or register.picked.before == (cell.severity, cell.occurrence),
                }
            )  # fmt: skip
    return {
        "cells": cells,
        "line": _appetite_line(register.project.risk_appetite),
        "rows": [(5 - row, TOP + row * CELL_HEIGHT + CELL_HEIGHT // 2 + 4) for row in range(5)],
        "columns": [(column + 1, LEFT + column * CELL_WIDTH + CELL_WIDTH // 2) for column in range(5)],
        "width": LEFT + 5 * CELL_WIDTH + 4, "height": TOP + 5 * CELL_HEIGHT + 44,
        "foot": TOP + 5 * CELL_HEIGHT + 18, "name": TOP + 5 * CELL_HEIGHT + 38,
        "cell_width": CELL_WIDTH, "cell_height": CELL_HEIGHT,
    }  # fmt: skip


def _appetite_line(appetite: int) -> str:
    """The stairs between what is within the appetite and what is above it, as a path from the left."""
    steps = [sum(severity * occurrence <= appetite for severity in range(1, 6)) for occurrence in range(1, 6)]
    bottom = TOP + 5 * CELL_HEIGHT
    path = f"M{LEFT} {bottom - steps[0] * CELL_HEIGHT}"
    for column, within in enumerate(steps):
        path += f"V{bottom - within * CELL_HEIGHT}H{LEFT + (column + 1) * CELL_WIDTH}"
    return path
