"""Who does, answers for, is asked and is told: the matrix of an iteration."""

from __future__ import annotations

from itertools import groupby
from typing import Any, NamedTuple

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from lifecycle.models import Membership, User
from lifecycle.queries.iterations import iterations_of
from lifecycle.queries.ownership import DutyRow, Matrix, ownership_matrix
from lifecycle.queries.projects import DONE
from lifecycle.views.acting import project_for, reader

_LETTERS = "ARCI"


class Row(NamedTuple):
    """A task of the matrix: the letters of each member in the order of the columns, and what is missing."""

    duty: DutyRow
    cells: list[list[str]]
    gap: str


class Part(NamedTuple):
    """A phase of the matrix."""

    name: str
    rows: list[Row]


@login_required
@require_safe
def project_ownership(request: HttpRequest, slug: str) -> HttpResponse:
    """The matrix of tasks and people, gaps marked. 6 queries."""
    user = reader(request)
    project = project_for(user, slug)
    found = list(iterations_of(project))
    wanted = request.GET.get("iteration", "")
    iteration = next((each for each in found if not wanted or str(each.number) == wanted), None)
    if wanted and iteration is None:
        raise Http404
    matrix = ownership_matrix(iteration) if iteration else None
    show = request.GET.get("show", "")
    context: dict[str, Any] = {"project": project, "iteration": iteration, "iterations": found, "show": show}
    if matrix:
        context |= {
            "matrix": matrix,
            "columns": [(each, matrix.load(each.user)) for each in matrix.members],
            "parts": _parts(matrix, user, show),
            "counts": {"all": len(matrix.rows), "gaps": len(matrix.gaps), "mine": _mine(matrix, user)},
        }
    context["title"] = _title(matrix)
    return render(request, "lifecycle/ownership.html", context)


def _title(matrix: Matrix | None) -> str:
    if matrix is None or not matrix.rows:
        return _("Nothing to own yet")
    gaps = len(matrix.gaps)
    if not gaps:
        return _("Every open task has somebody who does it and somebody who answers for it")
    return ngettext("%d task lacks somebody", "%d tasks lack somebody", gaps) % gaps


def _mine(matrix: Matrix, user: User) -> int:
    return sum(user.pk in row.letters for row in matrix.rows)


def _parts(matrix: Matrix, user: User, show: str) -> list[Part]:
    wanted = [row for row in matrix.rows if _shown(row, user, show)]
    return [
        Part(str(phase), [_row(row, matrix.members) for row in rows])
        for phase, rows in groupby(wanted, key=lambda row: row.task.phase)
    ]


def _shown(row: DutyRow, user: User, show: str) -> bool:
    if show == "gaps":
        return bool(_gap(row))
    return show != "mine" or user.pk in row.letters


def _row(row: DutyRow, members: list[Membership]) -> Row:
    cells = [sorted(row.letters.get(each.user_id, []), key=_LETTERS.index) for each in members]
    return Row(row, cells, _gap(row))


def _gap(row: DutyRow) -> str:
    """What an open task lacks, in words."""
    if row.task.state in DONE:
        return ""
    return {
        "nobody": _("Nobody at all"),
        "owner": _("Nobody does it"),
        "accountable": _("Nobody accountable"),
    }.get(row.gap, "")
