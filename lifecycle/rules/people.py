"""Who may do what in the whole organization. Predicates over an actor; none of them asks the database."""

from ledger.actors import Actor
from lifecycle.models import User


def is_machine(actor: Actor) -> bool:
    """Whether a part of Gatebook acts, and not a person."""
    return not isinstance(actor, User)


def can_change(actor: Actor) -> bool:
    """Whether this actor may change anything at all: closed people and auditors never do."""
    if not isinstance(actor, User):
        return True
    return actor.is_active and actor.org_role != User.OrgRole.AUDITOR


def sees_everything(actor: Actor) -> bool:
    """Whether every project is visible: to administrators, process owners and the organization's auditors."""
    roles = (User.OrgRole.ADMINISTRATOR, User.OrgRole.PROCESS_OWNER, User.OrgRole.AUDITOR)
    return not isinstance(actor, User) or (actor.is_active and actor.org_role in roles)


def can_manage_people(actor: Actor) -> bool:
    """Whether accounts may be opened and closed: by administrators and by the console."""
    return not isinstance(actor, User) or (actor.is_active and actor.org_role == User.OrgRole.ADMINISTRATOR)


def can_manage_processes(actor: Actor) -> bool:
    """Whether process versions may be drafted, published and retired."""
    roles = (User.OrgRole.ADMINISTRATOR, User.OrgRole.PROCESS_OWNER)
    return isinstance(actor, User) and actor.is_active and actor.org_role in roles


def can_create_projects(actor: Actor) -> bool:
    """Whether a project may be begun; whoever does becomes its manager."""
    return isinstance(actor, User) and can_change(actor)
