"""What lies beside the work of a few projects: requirements, data, comments, notices, reports, exceptions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from bench.large import days, digest
from bench.large_rows import bulk
from governance.models import Condition, Gate, Waiver
from ledger.models import subject_type
from lifecycle.definitions.stack import stack_catalogue
from lifecycle.models import (
    Comment,
    DataSet,
    DataSetVersion,
    DataUse,
    Exclusion,
    Notice,
    Project,
    Requirement,
    Run,
    SavedView,
    StackPart,
    Task,
)
from reports.models import Report

if TYPE_CHECKING:
    from bench.large_projects import Maker

REQUIREMENTS, NOTICES, DATA_SETS = 6, 30, 2


def make(maker: Maker, projects: Sequence[Project], tasks: Sequence[Task], runs: Sequence[Run]) -> None:
    """Write the rows."""
    bulk(each for project in projects for each in _requirements(maker, project))
    bulk(each for project in projects for each in _notices(maker, project))
    bulk(_comment(maker, task) for task in tasks[::4])
    bulk(_exclusion(maker, task) for task in tasks if task.state == "planned" and task.order % 5 == 0)
    bulk(each for project in projects for each in _stack(maker, project))
    bulk(_report(maker, project) for project in projects)
    sets = bulk(each for project in projects for each in _data_sets(maker, project))
    versions = bulk(
        DataSetVersion(
            data_set=each, number=number, method="bytes", digest=digest(f"{each.pk}.{number}"),
            rows=50_000, size=4_000_000, schema=[{"name": "price", "type": "number"}], created_at=maker.now,
        )
        for each in sets for number in (1, 2)
    )  # fmt: skip
    by_project = {each.data_set.project_id: each for each in versions}
    bulk(DataUse(run=run, version=by_project[run.project_id], role="data") for run in runs)


def exceptions(maker: Maker, gates: Iterable[Gate]) -> None:
    """Write what some gates were passed on."""
    rows = list(gates)
    asked, owner = maker.people[0], maker.people[1]
    bulk(
        Waiver(
            gate=gate, criterion=gate.definition["criteria"][0]["key"], words="Holds", justification="Late",
            measure="By hand.", expires_on=days(maker.now, 30).date(), requested_by=asked,
            requested_at=maker.now,
        )
        for gate in rows[::2]
    )  # fmt: skip
    bulk(
        Condition(
            gate=gate, text="Look again.", owner=owner, due_on=days(maker.now, 20).date(), proposed_by=asked,
            proposed_at=maker.now, state="open",
        )
        for gate in rows[1::2]
    )  # fmt: skip


def _requirements(maker: Maker, project: Project) -> list[Requirement]:
    return [
        Requirement(
            project=project, key=f"Q{number}", statement=f"Error {number} stays low", metric="rmse",
            operator="<=", limit=20.0, state="agreed", created_by=maker.people[0], created_at=maker.now,
            gate=f"G{1 + number % 5}",
        )
        for number in range(1, REQUIREMENTS + 1)
    ]  # fmt: skip


def _notices(maker: Maker, project: Project) -> list[Notice]:
    team = maker.team(project)
    people = [maker.people[0], *team[1:4]]
    return [
        Notice(
            person=people[number % len(people)], project=project, kind="task_due", subject="Your task is due",
            url=f"/projects/{project.slug}/", key=f"bench:{project.pk}:{number}", way="page",
            created_at=days(maker.now, -number), read_at=maker.now if number > NOTICES // 2 else None,
        )
        for number in range(NOTICES)
    ]  # fmt: skip


def _comment(maker: Maker, task: Task) -> Comment:
    return Comment(
        project=task.phase.iteration.project, subject_type=subject_type(task), subject_id=str(task.pk),
        author=maker.people[1], text="Looks right to me.", created_at=maker.now,
    )  # fmt: skip


def _exclusion(maker: Maker, task: Task) -> Exclusion:
    return Exclusion(
        task=task, reason="Not in this project.", requested_by=maker.people[1], requested_at=maker.now
    )


def _stack(maker: Maker, project: Project) -> list[StackPart]:
    return [
        StackPart(
            project=project, component=part.key, requirements="Runs here", tool="Gatebook",
            owner=maker.people[1], changed_by=maker.people[0], changed_at=maker.now,
        )
        for part in stack_catalogue().components.items[:5]
    ]  # fmt: skip


def _report(maker: Maker, project: Project) -> Report:
    return Report(
        project=project, as_of=maker.now, state="failed", error="Measured, not made.",
        requested_by=maker.people[0], requested_at=maker.now, finished_at=maker.now,
    )  # fmt: skip


def _data_sets(maker: Maker, project: Project) -> list[DataSet]:
    return [
        DataSet(project=project, name=f"Sales {number}", source="Warehouse", created_at=maker.now)
        for number in range(1, DATA_SETS + 1)
    ]


def saved_views(maker: Maker) -> None:
    """A few views for everybody."""
    bulk(
        SavedView(user=person, name=f"View {number}", page="/", query="late=1", created_at=maker.now)
        for person in maker.people for number in (1, 2, 3)
    )  # fmt: skip
