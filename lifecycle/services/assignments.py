"""Many tasks assigned at once: chosen ones, or all of a role.

Each task that changes gets its own entry, in the words of a single assignment, so that the history of a task
and the separation of duties read one kind of entry. All are written together or not at all.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from ledger.services import Record, append_many
from lifecycle import events, rules
from lifecycle.actions import LifecycleAction
from lifecycle.errors import Invalid, Refused
from lifecycle.models import Iteration, Project, Task, TaskDuty, User
from lifecycle.services.steps import allow, ensure_open, locked

DONE = (Task.State.VERIFIED, Task.State.NOT_APPLICABLE)


@transaction.atomic
def assign_tasks(
    *,
    iteration: Iteration,
    tasks: Collection[int],
    actor: User,
    owner: User | None = None,
    accountable: User | None = None,
    consulted: Sequence[User] = (),
    informed: Sequence[User] = (),
    due_on: dt.date | None = None,
) -> list[Task]:
    """Set for many tasks (by id) who does them, answers for them, is asked and told; None and empty leave it.

    Returns the tasks that changed. Raises `Refused`: `wrong_state` naming tasks that are done, `not_member`,
    `no_change`; `Invalid` for a task of another iteration, for none chosen, and for nobody named.
    """
    iteration = _for_managing(iteration, actor)
    if not tasks:
        raise Invalid("missing", _("Choose at least one task."), "tasks")
    found = list(
        Task.objects.select_for_update(of=("self",))
        .filter(pk__in=set(tasks), phase__iteration=iteration)
        .select_related("phase")
        .order_by("pk")
    )
    if len(found) != len(set(tasks)):
        raise Invalid("unknown_task", _("A task of another iteration was chosen."), "tasks")
    done = [task.key for task in found if task.state in DONE]
    if done:
        raise Refused("wrong_state", _("Done already: %(tasks)s.") % {"tasks": ", ".join(done)})
    _check_people(iteration.project, (owner, accountable), (*consulted, *informed))
    if not (owner or accountable or consulted or informed or due_on):
        raise Invalid("missing", _("Say who, or until when."), "owner")

    duties = {each.pk: "C" for each in consulted} | {each.pk: "I" for each in informed}
    return _assign(iteration, found, actor, owner, accountable, due_on, duties)


@transaction.atomic
def assign_role(*, iteration: Iteration, role: str, owner: User, actor: User) -> list[Task]:
    """Give a person every task of a role that is not done. `Refused("no_tasks")` if there is none."""
    iteration = _for_managing(iteration, actor)
    found = list(
        Task.objects.select_for_update(of=("self",))
        .filter(phase__iteration=iteration, role=role)
        .exclude(state__in=DONE)
        .select_related("phase")
        .order_by("pk")
    )
    if not found:
        raise Refused("no_tasks", _("No open task of this iteration has the role %(role)s.") % {"role": role})
    _check_people(iteration.project, (owner,), ())

    return _assign(iteration, found, actor, owner, None, None, {}, role=role)


def assignment_entry(
    task: Task, actor: User, project: Project, number: int, before: dict[str, int | None], **more: Any
) -> Record:
    """The entry of a task whose people changed; `number` is the iteration's."""
    return Record(
        actor=actor,
        action=LifecycleAction.TASK_ASSIGNED,
        subject=task,
        project=project.slug,
        detail={
            "iteration": number, "task": task.pk, "key": task.key, "phase": task.phase.key,
            "owner": task.owner_id, "accountable": task.accountable_id,
            "due_on": task.due_on.isoformat() if task.due_on else None, "from": before, **more,
        },
    )  # fmt: skip


def _for_managing(iteration: Iteration, actor: User) -> Iteration:
    iteration = locked(iteration, "project")
    allow(rules.can_manage_project(actor, iteration.project), _("Only a manager assigns tasks."))
    ensure_open(iteration)
    return iteration


def _assign(
    iteration: Iteration,
    tasks: list[Task],
    actor: User,
    owner: User | None,
    accountable: User | None,
    due_on: dt.date | None,
    duties: dict[int, str],
    **more: Any,
) -> list[Task]:
    had = _duties_of(tasks)
    changed, records = list[Task](), list[Record]()
    shares: dict[tuple[int, str], list[int]] = defaultdict(list)
    for task in tasks:
        before = {"owner": task.owner_id, "accountable": task.accountable_id}
        was = (*before.values(), task.due_on)
        task.owner, task.accountable = owner or task.owner, accountable or task.accountable
        task.due_on = due_on or task.due_on
        fresh = {pk: duty for pk, duty in duties.items() if had.get((task.pk, pk)) != duty}
        if fresh or was != (task.owner_id, task.accountable_id, task.due_on):
            changed.append(task)
            _share(shares, task, before, fresh)
            words = {**more, "duties": {str(pk): duty for pk, duty in fresh.items()}} if fresh else more
            records.append(
                assignment_entry(task, actor, iteration.project, iteration.number, before, **words)
            )
    if not changed:
        raise Refused("no_change", _("All of this is so already."))
    Task.objects.bulk_update(changed, ["owner", "accountable", "due_on"])
    TaskDuty.objects.bulk_create(
        (TaskDuty(task=task, user_id=pk, duty=duty) for task in changed for pk, duty in duties.items()),
        update_conflicts=True,
        unique_fields=["task", "user"],
        update_fields=["duty"],
    )
    entries = append_many(records)
    tell_shares(iteration.project, actor, entries[0].index, shares)
    return changed


def tell_shares(
    project: Project, actor: User, entry: int, shares: Mapping[tuple[int, str], Sequence[int]]
) -> None:
    """Let everybody hear what they came to in one step; `shares` are ids by person and duty."""
    told = tuple((person, duty, tuple(ids)) for (person, duty), ids in sorted(shares.items()))
    if told:
        event = events.TasksAssigned(project.pk, actor.pk, entry, told)
        events.tasks_assigned.send(sender=Task, event=event)


def _share(
    shares: dict[tuple[int, str], list[int]], task: Task, before: dict[str, int | None], fresh: dict[int, str]
) -> None:
    if task.owner_id is not None and task.owner_id != before["owner"]:
        shares[task.owner_id, "R"].append(task.pk)
    if task.accountable_id is not None and task.accountable_id != before["accountable"]:
        shares[task.accountable_id, "A"].append(task.pk)
    for person, duty in fresh.items():
        shares[person, duty].append(task.pk)


def _duties_of(tasks: list[Task]) -> dict[tuple[int, int], str]:
    rows = TaskDuty.objects.filter(task__in=tasks).order_by()
    return {(task, user): duty for task, user, duty in rows.values_list("task_id", "user_id", "duty")}


def _check_people(project: Project, workers: Sequence[User | None], others: Sequence[User]) -> None:
    for user in filter(None, workers):
        if not rules.can_take_part(user, project):
            raise Refused("not_member", _("%(name)s can not take tasks in this project.") % {"name": user})
    for user in others:
        if rules.role_in(user, project) is None:
            raise Refused("not_member", _("%(name)s does not belong to this project.") % {"name": user})
