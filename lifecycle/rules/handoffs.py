"""Who may move a handoff."""

from ledger.actors import Actor
from lifecycle.models import Handoff, User
from lifecycle.rules.projects import can_manage_project, can_take_part


def can_offer(actor: Actor, handoff: Handoff) -> bool:
    """Only the giver offers and withdraws. 1 query beside the handoff's iteration and project."""
    return isinstance(actor, User) and actor.pk == handoff.giver_id and _takes_part(actor, handoff)


def can_decide_handoff(actor: Actor, handoff: Handoff) -> bool:
    """Only the taker ticks criteria, accepts and returns. 1 query beside the handoff's iteration and
    project.
    """
    return isinstance(actor, User) and actor.pk == handoff.taker_id and _takes_part(actor, handoff)


def can_cancel(actor: Actor, handoff: Handoff) -> bool:
    """The giver and the project's manager cancel. At most 2 queries beside the iteration and project."""
    return can_offer(actor, handoff) or can_manage_project(actor, handoff.iteration.project)


def _takes_part(user: User, handoff: Handoff) -> bool:
    return can_take_part(user, handoff.iteration.project)
