"""Who did what, read from the ledger, and so who may not sign."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _

from governance.actions import GovernanceAction
from governance.models import Gate
from ledger.models import Entry
from lifecycle.actions import LifecycleAction
from lifecycle.models import Membership, Run, Task, User
from lifecycle.queries.runs import batches_behind
from lifecycle.rules.identity import same_people

_ASSIGNS = (
    LifecycleAction.TASK_ASSIGNED,
    LifecycleAction.ITERATION_OPENED,
    LifecycleAction.PHASE_REOPENED,
)
_RUNS = (LifecycleAction.RUN_REQUESTED, LifecycleAction.RUN_FINISHED)
_BATCHES = (LifecycleAction.RUNS_RECORDED,)
_OWN = (LifecycleAction.EVIDENCE_ATTACHED, GovernanceAction.GATE_OPENED)


@dataclass(frozen=True)
class Bar:
    """One reason why a person may not sign, with the ledger entry that shows it."""

    text: str
    entry: int


def barred_from_signing(gate: Gate, members: Iterable[User] | None = None) -> dict[str, Bar]:
    """People who took part in what the gate decides on, by actor key, with the first reason found.

    Requester, owners of tasks, givers of evidence and starters of runs of the iteration; and whoever started
    or sent a run from elsewhere on which its evidence rests or which made its model. Computed from the
    ledger, so neither a changed record nor a role that somebody was given later can hide it. An entry whose
    payload was erased bars rather than frees. Whoever is barred is barred under every account of theirs.

    `members` are the project's, if the caller has them. 5 queries, 1 more for erased assignments.
    """
    words = [str(action) for action in (*_ASSIGNS, *_RUNS, *_BATCHES, *_OWN)]
    found = Entry.objects.filter(project=gate.iteration.project.slug, action__in=words)
    entries = list(found.select_related("payload").order_by("index"))
    number, runs = gate.iteration.number, _runs_behind(gate)
    runs |= {
        str(detail["run"])
        for entry in entries
        if entry.action == LifecycleAction.EVIDENCE_ATTACHED
        for detail in [_detail(entry)]
        if detail.get("iteration") == number and detail.get("run") is not None
    }
    batches = {str(pk) for pk in batches_behind(map(int, runs))}
    barred: dict[str, Bar] = {}
    for entry in entries:
        here = entry.payload.erased or _is_of(number, _detail(entry))
        elsewhere = (entry.action in _RUNS and entry.subject_id in runs) or (
            entry.action in _BATCHES and entry.subject_id in batches
        )
        if here or elsewhere:
            for key, text in _reasons(entry, gate):
                barred.setdefault(key, Bar(text, entry.index))
    return barred | _other_accounts(gate, barred, members)


def accounts_around(project_id: int, more: Iterable[int] = ()) -> list[User]:
    """The accounts that belong or belonged to the project, and these: people are told apart in them.

    1 query.
    """
    ever = Membership.objects.filter(project=project_id).values("user")
    return list(User.objects.filter(Q(pk__in=ever) | Q(pk__in=more)).order_by("pk"))


def _other_accounts(gate: Gate, barred: dict[str, Bar], members: Iterable[User] | None) -> dict[str, Bar]:
    """The bars of members who have taken part under another account of theirs."""
    taken_part = {int(key.removeprefix("user:")) for key in barred if key.startswith("user:")}
    people = list(members or ())
    if members is None or not taken_part <= {each.pk for each in people}:
        people = accounts_around(gate.iteration.project_id, taken_part)
    found: dict[str, Bar] = {}
    for accounts in same_people(people):
        bar = next((barred[each.actor_key] for each in accounts if each.actor_key in barred), None)
        if bar is not None:
            text = _("Took part under another account: %(why)s") % {"why": bar.text}
            found |= {
                each.actor_key: Bar(text, bar.entry) for each in accounts if each.actor_key not in barred
            }
    return found


def _runs_behind(gate: Gate) -> set[str]:
    """Ids of the runs that made or measured the gate's model, in whatever iteration."""
    if gate.model_version_id is None:
        return set()
    kinds = (Run.Kind.TRAINING, Run.Kind.EVALUATION)
    made = Run.objects.filter(model_version=gate.model_version_id, kind__in=kinds)
    return {str(pk) for pk in made.values_list("pk", flat=True)}


def _reasons(entry: Entry, gate: Gate) -> Iterator[tuple[str, str]]:
    if entry.action in _ASSIGNS:
        text = _("Owns a task of this iteration")
        owners = _owners_now(entry, gate) if entry.payload.erased else _owners(_detail(entry))
        yield from ((f"user:{pk}", text) for pk in owners)
    elif entry.action == LifecycleAction.EVIDENCE_ATTACHED:
        yield entry.actor, _("Gave evidence in this iteration")
    elif entry.action == GovernanceAction.GATE_OPENED:
        yield entry.actor, _("Asked for this decision")
    elif entry.actor.startswith("user:"):  # a worker ends most runs, and nobody else signs
        yield entry.actor, _("Started a run of this iteration")


def _is_of(number: int, detail: dict[str, Any]) -> bool:
    return detail.get("iteration") == number or number in (detail.get("iterations") or ())


def _detail(entry: Entry) -> dict[str, Any]:
    return entry.payload.content.get("detail") or {}


def _owners(detail: dict[str, Any]) -> list[int]:
    """Ids of the people whom an entry makes owner of a task, or accountable for it."""
    assigned = detail.get("assigned")
    places = [detail, *(assigned if isinstance(assigned, list) else [])]
    return [
        pk for place in places for pk in (place.get("owner"), place.get("accountable")) if isinstance(pk, int)
    ]


def _owners_now(entry: Entry, gate: Gate) -> Iterable[int]:
    """Whom the records name where an assignment's words were erased: of its task or the whole iteration."""
    told = Q(phase__iteration=gate.iteration_id)
    if entry.action == LifecycleAction.TASK_ASSIGNED:
        told &= Q(pk=int(entry.subject_id))
    tasks = Task.objects.filter(told).only("owner_id", "accountable_id")
    return [pk for task in tasks for pk in (task.owner_id, task.accountable_id) if pk is not None]
