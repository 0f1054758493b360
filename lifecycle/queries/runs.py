"""Reads about runs that pages, API and reports share."""

from collections.abc import Iterable

from django.db.models import QuerySet

from lifecycle.models import Iteration, ModelVersion, Project, Run, RunRevision


def runs_of(project: Project, *, kind: str = "", iteration: Iteration | None = None) -> QuerySet[Run]:
    """The runs of a project, newest first; of one kind or iteration if given. 1 query for a whole list."""
    runs = Run.objects.filter(project=project).select_related(
        "project", "iteration", "task", "model_version", "started_by"
    )
    if kind:
        runs = runs.filter(kind=kind)
    return runs.filter(iteration=iteration) if iteration else runs


def latest_run(
    project: Project,
    kind: str,
    *,
    iteration: Iteration | None = None,
    model_version: ModelVersion | None = None,
) -> Run | None:
    """The run of this kind that finished last, of the iteration and about the model if given. 1 query."""
    finished = runs_of(project, kind=kind, iteration=iteration).filter(state=Run.State.FINISHED)
    if model_version is not None:
        finished = finished.filter(model_version=model_version)
    return finished.order_by("-finished_at", "-pk").first()


def monitoring_windows(project: Project, *, limit: int = 60) -> list[Run]:
    """The last finished monitoring runs, oldest of them first, as a chart over time wants them. 1 query."""
    finished = runs_of(project, kind=Run.Kind.MONITORING).filter(state=Run.State.FINISHED)
    return list(finished.order_by("-finished_at", "-pk")[:limit])[::-1]


def batches_behind(runs: Iterable[int]) -> set[int]:
    """The batches that brought these runs from outside, the last one and those kept before it. 1 query."""
    ids = list(runs)
    if not ids:
        return set()
    last = Run.objects.filter(pk__in=ids, batch__isnull=False).order_by().values_list("batch_id", flat=True)
    earlier = RunRevision.objects.filter(run__in=ids).order_by().values_list("batch_id", flat=True)
    return set(last.union(earlier))
