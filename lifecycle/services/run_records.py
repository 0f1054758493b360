"""What asking for runs and ending them have in common."""

from django.utils.translation import gettext as _

from ledger.actors import Actor
from lifecycle.actions import LifecycleAction
from lifecycle.errors import Invalid
from lifecycle.models import Iteration, ModelVersion, Project, Run, Task
from lifecycle.services.steps import ensure_active, ensure_open, ensure_same_project, record


def check_place(
    project: Project, iteration: Iteration | None, task: Task | None, model_version: ModelVersion | None
) -> None:
    """Refuse a run in a closed project or iteration, or with parts of another project or iteration."""
    ensure_active(project)
    if model_version is not None:
        ensure_same_project(project, model_version.project_id, "model_version")
    if iteration is not None:
        ensure_same_project(project, iteration.project_id, "iteration")
        ensure_open(iteration)
    if task is not None and (iteration is None or task.phase.iteration_id != iteration.pk):
        raise Invalid("other_iteration", _("The task belongs to another iteration."), "task")


def enter(run: Run, action: LifecycleAction, actor: Actor, **detail: object) -> None:
    """Append the entry of a service call about a run."""
    record(
        action, run, actor=actor, project=run.project, iteration=run.iteration,
        kind=run.kind, title=run.title, **detail,
    )  # fmt: skip
