"""Who may do what with connectors."""

from ledger.actors import Actor
from lifecycle.models import Membership, Project, User
from lifecycle.rules.people import can_change, can_manage_people, is_machine, sees_everything
from lifecycle.rules.projects import can_manage_project


def can_manage_connectors(actor: Actor) -> bool:
    """Whether connectors may be added and changed: by administrators and the console."""
    return can_manage_people(actor)


def can_see_connectors(actor: Actor) -> bool:
    """Whether connectors are visible: to those who see everything and to managers of a project. 1 query."""
    if sees_everything(actor):
        return True
    return isinstance(actor, User) and manages_something(actor)


def can_sync(actor: Actor) -> bool:
    """Whether a sync may be asked for: whoever sees connectors and may change anything. 1 query."""
    return is_machine(actor) or (can_change(actor) and can_see_connectors(actor))


def can_write_rules(actor: Actor, project: Project) -> bool:
    """Whether rules for a project may be written: by its managers and by machines. 1 query."""
    return is_machine(actor) or can_manage_project(actor, project)


def manages_something(user: User) -> bool:
    """Whether the person is manager of any project. 1 query."""
    return (
        user.is_active
        and Membership.objects.filter(user=user, role=Membership.Role.MANAGER, left_at__isnull=True).exists()
    )
