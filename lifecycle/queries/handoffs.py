"""Handoffs of a person, of an iteration, and all that somebody sees."""

from django.db.models import Case, IntegerField, Q, QuerySet, Value, When

from lifecycle.models import Handoff, Iteration, User
from lifecycle.queries.projects import projects_visible_to

_ORDER = ("offered", "returned", "planned", "accepted", "cancelled")


def handoffs_visible_to(user: User) -> QuerySet[Handoff]:
    """The handoffs of all projects that the user sees. 1 query, parties and project included."""
    return _whole().filter(iteration__project__in=projects_visible_to(user).values("pk"))


def handoffs_of(user: User) -> QuerySet[Handoff]:
    """What this person gives or takes in open iterations, what waits for an answer first. 1 query."""
    mine = _whole().filter(Q(giver=user) | Q(taker=user), iteration__state=Iteration.State.OPEN)
    return _by_urgency(mine)


def handoffs_of_iteration(iteration: Iteration) -> QuerySet[Handoff]:
    """All handoffs of an iteration, what waits for an answer first. 1 query, parties and project included."""
    return _by_urgency(_whole().filter(iteration=iteration))


def handoff_detail(handoff: Handoff) -> Handoff:
    """The handoff read anew with deliverables, their snapshots, and criteria. 3 queries."""
    return _whole().prefetch_related("deliverables__snapshot", "criteria").get(pk=handoff.pk)


def _whole() -> QuerySet[Handoff]:
    return Handoff.objects.select_related("giver", "taker", "iteration__project")


def _by_urgency(handoffs: QuerySet[Handoff]) -> QuerySet[Handoff]:
    rank = Case(
        *(When(state=state, then=Value(place)) for place, state in enumerate(_ORDER)),
        output_field=IntegerField(),
    )
    return handoffs.order_by(rank, "due_on", "key", "pk")
