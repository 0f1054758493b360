"""Who may do what in one project. Each predicate costs at most 1 query (the membership)."""

from ledger.actors import Actor
from lifecycle.models import Membership, Project, User
from lifecycle.prepared import Prepared
from lifecycle.rules.people import can_change, sees_everything

_MANAGER = frozenset({Membership.Role.MANAGER})
_WORKERS = frozenset({Membership.Role.MANAGER, Membership.Role.CONTRIBUTOR})
_JUDGES = frozenset({Membership.Role.MANAGER, Membership.Role.REVIEWER})
_CHANGERS = _WORKERS | _JUDGES
_MEMBERSHIP = Prepared(
    lambda project, user: Membership.objects.filter(
        project=project, user=user, left_at__isnull=True
    ).order_by(),
    int, int,
)  # fmt: skip


def role_in(actor: Actor, project: Project) -> str | None:
    """The role of a person in a project, None for strangers, people who left, closed people and machines."""
    if not isinstance(actor, User) or not actor.is_active or actor.pk is None:
        return None
    membership = _MEMBERSHIP.first(project.pk, actor.pk)
    return membership.role if membership else None


def can_see_project(actor: Actor, project: Project) -> bool:
    """Whether the project is visible: to its members and to those who see everything."""
    return sees_everything(actor) or role_in(actor, project) is not None


def can_manage_project(actor: Actor, project: Project) -> bool:
    """Whether the actor defines, assigns and opens iterations."""
    return _has_role(actor, project, _MANAGER)


def can_contribute(actor: Actor, project: Project) -> bool:
    """Whether the actor works on tasks, risks, runs and evidence."""
    return _has_role(actor, project, _WORKERS)


def can_review(actor: Actor, project: Project) -> bool:
    """Whether the actor judges the work of others; nobody judges their own, which the services see to."""
    return _has_role(actor, project, _JUDGES)


def can_take_part(actor: Actor, project: Project) -> bool:
    """Whether the actor can be a party of a handoff or own a task: any member but an auditor."""
    return _has_role(actor, project, _CHANGERS)


def takes_part(actor: Actor, role: str | None) -> bool:
    """`can_take_part` for whoever has read the actor's role already. No query."""
    return isinstance(actor, User) and can_change(actor) and role in _CHANGERS


def can_audit(actor: Actor, project: Project) -> bool:
    """Whether the actor reads this project as an auditor, of the organization or of the project."""
    if isinstance(actor, User) and actor.is_active and actor.org_role == User.OrgRole.AUDITOR:
        return True
    return role_in(actor, project) == Membership.Role.AUDITOR


def _has_role(actor: Actor, project: Project, roles: frozenset[Membership.Role]) -> bool:
    return isinstance(actor, User) and can_change(actor) and role_in(actor, project) in roles
