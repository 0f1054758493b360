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
from lifecycle.models import User
from lifecycle.queries import inbox
from lifecycle.queries.absences import away_now
from lifecycle.queries.notices import notices_of
from lifecycle.queries.projects import projects_visible_to

_READER = 7_340_033_000_000_000_001
"""Stands for the reader in a statement that is made once for all of them."""


@dataclass(frozen=True)
class Counts:
    """How much waits for a person, and how much news they have not read; `more` if more waits of some kind
    than is counted.
    """

    inbox: int = 0
    notices: int = 0
    more: bool = False


def counts_of(user: User) -> Counts:
    """As many as `inbox_of` has, and unread notices. 1 query, and 1 for each source of a higher app.

    Of no kind more is counted than `inbox.MOST` and one, which the database finds early.
    """
    role = user.org_role if user.is_active else ""
    sql, parameters = _statement(connection.vendor, role, timezone.localdate())
    with connection.cursor() as cursor:
        cursor.execute(sql, [user.pk if value == _READER else value for value in parameters])
        found = cursor.fetchone()
    if not found:
        return Counts()
    *kinds, looked_after, unread = found
    waiting = sum(min(number, inbox.MOST) for number in kinds) + looked_after
    waiting += sum(1 for _item in items_from_sources(user))
    return Counts(waiting, unread, any(number > inbox.MOST for number in kinds))


def unread_of(user: User) -> int:
    """How much news a person has not read. 1 query."""
    return notices_of(user).filter(read_at__isnull=True).count()


@lru_cache(maxsize=64)
def _statement(_vendor: str, role: str, _today: dt.date) -> tuple[str, Sequence[Any]]:
    """The SQL that counts, for all readers of a role on one day: making it takes longer than running it.

    Who is closed has no role.
    """
    user = User(pk=_READER, org_role=role, is_active=bool(role))
    kinds = [_number_of(kind.rows, inbox.MOST + 1) for kind in inbox.kinds_of(user)]
    unread = _number_of(notices_of(user).filter(read_at__isnull=True))
    counted = User.objects.filter(pk=user.pk).order_by().values_list(*kinds, _looked_after(user), unread)
    return counted.query.sql_with_params()


def _looked_after(user: User) -> Combinable:
    """What waits for those who are away: the database looks for it only for one who is a deputy now."""
    away = away_now().filter(deputy=user).order_by()
    absent = User.objects.filter(pk__in=away.values("person_id"), is_active=True).order_by()
    visible = projects_visible_to(user).values("pk")
    tasks = inbox.tasks_to_do(absent).filter(phase__iteration__project__in=visible)
    handoffs = inbox.handoffs_to_move(absent).filter(iteration__project__in=visible)
    waiting = _number_of(tasks, inbox.MOST) + _number_of(handoffs, inbox.MOST)
    return Case(When(Exists(away), then=waiting), default=Value(0), output_field=IntegerField())


class _Number(Subquery):
    """How many rows a query has, as a part of another query. Grouping, which `Count` would need inside a
    subquery, is left out.
    """

    template = "(SELECT COUNT(*) FROM (%(subquery)s) counted)"
    output_field = IntegerField()


def _number_of(rows: QuerySet[Any], most: int | None = None) -> Combinable:
    # What can have no rows, and so is not asked for, is none.
    return Coalesce(_Number(rows.select_related(None).order_by().values("pk")[:most]), 0)
