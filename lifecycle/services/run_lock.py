"""The lock under which runs are kept, with all that one statement can find out meanwhile."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import OuterRef, Subquery

from ledger.actors import Actor
from lifecycle.models import Membership, Project
from lifecycle.prepared import Prepared
from lifecycle.services.run_rows import ids_ahead, one_is_known
from lifecycle.services.steps import person


@dataclass(frozen=True)
class Here:
    """The project as it stands, its row locked, and what is known beforehand.

    `batch` and `runs` are ids for what will be written; `role` is the sender's; `knows` says that the single
    run of a batch is there. It was seen before the lock was had, so that a run which is not known may be
    there by now: its insert then fails.
    """

    project: Project
    batch: int
    runs: Sequence[int]
    role: str | None
    knows: bool


_LOCKED = Prepared(
    lambda pk, user, source, name, count: (
        Project.objects.select_for_update(of=("self",), no_key=True)
        .annotate(
            role=Subquery(
                Membership.objects.filter(project=OuterRef("pk"), user=user, left_at__isnull=True)
                .order_by()
                .values("role")[:1]
            ),
            knows=one_is_known(source, name),
            **ids_ahead(count),
        )
        .filter(pk=pk)
        .order_by()
    ),
    int, int, str, str, int,
)  # fmt: skip


def hold(project: Project, source: str, names: Sequence[str], actor: Actor) -> Here:
    """Lock the project for runs of these names. 1 query. Raises Project.DoesNotExist."""
    sender = person(actor)
    name = names[0] if len(names) == 1 else ""
    found: Any = _LOCKED.first(project.pk, sender.pk if sender else 0, source, name, len(names))
    if found is None:
        raise Project.DoesNotExist
    ids = found.next_runs
    runs = ids if isinstance(ids, list) else range(ids, ids + len(names))
    return Here(found, found.next_batch, runs, found.role, bool(found.knows))
