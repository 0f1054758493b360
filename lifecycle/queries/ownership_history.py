"""Who owned what when, read from the ledger, which a later change of the records can not alter."""

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q, QuerySet

from ledger.models import Entry, subject_type
from lifecycle.actions import LifecycleAction
from lifecycle.models import Project, Task, User

_A = LifecycleAction
_OF_TASKS = (_A.TASK_ASSIGNED, _A.ITERATION_OPENED, _A.PHASE_REOPENED, _A.TASK_DUTY_SET)
ACTIONS = (
    *_OF_TASKS, _A.HANDOFF_ASSIGNED, _A.MEMBER_ADDED, _A.MEMBER_CHANGED, _A.MEMBER_REMOVED,
    _A.WORK_TRANSFERRED,
)  # fmt: skip
PAGE = 50


@dataclass(frozen=True)
class Shift:
    """One change of one duty: what of, which duty, from whom to whom, by whom and when.

    `duty` is R, A, C, I, giver, taker or member; `before` and `after` are names, empty for nobody. `how` is
    opened, assigned, reopened, transferred, joined, changed or left.
    """

    entry: int
    at: dt.datetime
    what: str
    duty: str
    before: str
    after: str
    by: str
    how: str
    iteration: int | None = None
    task_id: int | None = None
    handoff_id: int | None = None
    reason: str = ""


@dataclass(frozen=True)
class Timeline:
    """A page of shifts, the last first; `older` is the cursor of the next page, empty at the end."""

    shifts: list[Shift] = field(default_factory=list)
    older: str = ""
    erased: int = 0


def ownership_history(project: Project, *, before: int | None = None, page: int = PAGE) -> Timeline:
    """The last changes of who holds what in a project, `page` ledger entries at a time. 2 queries."""
    words = [str(action) for action in ACTIONS]
    found = Entry.objects.filter(project=project.slug, action__in=words)
    if before is not None:
        found = found.filter(index__lt=before)
    entries = list(found.select_related("payload").order_by("-index")[: page + 1])
    shown = entries[:page]
    return Timeline(
        shifts=_shifts(shown),
        older=str(shown[-1].index) if len(entries) > page else "",
        erased=sum(entry.payload.erased for entry in shown),
    )


def ownership_of_task(task: Task) -> list[Shift]:
    """Who did a task and answered for it, the last change first. 2 queries beside the task's iteration."""
    return [shift for shift in _shifts(_entries_of(task)) if shift.task_id == task.pk]


def _entries_of(task: Task) -> QuerySet[Entry]:
    """The entries that name the task: its own, and those that made the tasks of its phase or iteration."""
    own = Q(subject_type=subject_type(task), subject_id=str(task.pk))
    phase = Q(subject_type="lifecycle.phase", subject_id=str(task.phase_id))
    trip = Q(subject_type="lifecycle.iteration", subject_id=str(task.phase.iteration_id))
    words = [str(action) for action in _OF_TASKS]
    found = Entry.objects.filter(own | phase | trip, action__in=words)
    return found.select_related("payload").order_by("-index")


def _shifts(entries: Iterable[Entry]) -> list[Shift]:
    rows = [(entry, *raw) for entry in entries if not entry.payload.erased for raw in _raw(entry)]
    ids = {pk for row in rows for pk in (row[2], row[3]) if pk is not None}
    names = {user.pk: str(user) for user in User.objects.filter(pk__in=ids)}
    return [_shift(entry, duty, names.get(before or 0), names.get(after or 0), more)
            for entry, duty, before, after, more in rows]  # fmt: skip


def _raw(entry: Entry) -> Iterator[tuple[str, int | None, int | None, dict[str, Any]]]:
    """Duty, id before, id after and the rest of each change that an entry tells."""
    detail = _detail(entry)
    if entry.action in (_A.ITERATION_OPENED, _A.PHASE_REOPENED):
        for each in detail.get("assigned") or []:
            more = {"task": each.get("task"), "what": each.get("key", "")}
            yield from _pairs({}, each, more, R="owner", A="accountable")
    elif entry.action == _A.TASK_ASSIGNED:
        more = {"task": detail.get("task"), "what": detail.get("key", "")}
        yield from _pairs(detail.get("from") or {}, detail, more, R="owner", A="accountable")
        for pk, duty in (detail.get("duties") or {}).items():
            yield duty, None, int(pk), more
    elif entry.action == _A.TASK_DUTY_SET:
        more = {"task": detail.get("task"), "what": detail.get("key", "")}
        duty, user = detail.get("duty"), detail.get("user")
        yield (duty, None, user, more) if duty else ("C/I", user, None, more)
    elif entry.action == _A.HANDOFF_ASSIGNED:
        more = {"handoff": detail.get("handoff"), "what": detail.get("key", "")}
        yield from _pairs(detail.get("from") or {}, detail, more, giver="giver", taker="taker")
    elif entry.action != _A.WORK_TRANSFERRED:
        yield from _membership(entry, detail)


def _pairs(
    before: dict[str, Any], after: dict[str, Any], more: dict[str, Any], **duties: str
) -> Iterator[tuple[str, int | None, int | None, dict[str, Any]]]:
    for duty, key in duties.items():
        if before.get(key) != after.get(key):
            yield duty, before.get(key), after.get(key), more


def _membership(
    entry: Entry, detail: dict[str, Any]
) -> Iterator[tuple[str, int | None, int | None, dict[str, Any]]]:
    role = detail.get("role") or (detail.get("to") or {}).get("role", "")
    more, user = {"what": role}, detail.get("user")
    gone = entry.action == _A.MEMBER_REMOVED
    yield "member", user if gone else None, None if gone else user, more


_HOW = {
    _A.ITERATION_OPENED: "opened", _A.PHASE_REOPENED: "reopened", _A.MEMBER_ADDED: "joined",
    _A.MEMBER_CHANGED: "changed", _A.MEMBER_REMOVED: "left",
}  # fmt: skip


def _shift(entry: Entry, duty: str, before: str | None, after: str | None, more: dict[str, Any]) -> Shift:
    detail = _detail(entry)
    how = _HOW.get(LifecycleAction(entry.action), "assigned")
    return Shift(
        entry=entry.index,
        at=entry.recorded_at,
        what=str(more.get("what", "")),
        duty=duty,
        before=before or "",
        after=after or "",
        by=str(entry.payload.content.get("actor", entry.actor)),
        how="transferred" if detail.get("transferred_from") else how,
        iteration=detail.get("iteration"),
        task_id=more.get("task"),
        handoff_id=more.get("handoff"),
    )


def _detail(entry: Entry) -> dict[str, Any]:
    return entry.payload.content.get("detail") or {}
