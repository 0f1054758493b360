"""Who did what, read from the ledger, and so who may not sign."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from governance.actions import GovernanceAction
from governance.models import Gate
from ledger.models import Entry
from lifecycle.actions import LifecycleAction

_OWN_WORK = {
    LifecycleAction.RUN_REQUESTED: "run",
    LifecycleAction.EVIDENCE_ATTACHED: "evidence",
    GovernanceAction.GATE_OPENED: "request",
}


@dataclass(frozen=True)
class Bar:
    """One reason why a person may not sign, with the ledger entry that shows it."""

    text: str
    entry: int


def barred_from_signing(gate: Gate) -> dict[str, Bar]:
    """People who took part in what the gate decides on, by actor key, with the first reason found.

    Requester, owners of tasks, starters of runs and givers of evidence of the iteration. Computed from the
    ledger, so neither a changed record nor a role that somebody was given later can hide it. 1 query.
    """
    actions = [*_OWN_WORK, LifecycleAction.TASK_ASSIGNED, LifecycleAction.ITERATION_OPENED]
    entries = (
        Entry.objects.filter(project=gate.iteration.project.slug, action__in=[str(a) for a in actions])
        .select_related("payload")
        .order_by("index")
    )
    barred: dict[str, Bar] = {}
    for entry in entries.iterator(chunk_size=500):
        detail = entry.payload.content.get("detail") or {}
        if entry.payload.erased or detail.get("iteration") == gate.iteration.number:
            for key, text in _reasons(entry, detail):
                barred.setdefault(key, Bar(text, entry.index))
    return barred


def _reasons(entry: Entry, detail: dict[str, object]) -> list[tuple[str, str]]:
    if entry.action in (LifecycleAction.TASK_ASSIGNED, LifecycleAction.ITERATION_OPENED):
        return [(f"user:{pk}", _("Owns a task of this iteration")) for pk in _owners(detail)]
    texts = {
        "run": _("Started a run of this iteration"),
        "evidence": _("Gave evidence in this iteration"),
        "request": _("Asked for this decision"),
    }
    return [(entry.actor, texts[_OWN_WORK[entry.action]])]  # type: ignore[index]  # values of the enum


def _owners(detail: dict[str, object]) -> list[int]:
    """Ids of the people whom an entry makes owner of a task, or accountable for it."""
    assigned = detail.get("assigned")
    places = [detail, *(assigned if isinstance(assigned, list) else [])]
    return [
        pk for place in places for pk in (place.get("owner"), place.get("accountable")) if isinstance(pk, int)
    ]
