"""What the pages of compliance show: the matrix, one framework, one control, one record. Reads standings."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.core.paginator import Page, Paginator
from django.db.models import Count, Exists, OuterRef
from django.urls import reverse
from django.utils.translation import gettext as _

from governance.compliance.applicability import applies_from, no_bearing
from governance.compliance.catalogue import checks
from governance.compliance.documents import ControlDocument
from governance.compliance.statuses import Status
from governance.models import (
    Assurance,
    CheckRecord,
    CheckStanding,
    Classification,
    ControlChange,
    ControlExclusion,
    ControlStanding,
    ControlTask,
    FrameworkUse,
)
from governance.queries.compliance import classification_of, document_of, result_of, uses_in_force
from governance.queries.control_tasks import is_gap, open_tasks_of
from governance.queries.pages import gate_keys
from lifecycle.models import Project, Task, User
from lifecycle.queries.projects import projects_visible_to

GOOD = (Status.MET, Status.WAIVED)
PAGE = 25
"""So many projects are on one page of the matrix."""


@dataclass(frozen=True)
class Coverage:
    """How many controls of one framework stand where in one project."""

    use: FrameworkUse
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def asked(self) -> int:
        """Controls that have a bearing."""
        return sum(count for status, count in self.counts.items() if status != Status.NOT_APPLICABLE)

    @property
    def good(self) -> int:
        return sum(self.counts.get(status, 0) for status in GOOD)

    @property
    def broken(self) -> int:
        return self.counts.get(Status.BROKEN, 0)

    @property
    def share(self) -> int:
        """Per cent of what is asked that is met, rounded down: 100 is all of it."""
        return self.good * 100 // self.asked if self.asked else 0

    @property
    def percent(self) -> str:
        return f"{self.share} %"

    @property
    def counted(self) -> list[tuple[str, str]]:
        """Each status that occurs, with its count in words."""
        return [(status, f"{count} {words.lower()}") for status, words, count in self.lines]

    @property
    def state(self) -> str:
        if self.broken:
            return "bad"
        return "ok" if self.asked and self.good == self.asked else "now" if self.good else "idle"

    @property
    def lines(self) -> list[tuple[str, str, int]]:
        """Each status that occurs, with its words and its count, in the order of `Status`."""
        return [
            (status.value, str(status.label), self.counts[status])
            for status in Status
            if self.counts.get(status)
        ]


@dataclass(frozen=True)
class Matrix:
    """A page of projects by frameworks; `frameworks` are the columns, key and title. `broken` is of all."""

    frameworks: list[tuple[str, str]]
    page: Page[Project]
    cells: dict[tuple[int, str], Coverage]
    broken: int

    @property
    def lines(self) -> list[tuple[Project, list[Coverage | None]]]:
        return [
            (project, [self.cells.get((project.pk, key)) for key, _title in self.frameworks])
            for project in self.page
        ]


def matrix_for(user: User, *, search: str = "", page: str | int | None = 1) -> Matrix:
    """The projects that a person sees and that are measured by a framework, `PAGE` at a time. 6 queries."""
    visible = projects_visible_to(user)
    if search:
        visible = visible.filter(name__icontains=search)
    in_force = FrameworkUse.objects.filter(ended_at__isnull=True)
    measured = visible.select_related(None).filter(Exists(in_force.filter(project=OuterRef("pk"))))
    found = Paginator(measured.order_by("name", "pk"), PAGE).get_page(page)
    mine = in_force.filter(project__in=measured.order_by().values("pk"))
    titles = mine.order_by("framework__key", "framework__title")
    columns = dict(titles.values_list("framework__key", "framework__title").distinct())
    broken = ControlStanding.objects.filter(use__in=mine.values("pk"), status=Status.BROKEN).count()
    uses = in_force.filter(project__in=[each.pk for each in found]).select_related("framework")
    cells = coverage_of(uses.defer("framework__document"))
    by_place = {(cell.use.project_id, cell.use.framework.key): cell for cell in cells}
    return Matrix(sorted(columns.items()), found, by_place, broken)


def coverage_of(uses: Iterable[FrameworkUse]) -> list[Coverage]:
    """The coverage of each use, in their order. 1 query, 1 more for the uses."""
    listed = list(uses)
    counts: dict[int, dict[str, int]] = defaultdict(dict)
    standings = ControlStanding.objects.filter(use__in=[each.pk for each in listed])
    for use, status, count in standings.values_list("use_id", "status").annotate(n=Count("pk")).order_by():
        counts[use][status] = count
    return [Coverage(each, counts[each.pk]) for each in listed]


@dataclass(frozen=True)
class ControlLine:
    """One control as the list of a framework shows it."""

    control: ControlDocument
    status: str
    why: str
    held: int
    total: int
    gap_task: ControlTask | None = None

    @property
    def label(self) -> str:
        return str(Status(self.status).label)

    @property
    def is_gap(self) -> bool:
        return is_gap(self.status)


@dataclass(frozen=True)
class GroupLines:
    """Controls under one heading, those that the filter leaves."""

    title: str
    lines: list[ControlLine]


@dataclass(frozen=True)
class FrameworkPage:
    """One framework in one project."""

    use: FrameworkUse
    coverage: Coverage
    groups: list[GroupLines]
    classification: Classification | None
    taken: int

    @property
    def gaps(self) -> int:
        return self.coverage.asked - self.coverage.good


def framework_page(use: FrameworkUse, *, status: str = "") -> FrameworkPage:
    """The controls of a framework with where they stand, what it rests on, who closes its gaps. 6 queries."""
    document = document_of(use.framework)
    standing = dict(use.standings.values_list("control", "status"))
    said = {each.check_key: each for each in use.project.check_standings.all()}
    excluded = _excluded(use)
    classification = classification_of(use.project)
    result = result_of(classification)
    opened = open_tasks_of(use)
    groups = []
    for group in document.groups:
        lines = []
        for control in group.controls:
            at = standing.get(control.id, Status.NOT_STARTED)
            if status and at != status:
                continue
            behind = [said[key] for key in check_keys(use, control) if key in said]
            why = excluded.get(control.id) or no_bearing(control, result) or _why(control, behind)
            held, total = sum(each.held for each in behind), sum(each.total for each in behind)
            lines.append(ControlLine(control, at, why, held, total, opened.get(control.id)))
        if lines:
            groups.append(GroupLines(group.title, lines))
    taken = sum(is_gap(standing.get(control, Status.NOT_STARTED)) for control in opened)
    return FrameworkPage(use, coverage_of([use])[0], groups, classification, taken)


def check_keys(use: FrameworkUse, control: ControlDocument) -> list[str]:
    """The keys under which the checks of a control are stored."""
    own = [f"{use.framework.key}@{use.framework.version}:{control.id}"] if control.judges is not None else []
    return [*control.checks, *own]


def _excluded(use: FrameworkUse) -> dict[str, str]:
    found = use.project.control_exclusions.filter(framework_key=use.framework.key, ended_at__isnull=True)
    return dict(found.values_list("control", "reason"))


def _why(control: ControlDocument, behind: list[CheckStanding]) -> str:
    """In a sentence what a control stands on, the worst of its checks first."""
    if not behind:
        return _("No record can tell: a person has to vouch for it.")
    order = [Status.BROKEN, Status.REVIEW_DUE, Status.NOT_STARTED, Status.IN_PROGRESS]
    ranks = {status.value: rank for rank, status in enumerate(order)}
    worst = min(behind, key=lambda each: ranks.get(each.status, len(order)))
    known = checks().get(worst.check_key)
    return f"{known.title if known else control.title}: {worst.reason}"


@dataclass(frozen=True)
class CheckLine:
    """One check of a control with the records that it judged; `title` says what must be true."""

    title: str
    key: str
    standing: CheckStanding | None
    records: list[CheckRecord]
    more: int


@dataclass(frozen=True)
class ControlPage:
    """Everything about one control in one project."""

    use: FrameworkUse
    control: ControlDocument
    status: str
    checks: list[CheckLine]
    assurances: list[Assurance]
    exclusion: ControlExclusion | None
    no_bearing: str
    applies_from: dt.date | None
    changes: list[ControlChange]
    tasks: list[Task]
    gates: list[str]

    @property
    def label(self) -> str:
        return str(Status(self.status).label)

    @property
    def assurance(self) -> Assurance | None:
        return next((each for each in self.assurances if each.ended_at is None), None)

    @property
    def is_gap(self) -> bool:
        return is_gap(self.status)


def control_page(use: FrameworkUse, control: ControlDocument) -> ControlPage:
    """One control with its checks, their records, what people said and what it was before. 10 queries."""
    keys = check_keys(use, control)
    said = {each.check_key: each for each in use.project.check_standings.filter(check_key__in=keys)}
    records: dict[int, list[CheckRecord]] = defaultdict(list)
    for each in CheckRecord.objects.filter(standing__in=list(said.values())).order_by("pk"):
        records[each.standing_id].append(each)
    at = {"framework_key": use.framework.key, "control": control.id}
    result = result_of(classification_of(use.project))
    tasks = _worked_on(use.project, control)
    keys_of_gates = gate_keys(use.project.process_version.document) if tasks else {}
    lines = []
    for key in keys:
        standing = said.get(key)
        listed = records[standing.pk] if standing is not None else []
        known = checks().get(key)
        title, name = (known.title, key) if known else (control.title, "")
        lines.append(CheckLine(title, name, standing, listed[:20], len(listed[20:])))
    return ControlPage(
        use=use, control=control,
        status=use.standings.filter(control=control.id).values_list("status", flat=True).first()
        or Status.NOT_STARTED,
        checks=lines,
        assurances=list(use.project.assurances.filter(**at).select_related("signed_by", "ended_by")[:20]),
        exclusion=use.project.control_exclusions.filter(**at, ended_at__isnull=True)
        .select_related("decided_by").first(),
        no_bearing=no_bearing(control, result),
        applies_from=applies_from(document_of(use.framework), control, result),
        changes=list(use.changes.filter(control=control.id)[:20]),
        tasks=tasks,
        gates=sorted({keys_of_gates[key] for each in tasks if (key := each.phase.key) in keys_of_gates}),
    )  # fmt: skip


def _worked_on(project: Project, control: ControlDocument) -> list[Task]:
    """The tasks that a control is worked on in, each in the newest iteration that has it. 1 query."""
    if not control.tasks:
        return []
    found = Task.objects.filter(phase__iteration__project=project, key__in=control.tasks)
    newest = {task.key: task for task in found.select_related("phase").order_by("phase__iteration__number")}
    return [newest[key] for key in control.tasks if key in newest]


@dataclass(frozen=True)
class Served:
    """One control that a record serves."""

    use: FrameworkUse
    control: ControlDocument
    check: str
    says: str


def controls_served(user: User, kind: str, pk: int) -> list[Served]:
    """All controls that rest on one record, in the projects that a person sees. 4 queries."""
    found = CheckRecord.objects.filter(kind=kind, record_id=pk).select_related("standing")
    found = found.filter(standing__project__in=projects_visible_to(user).values("pk"))
    said = {(each.standing.project_id, each.standing.check_key): each.says for each in found}
    projects = {project for project, _key in said}
    uses = FrameworkUse.objects.filter(project__in=projects, ended_at__isnull=True)
    return [
        Served(use, control, key, said[use.project_id, key])
        for use in uses.select_related("project", "framework").order_by("framework__key")
        for control in document_of(use.framework).controls
        for key in check_keys(use, control)
        if (use.project_id, key) in said
    ]


def coverage_in(project: Project) -> list[Coverage]:
    """The coverage of each framework that a project is measured by. 2 queries."""
    return coverage_of(uses_in_force(project).select_related("project"))


_PAGES = {
    "task": "lifecycle:task", "handoff": "lifecycle:handoff", "run": "lifecycle:run",
    "firing": "lifecycle:firing", "data-set": "lifecycle:data-set", "gate": "governance:gate",
    "waiver": "governance:waiver", "deployment": "governance:deployment",
}  # fmt: skip
_OF_PROJECT = {
    "risk": "lifecycle:project-risks", "requirement": "lifecycle:project-requirements",
    "score": "lifecycle:project-test-score",
    "people": "lifecycle:project-people",
    "authorization": "governance:project-models", "finding": "governance:project-exceptions",
    "exceptions": "governance:project-exceptions", "classification": "governance:classify",
    "inventory": "governance:project-inventory", "incident": "governance:project-incidents",
    "project": "governance:project",
    # Lists in which nothing stands.
    "no-findings": "governance:project-exceptions", "no-glass": "governance:project-exceptions",
    "no-incidents": "governance:project-incidents", "no-stale": "governance:project-gates",
    "no-firings": "lifecycle:project-triggers", "no-requirements": "lifecycle:project-requirements",
    "no-ended_deployments": "governance:project-deployments", "no-tasks": "lifecycle:project-tasks",
}  # fmt: skip


def record_url(project: Project, kind: str, pk: int) -> str:
    """The page of a record behind a check; the project's own page where it has none."""
    if kind in _PAGES:
        return reverse(_PAGES[kind], args=[pk])
    return reverse(_OF_PROJECT.get(kind, "governance:project"), args=[project.slug])
