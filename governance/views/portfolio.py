"""All projects of the reader, and one project at a glance."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from governance.queries.pages_exceptions import count_exceptions
from governance.queries.pages_portfolio import LATE, SORTS, Standing, board, lines_of, standings
from governance.queries.pages_project import project_overview
from governance.queries.pages_steps import next_steps
from governance.views.access import project_for, reader
from lifecycle.rules import can_create_projects
from lifecycle.sorting import Sorting

LONGEST_TITLE = 110
WORTH_A_BOARD = 4
A_PAGE = 25


@dataclass(frozen=True)
class Pill:
    """A filter above the table of projects."""

    key: str
    name: str
    count: int


@login_required
@require_safe
def portfolio(request: HttpRequest) -> HttpResponse:
    """Every project that the reader sees, what does harm first. 23 queries for any number."""
    user = reader(request)
    found = standings(user)
    groups = {
        "needs": (_("Needs somebody"), [each for each in found if each.needs_somebody]),
        "mine": (_("Waits for me"), [each for each in found if each.my_gates]),
        "high": (_("High risk"), [each for each in found if each.glance.risk_class == "high"]),
        "live": (_("Live"), [each for each in found if each.environments]),
    }
    show, sorting = request.GET.get("show", ""), Sorting(request.GET, SORTS, first_down=("late",))
    chosen = sorting.rows(groups[show][1] if show in groups else found)
    page = Paginator(chosen, A_PAGE).get_page(request.GET.get("page"))
    context = {
        "lines": lines_of(list(page)),
        "page": page,
        "sorting": sorting,
        "total": len(found),
        "show": show if show in groups else "",
        "pills": [Pill("", _("All"), len(found))]
        + [Pill(key, str(name), len(some)) for key, (name, some) in groups.items()],
        "board": board(found) if len(found) >= WORTH_A_BOARD else [],
        "headline": _headline(found),
        "may_create": can_create_projects(user),
        "exceptions": count_exceptions(user),
    }
    return render(request, "governance/portfolio.html", context)


@login_required
@require_safe
def project(request: HttpRequest, slug: str) -> HttpResponse:
    """One project at a glance. 17 queries."""
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
        "steps": next_steps(overview, user),
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
