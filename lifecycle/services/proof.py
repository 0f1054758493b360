"""What proves a task and who made the proof. Reads only."""

from collections.abc import Iterable

from lifecycle.models import Evidence, Task

LIVE = (Evidence.State.ATTACHED, Evidence.State.VERIFIED)
"""Evidence that counts."""


def is_proven(task: Task) -> bool:
    """Whether every kind of evidence that the task needs is attached. 1 query."""
    kinds = set(task.evidence.filter(state__in=LIVE).values_list("snapshot__kind", flat=True))
    return bool(kinds) and kinds.issuperset(task.evidence_kinds)


def performers(task: Task, evidence: Iterable[Evidence]) -> set[int]:
    """Ids of those whose work this is: the owner, who attached evidence, who started the runs behind it."""
    people = {task.owner_id, *(each.attached_by_id for each in evidence)}
    people |= {each.snapshot.run.started_by_id for each in evidence if each.snapshot.run}
    return {each for each in people if each is not None}
