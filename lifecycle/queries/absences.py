"""Who is away, until when, and who looks after what waits for them."""

import datetime as dt
from collections.abc import Iterable

from django.db.models import Q, QuerySet
from django.utils import timezone

from lifecycle.models import Absence, User
from lifecycle.rules import can_manage_people


def away_now(day: dt.date | None = None) -> QuerySet[Absence]:
    """The absences in force on a day, today unless one is given. 1 query, people included."""
    when = day or timezone.localdate()
    found = Absence.objects.filter(cancelled_at__isnull=True, starts_on__lte=when, ends_on__gte=when)
    return found.select_related("person", "deputy").order_by("person__name", "pk")


def looked_after_by(user: User) -> list[User]:
    """Those who are away today and for whom this person is the deputy. 1 query."""
    return [each.person for each in away_now().filter(deputy=user, person__is_active=True)]


def away_among(people: Iterable[User]) -> dict[int, Absence]:
    """The absences of today among these people, by the person's id. 1 query."""
    return {each.person_id: each for each in away_now().filter(person__in={user.pk for user in people})}


def absences_of(user: User) -> QuerySet[Absence]:
    """Every absence of a person, the last one first, cancelled ones too. 1 query, people included."""
    return Absence.objects.filter(person=user).select_related("person", "deputy", "entered_by")


def absences_visible_to(user: User) -> QuerySet[Absence]:
    """Absences that this person may see whole, reason included: their own, as deputy, or all for
    administrators. 1 query, people included.
    """
    found = Absence.objects.select_related("person", "deputy", "entered_by")
    return found if can_manage_people(user) else found.filter(Q(person=user) | Q(deputy=user))
