"""The rows of a few projects at once, written by `bulk_create`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from itertools import cycle, islice
from typing import Any

from django.utils import timezone

from bench import large_gates, large_parts
from bench.large import days, digest
from bench.large_rows import bulk
from ledger.services import Record, append_many
from lifecycle.actions import LifecycleAction as Action
from lifecycle.definitions import ProcessDocument, plain
from lifecycle.definitions import digest as digest_of
from lifecycle.definitions.builtin import catalogue
from lifecycle.models import (
    AcceptanceCriterion,
    Deliverable,
    Evidence,
    Firing,
    Handoff,
    Iteration,
    Membership,
    ModelVersion,
    Phase,
    Process,
    ProcessVersion,
    Project,
    Risk,
    Run,
    Snapshot,
    Task,
    Trigger,
    User,
)

PEOPLE = 60
TEAM = 7
PHASE_STATES = ("passed", "passed", "passed", "in_progress", "not_started", "not_started")
TASK_STATES = ("instantiated", "risks_identified", "mitigating", "risks_accepted")
HANDOFF_STATES = ("accepted", "offered", "planned", "returned")
RUN_KINDS = ("DVR", "TRN", "EVR", "TRN", "EVR", "MON")


class Maker:
    """Knows the people and the process that all projects share."""

    def __init__(self, tasks: int, handoffs: int) -> None:
        self.now = timezone.now()
        self.document: ProcessDocument = catalogue()
        self.tasks, self.handoffs = tasks, handoffs
        self.people = self._people()
        self.version = self._version()
        self.offset = Project.objects.count()
        large_parts.saved_views(self)

    def _people(self) -> list[User]:
        name = f"bench-{digest(str(self.now))[:6]}"
        people = bulk(
            User(
                username=f"{name}-{n}", name=f"Person {n:02d}", email=f"{name}-{n}@example.org", password="!"
            )
            for n in range(PEOPLE)
        )
        people[0].org_role, people[-1].org_role = User.OrgRole.ADMINISTRATOR, User.OrgRole.AUDITOR
        User.objects.bulk_update(people, ["org_role"])
        return people

    def _version(self) -> ProcessVersion:
        process, _ = Process.objects.get_or_create(
            key=self.document.key, defaults={"name": self.document.name}
        )
        name = digest_of(self.document)
        found = process.versions.filter(digest=name, state="published").first()
        return found or ProcessVersion.objects.create(
            process=process, number=process.versions.count() + 1, document=plain(self.document), digest=name,
            state="published", created_by=self.people[0], created_at=self.now, published_at=self.now,
        )  # fmt: skip

    def team(self, project: Project) -> list[User]:
        """Who works on a project: its manager, five contributors, a reviewer."""
        start = (project.pk * 3) % PEOPLE
        others = self.people[1:-1]  # the first leads all projects, the last looks into all from outside
        return list(islice(cycle(others), start, start + TEAM))

    def make(self, numbers: range) -> None:
        """Write the projects of these numbers and all that belongs to them, the ledger last."""
        projects = bulk(self._project(number + self.offset) for number in numbers)
        bulk(each for project in projects for each in self._members(project))
        iterations = bulk(self._iteration(project) for project in projects)
        phases = bulk(each for iteration in iterations for each in self._phases(iteration))
        tasks = bulk(each for iteration in iterations for each in self._tasks(iteration, phases))
        handoffs = bulk(each for iteration in iterations for each in self._handoffs(iteration))
        models = bulk(self._model(project) for project in projects)
        runs = bulk(each for pair in zip(iterations, models, strict=True) for each in self._runs(*pair))
        self._small_parts(projects, tasks, handoffs, runs)
        large_parts.make(self, projects, tasks, runs)
        records = [*self._records(projects, iterations, tasks, handoffs, runs)]
        records += large_gates.make(self, iterations, phases, models)
        append_many(records)

    # --- One project ---

    def _project(self, number: int) -> Project:
        return Project(
            slug=f"bench-{number:05d}", name=f"Project {number:05d}", purpose="Measured, not used.",
            process_version=self.version, created_by=self.people[0], created_at=days(self.now, -200),
        )  # fmt: skip

    def _members(self, project: Project) -> list[Membership]:
        team, lead = self.team(project), self.people[0]
        roles = dict.fromkeys(team[1:], "contributor") | {team[-1]: "reviewer", team[0]: "manager"}
        codes = [role.code for role in self.document.roles]
        return [
            Membership(
                project=project, user=user, role=role, crisp_roles=codes[at : at + 1], joined_at=self.now
            )
            for at, (user, role) in enumerate((roles | {lead: "manager"}).items())
        ]

    def _iteration(self, project: Project) -> Iteration:
        return Iteration(
            project=project, number=1, title="First iteration", reason="The project begins.",
            process_version=self.version, opened_by=self.people[0], opened_at=days(self.now, -190),
        )  # fmt: skip

    def _phases(self, iteration: Iteration) -> list[Phase]:
        return [
            Phase(
                iteration=iteration, key=part.key, name=part.name, order=order,
                state=PHASE_STATES[order - 1] if order <= len(PHASE_STATES) else "not_started",
                started_at=days(self.now, -190 + 20 * order),
            )
            for order, part in enumerate(self.document.phases, 1)
        ]  # fmt: skip

    def _tasks(self, iteration: Iteration, phases: Sequence[Phase]) -> list[Task]:
        team = self.team(iteration.project)
        own = {phase.key: phase for phase in phases if phase.iteration_id == iteration.pk}
        parts = list(islice(cycle(self.document.tasks), self.tasks))
        return [
            Task(
                phase=own[part.phase], key=part.key if at < len(self.document.tasks) else f"X{at}",
                name=part.name, summary=part.summary, order=at + 1, stage=part.stage or "", role=part.owner,
                mandatory=not part.optional, owner=team[1 + at % (TEAM - 2)], accountable=self.people[0],
                evidence_kinds=sorted({each.kind.value for each in part.proof.evidence}),
                due_on=(self.now + dt.timedelta(days=at - 40)).date(),
                **self._task_state(own[part.phase], at, team[-1]),
            )
            for at, part in enumerate(parts)
        ]  # fmt: skip

    def _task_state(self, phase: Phase, at: int, reviewer: User) -> dict[str, Any]:
        if phase.state == "passed":
            return {"state": "verified", "verified_by": reviewer, "verified_at": days(self.now, -10)}
        if phase.state == "in_progress":
            return {"state": TASK_STATES[at % len(TASK_STATES)], "started_at": days(self.now, -5)}
        return {"state": "planned"}

    def _handoffs(self, iteration: Iteration) -> list[Handoff]:
        team = self.team(iteration.project)
        made = []
        for at, part in enumerate(islice(cycle(self.document.handoffs), self.handoffs)):
            state = HANDOFF_STATES[at % len(HANDOFF_STATES)]
            offered = days(self.now, -3) if state != "planned" else None
            made.append(
                Handoff(
                    iteration=iteration, key=part.key, title=part.name, phase_key=part.phase,
                    giver_roles=list(part.givers), taker_roles=list(part.takers),
                    giver=team[1 + at % 4], taker=team[1 + (at + 1) % 4], state=state, offered_at=offered,
                    decided_at=offered if state in ("accepted", "returned") else None,
                    reason="Not complete." if state == "returned" else "", rounds=int(state != "planned"),
                    due_on=(self.now + dt.timedelta(days=at - 15)).date(),
                )
            )  # fmt: skip
        return made

    def _model(self, project: Project) -> ModelVersion:
        name = digest(f"model of {project.slug}")
        return ModelVersion(
            project=project, number=1, digest=name, path=f"models/{name}.skops", size=250_000,
            created_at=days(self.now, -60),
        )  # fmt: skip

    def _runs(self, iteration: Iteration, model: ModelVersion) -> list[Run]:
        record = {"metrics": {"rmse": 12.5, "mae": 8.1, "r2": 0.81}, "main_metric": "rmse", "verdict": "ok"}
        return [
            Run(
                project=iteration.project, iteration=iteration, kind=kind, title=f"Run {at}",
                state="finished", spec={"seed": at}, record=record, progress=1.0,
                started_by=self.team(iteration.project)[1],
                model_version=model if kind in ("EVR", "MON") else None, created_at=days(self.now, at - 30),
                started_at=days(self.now, at - 30), finished_at=days(self.now, at - 30),
            )
            for at, kind in enumerate(RUN_KINDS)
        ]  # fmt: skip

    def _small_parts(
        self, projects: list[Project], tasks: list[Task], handoffs: list[Handoff], runs: list[Run]
    ) -> None:
        bulk(
            each
            for handoff in handoffs
            for each in (Deliverable(handoff=handoff, order=n, name=f"Part {n}", reference="https://example.org")
                         for n in (1, 2))
        )  # fmt: skip
        bulk(AcceptanceCriterion(handoff=handoff, order=1, text="Complete") for handoff in handoffs)
        bulk(
            Risk(task=task, key=f"R{task.order}", text="Something breaks", category="technical", severity=4,
                 occurrence=3, score=12, state="assessed")
            for task in tasks[::3]
        )  # fmt: skip
        self._evidence(tasks, runs)
        triggers = bulk(
            Trigger(project=project, key=f"T{n}", name="Drift", kind="drift", condition="event.psi > 0.25",
                    mode="ask", action="open_iteration", target_phase="P2")
            for project in projects for n in (1, 2)
        )  # fmt: skip
        bulk(
            Firing(
                trigger=trigger, event_key="1", observed={"psi": 0.3}, summary="PSI 0.3", fired_at=self.now
            )
            for trigger in triggers[::2]
        )

    def _evidence(self, tasks: list[Task], runs: list[Run]) -> None:
        snapshots = bulk(
            Snapshot(
                project=run.project, kind=run.kind, title=run.title, content=f'{{"run":{run.pk}}}', run=run,
                digest=digest(f"snapshot {run.pk}"), created_at=self.now,
            )
            for run in runs
        )  # fmt: skip
        done = [task for task in tasks if task.state == "verified"]
        by_project: dict[int, list[Snapshot]] = {}
        for each in snapshots:
            by_project.setdefault(each.project_id, []).append(each)
        bulk(
            Evidence(
                task=task, snapshot=own[at % len(own)], state="verified", attached_by=task.owner,
                attached_at=self.now, verified_by=task.verified_by, verified_at=self.now,
            )
            for at, task in enumerate(done)
            if (own := by_project[task.phase.iteration.project_id])
        )  # fmt: skip

    def _records(
        self, projects: list[Project], iterations: list[Iteration], tasks: list[Task],
        handoffs: list[Handoff], runs: list[Run],
    ) -> Iterable[Record]:  # fmt: skip
        lead = self.people[0]
        for project in projects:
            yield Record(
                lead, Action.PROJECT_CREATED, project, project.slug, {"process": self.version.digest}
            )
        for iteration in iterations:
            detail = {"iteration": 1, "reason": iteration.reason}
            yield Record(lead, Action.ITERATION_OPENED, iteration, iteration.project.slug, detail)
        for task in tasks:
            detail = {"iteration": 1, "from": "planned", "to": "instantiated", "owner": task.owner_id}
            slug = task.phase.iteration.project.slug
            yield Record(task.owner or lead, Action.TASK_STARTED, task, slug, detail)
        for handoff in handoffs:
            detail = {"iteration": 1, "from": "planned", "to": "offered", "round": 1}
            yield Record(
                handoff.giver or lead, Action.HANDOFF_OFFERED, handoff, handoff.iteration.project.slug, detail
            )
        for run in runs:
            yield Record(lead, Action.RUN_FINISHED, run, run.project.slug, {"iteration": 1, "kind": run.kind})
