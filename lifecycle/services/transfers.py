"""All open work of a leaver passed on in one step, so that their account can be closed.

Every task, handoff and membership that changes has its own entry, in the words that a single change has, with
the leaver's id: who owned what before stays in the ledger, and separation of duties counts both people.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from ledger.services import Record, append_many
from lifecycle import rules
from lifecycle.actions import LifecycleAction
from lifecycle.errors import Invalid, Refused
from lifecycle.models import (
    AcceptanceCriterion,
    Handoff,
    Membership,
    Project,
    QualityAction,
    Task,
    User,
)
from lifecycle.queries.open_work import OpenWork, open_work_of, project_of
from lifecycle.services.assignments import assignment_entry, tell_shares
from lifecycle.services.steps import allow, change, locked
from lifecycle.services.texts import prose
from lifecycle.services.users import close_person


@dataclass
class _Plan:
    """Who takes what: the taker of a role where there is one, else the taker of everything."""

    leaver: User
    actor: User
    taker: User | None
    by_role: Mapping[str, User]
    used: dict[int, dict[int, User]] = field(default_factory=dict)
    records: list[Record] = field(default_factory=list)
    moved: dict[int, dict[str, Any]] = field(default_factory=dict)
    shares: dict[int, dict[tuple[int, str], list[int]]] = field(default_factory=dict)

    def taker_of(self, what: str, project: Project, *roles: str) -> User:
        found = next((self.by_role[role] for role in roles if role in self.by_role), self.taker)
        if found is None:
            raise Refused("no_taker", _("Nobody is named who takes %(what)s.") % {"what": what})
        self.used.setdefault(project.pk, {})[found.pk] = found
        return found

    def note(self, project: Project, kind: str, count: int = 1) -> None:
        counts = self.moved.setdefault(project.pk, {})
        counts[kind] = counts.get(kind, 0) + count

    def share(self, project: Project, person: User, duty: str, pk: int) -> None:
        """Note that the person comes to it, so that they hear of it."""
        self.shares.setdefault(project.pk, {}).setdefault((person.pk, duty), []).append(pk)


@transaction.atomic
def transfer_work(
    *,
    leaver: User,
    actor: User,
    reason: str,
    taker: User | None = None,
    taker_by_role: Mapping[str, User] | None = None,
    project: Project | None = None,
) -> OpenWork:
    """Give all open tasks, handoffs and measures of a person to others; administrators may, and managers in
    their own `project`.

    A taker who is no member joins: with the leaver's role, but as a manager only where the leaver was the
    last one, in which case `taker` becomes it. An offer that gets another taker loses its ticks, since
    nobody accepts on another's checks. Returns what was passed on.
    Raises `Refused` (`no_work`, `no_taker`, `not_member`, `same_person`, `last_manager`).
    """
    leaver = locked(leaver)
    allowed = rules.can_manage_people(actor) or (
        project is not None and rules.can_manage_project(actor, project)
    )
    allow(allowed, _("Only administrators, and managers in their project, transfer work."))
    reason = prose(reason, "reason")
    plan = _Plan(leaver, actor, taker, dict(taker_by_role or {}))
    _check_takers(plan)
    work = open_work_of(leaver, project, lock=True)
    if not work.held:
        raise Refused("no_work", _("%(name)s holds no open work.") % {"name": leaver})

    _pass_tasks(plan, work)
    _pass_handoffs(plan, work)
    _pass_measures(plan, work)
    _let_in(plan, work)
    for each in work.projects:
        detail = {"user": leaver.pk, "reason": reason, **plan.moved.get(each.pk, {})}
        plan.records.append(_entry(LifecycleAction.WORK_TRANSFERRED, leaver, plan, each, detail))
    entries = append_many(plan.records)
    for each in work.projects:
        tell_shares(each, actor, entries[0].index, plan.shares.get(each.pk, {}))
    return work


@transaction.atomic
def transfer_and_close(
    *,
    leaver: User,
    actor: User,
    reason: str,
    taker: User | None = None,
    taker_by_role: Mapping[str, User] | None = None,
) -> User:
    """Pass all open work on and close the account, both or neither. Administrators may."""
    allow(rules.can_manage_people(actor), _("Only administrators close accounts."))
    if open_work_of(leaver).held:
        transfer_work(leaver=leaver, actor=actor, reason=reason, taker=taker, taker_by_role=taker_by_role)
    return close_person(person=leaver, actor=actor, reason=reason)


def _check_takers(plan: _Plan) -> None:
    for where, user in (("taker", plan.taker), *((f"taker_by_role/{k}", v) for k, v in plan.by_role.items())):
        if user is None:
            continue
        if user.pk == plan.leaver.pk:
            raise Invalid("same_person", _("The work has to go to somebody else."), where)
        if not rules.can_change(user):
            raise Refused("not_member", _("%(name)s can not take work.") % {"name": user})


def _pass_tasks(plan: _Plan, work: OpenWork) -> None:
    for task in work.tasks:
        project, iteration = project_of(task), task.phase.iteration
        before = {"owner": task.owner_id, "accountable": task.accountable_id}
        if task.owner_id == plan.leaver.pk:
            task.owner = plan.taker_of(str(task), project, task.role)
            plan.note(project, "tasks")
            plan.share(project, task.owner, "R", task.pk)
        if task.accountable_id == plan.leaver.pk:
            # Who answers for a task is no matter of its role: the taker of everything comes first.
            task.accountable = plan.taker_of(str(task), project, *(() if plan.taker else (task.role,)))
            plan.note(project, "accountable")
            plan.share(project, task.accountable, "A", task.pk)
        plan.records.append(
            assignment_entry(
                task, plan.actor, project, iteration.number, before, transferred_from=plan.leaver.pk
            )
        )
    Task.objects.bulk_update(work.tasks, ["owner", "accountable"])


def _pass_handoffs(plan: _Plan, work: OpenWork) -> None:
    unticked = list[int]()
    for handoff in work.handoffs:
        project = handoff.iteration.project
        before = {"giver": handoff.giver_id, "taker": handoff.taker_id}
        if handoff.giver_id == plan.leaver.pk:
            handoff.giver = plan.taker_of(str(handoff), project, *handoff.giver_roles)
            plan.share(project, handoff.giver, "H", handoff.pk)
        if handoff.taker_id == plan.leaver.pk:
            handoff.taker = plan.taker_of(str(handoff), project, *handoff.taker_roles)
            plan.share(project, handoff.taker, "H", handoff.pk)
            unticked.append(handoff.pk)
        if handoff.giver_id == handoff.taker_id:
            text = _("%(name)s would give %(handoff)s and take it: name another taker for a role.")
            raise Refused("same_person", text % {"name": handoff.giver, "handoff": handoff})
        plan.note(project, "handoffs")
        plan.records.append(_handoff_entry(plan, handoff, before))
    Handoff.objects.bulk_update(work.handoffs, ["giver", "taker"])
    AcceptanceCriterion.objects.filter(handoff__in=unticked).update(ticked_at=None)


def _handoff_entry(plan: _Plan, handoff: Handoff, before: dict[str, int | None]) -> Record:
    return _entry(
        LifecycleAction.HANDOFF_ASSIGNED, handoff, plan, handoff.iteration.project,
        {
            "iteration": handoff.iteration.number, "handoff": handoff.pk, "key": handoff.key,
            "phase": handoff.phase_key, "giver": handoff.giver_id, "taker": handoff.taker_id,
            "due_on": handoff.due_on.isoformat() if handoff.due_on else None,
            "from": before, "transferred_from": plan.leaver.pk,
        },
    )  # fmt: skip


def _pass_measures(plan: _Plan, work: OpenWork) -> None:
    for measure in work.measures:
        task = measure.risk.task
        measure.performer = plan.taker_of(str(measure), project_of(task), task.role)
        plan.note(project_of(task), "measures")
    QualityAction.objects.bulk_update(work.measures, ["performer"])


def _let_in(plan: _Plan, work: OpenWork) -> None:
    """Make members of the takers, and a manager of the one who follows the last manager."""
    alone = {project.pk for project in work.last_manager_of}
    mine = {each.project_id: each for each in work.memberships}
    for project in work.projects:
        takers = dict(plan.used.get(project.pk, {}))
        if project.pk in alone:
            if plan.taker is None:
                text = _("%(name)s is the last manager of %(project)s: name who follows.")
                raise Refused("last_manager", text % {"name": plan.leaver, "project": project})
            takers[plan.taker.pk] = plan.taker
        for user in takers.values():
            heir = project.pk in alone and user == plan.taker
            _join(plan, project, user, mine.get(project.pk), heir=heir)


def _join(plan: _Plan, project: Project, user: User, old: Membership | None, *, heir: bool) -> None:
    roles = Membership.Role
    found = Membership.objects.filter(project=project, user=user).first()
    if found is not None and found.left_at is None:
        if heir and found.role != roles.MANAGER:
            before = {"role": found.role, "crisp_roles": found.crisp_roles}
            found.role = roles.MANAGER
            found.save(update_fields=["role"])
            after = change(before, {"role": found.role, "crisp_roles": found.crisp_roles})
            plan.records.append(
                _entry(LifecycleAction.MEMBER_CHANGED, found, plan, project, {"user": user.pk, **after})
            )
        elif found.role == roles.AUDITOR:
            text = _("%(name)s is an auditor of %(project)s and can not take work there.")
            raise Refused("not_member", text % {"name": user, "project": project})
        return
    member = found or Membership(project=project, user=user)
    inherited = old.role if old and old.role == roles.REVIEWER else roles.CONTRIBUTOR
    member.role = roles.MANAGER if heir else inherited
    member.crisp_roles = _codes(plan, user, old)
    member.joined_at, member.left_at = timezone.now(), None
    member.save()
    detail = {"user": user.pk, "role": member.role, "crisp_roles": member.crisp_roles}
    plan.records.append(_entry(LifecycleAction.MEMBER_ADDED, member, plan, project, detail))


def _codes(plan: _Plan, user: User, old: Membership | None) -> list[str]:
    """The roles of the process that a new member follows in: all of the leaver's, or those named for them."""
    codes = list(old.crisp_roles) if old else []
    if plan.taker is not None and user.pk == plan.taker.pk:
        return [code for code in codes if plan.by_role.get(code, user) == user]
    return [code for code in codes if plan.by_role.get(code) == user]


def _entry(
    action: LifecycleAction, subject: Any, plan: _Plan, project: Project, detail: dict[str, Any]
) -> Record:
    return Record(actor=plan.actor, action=action, subject=subject, project=project.slug, detail=detail)
