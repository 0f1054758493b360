"""All projects of the reader, and one project at a glance."""

from __future__ import annotations

from typing import NamedTuple

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from governance.models import Gate
from governance.queries.pages_portfolio import LATE, Standing, standings
from governance.queries.pages_project import Overview, project_overview
from governance.rules.gates import fills_seat
from governance.views.access import project_for, reader
from lifecycle.models import Phase, User
from lifecycle.rules import can_create_projects

LONGEST_TITLE = 110


class Pill(NamedTuple):
    """A filter above the table of projects."""

    key: str
    name: str
    count: int


class Step(NamedTuple):
    """Something to do next. `url_name` may not exist in this installation; then the row has no link."""

    state: str
    glyph: str
    title: str
    why: str
    verb: str
    url_name: str
    url_arg: object


@login_required
@require_safe
def portfolio(request: HttpRequest) -> HttpResponse:
    """Every project that the reader sees, what does harm first. 15 queries."""
    user = reader(request)
    found = standings(user)
    groups = {
        "needs": (_("Needs somebody"), [each for each in found if each.needs_somebody]),
        "mine": (_("Waits for me"), [each for each in found if each.my_gates]),
        "high": (_("High risk"), [each for each in found if each.project.risk_class == "high"]),
        "live": (_("Live"), [each for each in found if each.live]),
    }
    show = request.GET.get("show", "")
    context = {
        "standings": groups[show][1] if show in groups else found,
        "total": len(found),
        "show": show if show in groups else "",
        "pills": [Pill("", _("All"), len(found))]
        + [Pill(key, str(name), len(some)) for key, (name, some) in groups.items()],
        "headline": _headline(found),
        "may_create": can_create_projects(user),
    }
    return render(request, "governance/portfolio.html", context)


@login_required
@require_safe
def project(request: HttpRequest, slug: str) -> HttpResponse:
    """One project at a glance. 18 queries."""
    user = reader(request)
    home = project_for(user, slug)
    overview = project_overview(home)
    title, lede = _title(home.purpose or home.name)
    context = {
        "project": home,
        "iteration": overview.iteration,
        "gate_count": len(overview.open_gates) or None,
        "overview": overview,
        "title": title,
        "lede": lede,
        "steps": _steps(overview, user),
    }
    return render(request, "governance/project.html", context)


def _headline(found: list[Standing]) -> str:
    """What the page says first: how many projects there are and how many need somebody."""
    if not found:
        return _("No project yet")
    count = len(found)
    projects = ngettext("%d project", "%d projects", count) % count
    needy = sum(each.rank <= LATE for each in found)
    if not needy:
        return _("%s, all on course") % projects
    words = ngettext("%(projects)s, %(n)d needs somebody", "%(projects)s, %(n)d need somebody", needy)
    return words % {"projects": projects, "n": needy}


def _title(purpose: str) -> tuple[str, str]:
    """The first sentence as title and the rest below it; the whole below if that sentence is too long."""
    first, dot, rest = purpose.strip().partition(". ")
    if len(first) > LONGEST_TITLE:
        return _("Overview"), purpose
    return (first if dot else first.removesuffix(".")), rest


def _steps(overview: Overview, user: User) -> list[Step]:
    """What is to be done, what does harm first."""
    return [*_firing_steps(overview), *_gate_steps(overview, user), *_work_steps(overview)][:7]


def _firing_steps(overview: Overview) -> list[Step]:
    return [
        Step(
            "bad", "trigger", _("Decide about %s") % each.trigger, each.summary, _("Decide"),
            "lifecycle:firing", each.pk,
        )  # fmt: skip
        for each in overview.waiting_firings
    ]


def _gate_steps(overview: Overview, user: User) -> list[Step]:
    place = next((each for each in overview.members if each.user_id == user.pk), None)
    steps = []
    for gate in overview.open_gates:
        mine = fills_seat(place, gate)
        title = (_("Sign %(gate)s") if mine else _("%(gate)s waits for signatures")) % {"gate": gate}
        about = f"{gate.question} ({gate.model_version})" if gate.model_version else gate.question
        steps.append(Step("open", "gate", title, about, _("Review"), "governance:gate", gate.pk))
    for line in overview.lines:
        if line.work.phase.state == Phase.State.IN_REVIEW and not _is_open(line.gate):
            steps.append(
                Step(
                    "open", "gate", _("Open %(gate)s for %(phase)s")
                    % {"gate": line.gate_key, "phase": line.work.phase},
                    _("The phase is in review and nobody has asked for the decision yet."), _("Open gate"),
                    "governance:project-gates", overview.project.slug,
                )  # fmt: skip
            )
    return steps


def _is_open(gate: Gate | None) -> bool:
    return gate is not None and gate.state == Gate.State.OPEN


def _work_steps(overview: Overview) -> list[Step]:
    work, steps = overview.work, []
    if work is None:
        return []
    slug = overview.project.slug
    for task in work.overdue[:2]:
        why = _("It was due on %(day)s; %(owner)s has it.") % {
            "day": task.due_on,
            "owner": task.owner or _("nobody"),
        }
        steps.append(Step("late", "warn", _("Finish %s") % task, why, _("Open"), "lifecycle:task", task.pk))
    for handoff in work.handoffs:
        if handoff.state in ("offered", "returned"):
            offered = handoff.state == "offered"
            title = (_("Accept or return %s") if offered else _("Mend and offer again: %s")) % handoff
            holder = handoff.taker if offered else handoff.giver
            steps.append(
                Step(
                    handoff.state, "handoff", title, handoff.reason or _("It is with %s.") % holder, _("Open"),
                    "lifecycle:handoff", handoff.pk,
                )  # fmt: skip
            )
    if work.unowned:
        keys = ", ".join(task.key for task in work.unowned[:6])
        why = _("Without an owner or anybody accountable: %s.") % keys
        title = _("Name people for %d tasks") % len(work.unowned)
        steps.append(Step("warn", "person", title, why, _("Assign"), "lifecycle:project-ownership", slug))
    steps += [
        Step(
            "warn", "warn", each.title, each.detail or _("An open finding."), _("Open"),
            "governance:project-models", slug,
        )  # fmt: skip
        for each in overview.findings[:2]
    ]
    return steps
