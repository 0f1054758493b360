"""What the bar at the top of every page says: how much waits for its reader, and how much is news to them."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.db import connection
from django.db.models import Case, Exists, IntegerField, QuerySet, Subquery, Value, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce
from django.utils import timezone

from lifecycle.inbox_sources import items_from_sources
from lifecycle.models import Membership, User
from lifecycle.queries import inbox
from lifecycle.queries.absences import away_now
from lifecycle.queries.notices import notices_of
from lifecycle.queries.projects import projects_visible_to

_READER = 7_340_033_000_000_000_001
"""Stands for the reader in a statement that is made once for all of them."""


@dataclass(frozen=True)
class Counts:
    """How much waits for a person, and how much news they have not read."""

    inbox: int = 0
    notices: int = 0


def counts_of(user: User) -> Counts:
    """As many as `inbox_of` has, and unread notices. 1 query, and 1 for each source of a higher app."""
    role = user.org_role if user.is_active else ""
    sql, parameters = _statement(connection.vendor, role, timezone.localdate())
    with connection.cursor() as cursor:
        cursor.execute(sql, [user.pk if value == _READER else value for value in parameters])
        found = cursor.fetchone()
    if not found:
        return Counts()
    return Counts(found[0] + sum(1 for _item in items_from_sources(user)), found[1])


@lru_cache(maxsize=64)
def _statement(_vendor: str, role: str, _today: dt.date) -> tuple[str, Sequence[Any]]:
    """The SQL that counts, for all readers of a role on one day: making it takes longer than running it.

    Who is closed has no role.
    """
    user = User(pk=_READER, org_role=role, is_active=bool(role))
    inbox_count = sum(map(_number_of, _waiting(user)), start=_looked_after(user))
    unread = notices_of(user).filter(read_at__isnull=True)
    counted = User.objects.filter(pk=user.pk).order_by().values_list(inbox_count, _number_of(unread))
    return counted.query.sql_with_params()


def _waiting(user: User) -> list[QuerySet[Any]]:
    mine = Membership.objects.filter(user=user, left_at__isnull=True)
    managed = mine.filter(role=Membership.Role.MANAGER).values("project_id")
    judged = mine.filter(role__in=(Membership.Role.MANAGER, Membership.Role.REVIEWER)).values("project_id")
    return [
        inbox.tasks_to_do([user]),
        inbox.handoffs_to_move([user]),
        inbox.tasks_to_verify(user, judged),
        inbox.exclusions_to_decide(user, judged),
        inbox.firings_to_decide(managed),
        inbox.risks_to_decide(managed),
    ]


def _looked_after(user: User) -> Combinable:
    """What waits for those who are away: the database looks for it only for one who is a deputy now."""
    away = away_now().filter(deputy=user).order_by()
    absent = User.objects.filter(pk__in=away.values("person_id"), is_active=True).order_by()
    visible = projects_visible_to(user).values("pk")
    tasks = inbox.tasks_to_do(absent).filter(phase__iteration__project__in=visible)
    handoffs = inbox.handoffs_to_move(absent).filter(iteration__project__in=visible)
    waiting = _number_of(tasks) + _number_of(handoffs)
    return Case(When(Exists(away), then=waiting), default=Value(0), output_field=IntegerField())


class _Number(Subquery):
    """How many rows a query has, as a part of another query. Grouping, which `Count` would need inside a
    subquery, is left out.
    """

    template = "(SELECT COUNT(*) FROM (%(subquery)s) counted)"
    output_field = IntegerField()


def _number_of(rows: QuerySet[Any]) -> Combinable:
    # What can have no rows, and so is not asked for, is none.
    return Coalesce(_Number(rows.select_related(None).order_by().values("pk")), 0)
