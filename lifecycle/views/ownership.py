"""Who does, answers for, is asked and is told: the matrix of an iteration."""

from __future__ import annotations

from itertools import groupby
from typing import Any, NamedTuple

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from lifecycle.forms.ownership import BulkAssignForm, RoleAssignForm
from lifecycle.models import Iteration, Membership, Project, Task, User
from lifecycle.queries.absences import away_among
from lifecycle.queries.iterations import iterations_of
from lifecycle.queries.ownership import DutyRow, Matrix, ownership_matrix
from lifecycle.queries.pages import WORKING_ROLES
from lifecycle.queries.projects import DONE
from lifecycle.views.acting import Tried, project_for, reader, rights_of

_LETTERS = "ARCI"
OVERLOAD = 10
"""With more open tasks than this to do or to answer for, a person is shown as overloaded."""


class Row(NamedTuple):
    """A task of the matrix: the letters of each member in the order of the columns, and what is missing.

    `open` says whether it can be assigned, `chosen` whether its box was ticked.
    """

    duty: DutyRow
    cells: list[list[str]]
    gap: str
    open: bool
    chosen: bool


class Part(NamedTuple):
    """A phase of the matrix."""

    name: str
    rows: list[Row]


class Column(NamedTuple):
    """A member with the open tasks that they do or answer for; `absent_until` where they are away."""

    member: Membership
    load: int
    absent_until: Any

    @property
    def overloaded(self) -> bool:
        return self.load > OVERLOAD


class Filter(NamedTuple):
    """What the address says is to be shown; empty means all. `show` is gaps, mine or overload."""

    show: str = ""
    phase: str = ""
    person: str = ""
    role: str = ""

    @classmethod
    def of(cls, request: HttpRequest) -> Filter:
        return cls(*(request.GET.get(name, "")[:40] for name in cls._fields))

    def lets(self, row: DutyRow, user: User, busy: set[int]) -> bool:
        return (
            (self.show != "gaps" or bool(_gap(row)))
            and (self.show != "mine" or user.pk in row.letters)
            and (self.show != "overload" or bool(busy & _holders(row)))
            and self.phase in ("", row.task.phase.key)
            and self.role in ("", row.task.role)
            and (not self.person or self.person in {str(pk) for pk in row.letters})
        )


@login_required
@require_safe
def project_ownership(request: HttpRequest, slug: str) -> HttpResponse:
    """The matrix of tasks and people, gaps marked. 8 queries."""
    user = reader(request)
    project = project_for(user, slug)
    return show_matrix(request, user, project, *iteration_for(project, request.GET.get("iteration", "")))


def iteration_for(project: Project, wanted: str) -> tuple[Iteration | None, list[Iteration]]:
    """The iteration of this number, the last one if none is named, and all of them; else 404. 1 query."""
    found = list(iterations_of(project))
    iteration = next((each for each in found if not wanted or str(each.number) == wanted), None)
    if wanted and iteration is None:
        raise Http404
    return iteration, found


def show_matrix(
    request: HttpRequest, user: User, project: Project, iteration: Iteration | None, found: list[Iteration],
    tried: Tried | None = None,
) -> HttpResponse:  # fmt: skip
    """The page of the matrix; what was refused keeps what was typed. 5 queries beside its arguments."""
    matrix = ownership_matrix(iteration) if iteration else None
    wanted = Filter.of(request)
    context: dict[str, Any] = {
        "project": project, "iteration": iteration, "iterations": found, "title": _title(matrix),
        "filter": wanted, "show": wanted.show,
    }  # fmt: skip
    if matrix and iteration:
        away = away_among(each.user for each in matrix.members)
        columns = [_column(each, matrix, away) for each in matrix.members]
        busy = {each.member.user_id for each in columns if each.overloaded}
        manages = rights_of(user, project).manages and iteration.state == Iteration.State.OPEN
        forms = assign_forms(matrix, project, tried) if manages else {}
        chosen = forms["assign"].chosen if manages else set()
        context |= {
            "matrix": matrix, "columns": columns, "overload": OVERLOAD, "forms": forms, "manages": manages,
            "parts": _parts(matrix, user, wanted, busy, chosen),
            "counts": _counts(matrix, user, busy), "choices": _choices(matrix, project),
            "assign_url": reverse("lifecycle:ownership-assign", args=[project.slug, iteration.number]),
            "role_url": reverse("lifecycle:ownership-role", args=[project.slug, iteration.number]),
        }  # fmt: skip
    return render(request, "lifecycle/ownership.html", context)


def assign_forms(
    matrix: Matrix, project: Project, tried: Tried | None = None, data: Any = None
) -> dict[str, Any]:
    """The two forms of the page, filled with `data` or with what was refused."""
    members = [each.user for each in matrix.members]
    people = [each.user for each in matrix.members if _can_work(each)]
    made: dict[str, Any] = {
        "assign": BulkAssignForm(
            data,
            auto_id="id_assign_%s",
            tasks=[row.task for row in matrix.rows],
            people=people,
            members=members,
        ),
        "role": RoleAssignForm(data, auto_id="id_role_%s", roles=roles_among(matrix, project), people=people),
    }
    if tried is not None:
        made[tried.name] = tried.form
    return made


def roles_among(matrix: Matrix, project: Project) -> list[tuple[str, str]]:
    """The roles of the matrix's tasks, with their names in the process."""
    names = {part["code"]: part["name"] for part in project.process_version.document["roles"]}
    codes = sorted({row.task.role for row in matrix.rows})
    return [(code, f"{code} {names.get(code, '')}".strip()) for code in codes]


def _can_work(member: Membership) -> bool:
    user = member.user
    return member.role in WORKING_ROLES and user.is_active and user.org_role != User.OrgRole.AUDITOR


def _column(member: Membership, matrix: Matrix, away: dict[int, Any]) -> Column:
    absence = away.get(member.user_id)
    return Column(member, matrix.load(member.user), absence.ends_on if absence else None)


def _title(matrix: Matrix | None) -> str:
    if matrix is None or not matrix.rows:
        return _("Nothing to own yet")
    gaps = len(matrix.gaps)
    if not gaps:
        return _("Every open task has somebody who does it and somebody who answers for it")
    return ngettext("%d task lacks somebody", "%d tasks lack somebody", gaps) % gaps


def _counts(matrix: Matrix, user: User, busy: set[int]) -> dict[str, int]:
    return {
        "all": len(matrix.rows),
        "gaps": len(matrix.gaps),
        "mine": sum(user.pk in row.letters for row in matrix.rows),
        "overload": len(busy),
    }


def _choices(matrix: Matrix, project: Project) -> dict[str, list[tuple[str, str]]]:
    """What can be filtered by, with the words to show."""
    phases = {row.task.phase.key: str(row.task.phase) for row in matrix.rows}
    return {
        "phase": list(phases.items()),
        "person": [(str(each.user_id), str(each.user)) for each in matrix.members],
        "role": roles_among(matrix, project),
    }


def _parts(matrix: Matrix, user: User, wanted: Filter, busy: set[int], chosen: set[str]) -> list[Part]:
    rows = [row for row in matrix.rows if wanted.lets(row, user, busy)]
    return [
        Part(str(phase), [_row(row, matrix.members, chosen) for row in each])
        for phase, each in groupby(rows, key=lambda row: row.task.phase)
    ]


def _row(row: DutyRow, members: list[Membership], chosen: set[str]) -> Row:
    cells = [sorted(row.letters.get(each.user_id, []), key=_LETTERS.index) for each in members]
    return Row(row, cells, _gap(row), row.task.state not in DONE, str(row.task.pk) in chosen)


def _holders(row: DutyRow) -> set[int]:
    """Who does an open task or answers for it."""
    task: Task = row.task
    held = {task.owner_id, task.accountable_id} if task.state not in DONE else set()
    return {pk for pk in held if pk is not None}


def _gap(row: DutyRow) -> str:
    """What an open task lacks, in words."""
    if row.task.state in DONE:
        return ""
    return {
        "nobody": _("Nobody at all"),
        "owner": _("Nobody does it"),
        "accountable": _("Nobody accountable"),
    }.get(row.gap, "")
