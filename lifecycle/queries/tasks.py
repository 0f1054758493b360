"""Tasks as lists and in detail."""

from dataclasses import dataclass

from django.db.models import Prefetch, QuerySet

from lifecycle.definitions import ProcessDocument, stored
from lifecycle.definitions import Task as TaskDefinition
from lifecycle.models import Evidence, Iteration, Phase, QualityAction, Risk, Run, Task, TaskDuty, User
from lifecycle.queries.projects import projects_visible_to

LIVE = (Evidence.State.ATTACHED, Evidence.State.VERIFIED)


@dataclass(frozen=True)
class TaskDetail:
    """All that the page of a task shows. `definition` is what the process says of it, None if nothing."""

    task: Task
    definition: TaskDefinition | None
    evidence: list[Evidence]
    risks: list[Risk]
    duties: list[TaskDuty]
    runs: list[Run]

    @property
    def kinds_present(self) -> list[str]:
        """The kinds of evidence that count already."""
        return sorted({each.snapshot.kind for each in self.evidence if each.state in LIVE})

    @property
    def kinds_missing(self) -> list[str]:
        """The kinds of evidence that the task still needs, in the order of the process."""
        return [kind for kind in self.task.evidence_kinds if kind not in self.kinds_present]

    @property
    def open_risks(self) -> list[Risk]:
        """Risks that are neither accepted nor closed."""
        done = (Risk.State.ACCEPTED, Risk.State.CLOSED)
        return [risk for risk in self.risks if risk.state not in done]


def tasks_visible_to(user: User) -> QuerySet[Task]:
    """The tasks of all projects that the user sees. 1 query, people and project included."""
    return _whole().filter(phase__iteration__project__in=projects_visible_to(user).values("pk"))


def tasks_of(where: Iteration | Phase) -> QuerySet[Task]:
    """The tasks of an iteration or a phase in the order of the process. 1 query, people and project
    included.
    """
    if isinstance(where, Phase):
        return _whole().filter(phase=where).order_by("order", "pk")
    return _whole().filter(phase__iteration=where).order_by("phase__order", "order", "pk")


def task_detail(task: Task) -> TaskDetail:
    """A task with evidence, risks, measures, duties and runs. 7 queries.

    The task is read anew, so that what a service has just changed is seen.
    """
    task = _whole().get(pk=task.pk)
    evidence = task.evidence.select_related("snapshot__run", "attached_by", "verified_by")
    actions = QualityAction.objects.select_related("performer", "evidence__snapshot")
    risks = task.risks.select_related("accepted_by").prefetch_related(Prefetch("actions", actions))
    runs = task.runs.select_related("project", "model_version", "started_by")
    return TaskDetail(
        task=task,
        definition=_definition(task),
        evidence=list(evidence),
        risks=list(risks.order_by("key", "pk")),
        duties=list(task.duties.select_related("user")),
        runs=list(runs),
    )


def evidence_visible_to(user: User) -> QuerySet[Evidence]:
    """The evidence of all projects that the user sees. 1 query, task, snapshot and people included."""
    projects = projects_visible_to(user).values("pk")
    return Evidence.objects.filter(task__phase__iteration__project__in=projects).select_related(
        "snapshot__run", "attached_by", "verified_by", "task__phase__iteration__project"
    )


def risks_visible_to(user: User) -> QuerySet[Risk]:
    """The risks of all projects that the user sees. 1 query, task, project and who accepted included."""
    projects = projects_visible_to(user).values("pk")
    found = Risk.objects.filter(task__phase__iteration__project__in=projects)
    return found.select_related("accepted_by", "task__phase__iteration__project")


def _whole() -> QuerySet[Task]:
    return Task.objects.select_related("owner", "accountable", "verified_by", "phase__iteration__project")


def _definition(task: Task) -> TaskDefinition | None:
    # The document is large: it is fetched for one task, never joined into a list.
    iteration = Iteration.objects.select_related("process_version").get(pk=task.phase.iteration_id)
    document: ProcessDocument = stored(iteration.process_version.document)
    return next((part for part in document.tasks if part.key == task.key), None)
