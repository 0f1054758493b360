"""Where runs from outside belong: iteration and task, looked up for a whole batch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from lifecycle.errors import Flaw, InvalidItems
from lifecycle.intake.outside_run import OutsideRun
from lifecycle.models import Iteration, Project, Run, Task


@dataclass(frozen=True)
class Place:
    """An iteration and a task, or nothing said. `number` is the iteration's, also where it was before."""

    iteration: Iteration | None
    task: Task | None
    number: int | None

    def moves(self, run: Run) -> bool:
        """Whether this is another place than the run's own."""
        if self.iteration is None:
            return False
        here = (run.iteration_id, run.task_id)
        return here != (self.iteration.pk, self.task.pk if self.task else run.task_id)

    def put(self, run: Run) -> None:
        """Put the run there; its place stays if nothing was said."""
        if self.iteration is None:
            return
        if run.iteration_id != self.iteration.pk:
            run.task = None
        run.iteration = self.iteration
        if self.task is not None:
            run.task = self.task


def places_of(project: Project, runs: Sequence[OutsideRun], known: Mapping[str, Run]) -> list[Place]:
    """The place of each run. Raises `InvalidItems`. At most 2 queries.

    Only an open iteration takes runs; a run that is in it already may stay when it is over.
    """
    if not known and all(each.iteration is None and each.task is None for each in runs):
        return [Place(None, None, None)] * len(runs)
    iterations = list(Iteration.objects.filter(project=project))
    by_number = {each.number: each for each in iterations}
    by_id = {each.pk: each for each in iterations}
    still_open = next((each for each in iterations if each.state == Iteration.State.OPEN), None)
    tasks = _tasks(project, runs)
    places, flaws = [], []
    for at, run in enumerate(runs):
        before = known.get(run.external_id)
        there = by_id.get(before.iteration_id) if before and before.iteration_id else None
        found = _place(run, by_number, still_open, there, tasks, f"/runs/{at}")
        if isinstance(found, Flaw):
            flaws.append(found)
        else:
            places.append(found)
    if flaws:
        raise InvalidItems(flaws)
    return places


def _tasks(project: Project, runs: Sequence[OutsideRun]) -> dict[tuple[int, str], Task]:
    keys = {each.task for each in runs if each.task}
    if not keys:
        return {}
    found = Task.objects.filter(phase__iteration__project=project, key__in=keys).select_related("phase")
    return {(each.phase.iteration_id, each.key): each for each in found}


def _place(
    run: OutsideRun,
    by_number: Mapping[int, Iteration],
    still_open: Iteration | None,
    there: Iteration | None,
    tasks: Mapping[tuple[int, str], Task],
    where: str,
) -> Place | Flaw:
    if run.iteration is None and run.task is None:
        return Place(None, None, there.number if there else None)
    iteration = by_number.get(run.iteration) if run.iteration is not None else (there or still_open)
    if iteration is None:
        text = _("The project has no iteration %(number)s.") % {"number": run.iteration or _("that is open")}
        return Flaw(f"{where}/iteration", "unknown_iteration", text)
    if iteration.state != Iteration.State.OPEN and iteration != there:
        text = _("Iteration %(number)d is over and takes no more runs.") % {"number": iteration.number}
        return Flaw(f"{where}/iteration", "iteration_closed", text)
    task = tasks.get((iteration.pk, run.task)) if run.task else None
    if run.task and task is None:
        text = _("The iteration has no task “%(key)s”.") % {"key": run.task}
        return Flaw(f"{where}/task", "unknown_task", text)
    return Place(iteration, task, iteration.number)
