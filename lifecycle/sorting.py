"""How a list is sorted: what its address asks for, among the columns that it offers. A leaf.

A column's key is a list of fields and expressions for a queryset, or a function of a row for rows that are
in memory already. What has no value stands last, whichever way. `?sort=due` sorts upwards, `?sort=-due`
downwards; without either, or with a column that is not offered, the list has the order of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from django.db.models import F, Model, QuerySet
from django.db.models.expressions import Combinable
from django.db.models.functions import Lower
from django.utils.functional import Promise

Row = TypeVar("Row")
Rows = TypeVar("Rows", bound=Model)
Fields = Sequence["str | Combinable"]
Key = Fields | Callable[[Any], Any]


class Sorting:
    """One list's order. `columns` are keys by name; `first_down` are those that begin with the largest."""

    def __init__(
        self,
        asked: Mapping[str, str],
        columns: Mapping[str, Key],
        *,
        first_down: Iterable[str] = (),
        param: str = "sort",
    ) -> None:
        text = str(asked.get(param, ""))
        name = text.removeprefix("-")
        self.columns, self.param, self.first_down = columns, param, frozenset(first_down)
        self.by = name if name in columns else ""
        self.down = bool(self.by) and text.startswith("-")

    @property
    def value(self) -> str:
        """What the address says, empty for the list's own order."""
        return f"-{self.by}" if self.down else self.by

    def next_value(self, name: str) -> str:
        """What a click on a column asks for: one way, the other way, the list's own order again."""
        begins_down = name in self.first_down
        if name != self.by:
            return f"-{name}" if begins_down else name
        if self.down == begins_down:
            return name if begins_down else f"-{name}"
        return ""

    def query(self, found: QuerySet[Rows], *first: Any) -> QuerySet[Rows]:
        """The rows in the order asked for; ties by primary key, so that pages do not overlap.

        `first` are expressions that come before it, whichever way.
        """
        key = self.columns.get(self.by)
        if key is None:
            return found
        if callable(key):
            raise TypeError(f"The column {self.by!r} sorts rows in memory only.")
        asked = (self._expression(each) for each in key)
        return found.order_by(*first, *asked, "-pk" if self.down else "pk")

    def rows(self, found: Iterable[Row]) -> list[Row]:
        """Rows in memory in the order asked for; what is equal keeps its order."""
        listed, key = list(found), self.columns.get(self.by)
        if key is None:
            return listed
        if not callable(key):
            raise TypeError(f"The column {self.by!r} sorts querysets only.")
        keyed = [(key(row), row) for row in listed]
        there = [pair for pair in keyed if pair[0] is not None]
        there.sort(key=lambda pair: _comparable(pair[0]), reverse=self.down)
        return [row for _value, row in there] + [row for value, row in keyed if value is None]

    def _expression(self, field: str | Combinable) -> Any:
        found: Any = F(field) if isinstance(field, str) else field
        return found.desc(nulls_last=True) if self.down else found.asc(nulls_last=True)


def words(field: str) -> Combinable:
    """A text field as people sort it: capitals beside small letters."""
    return Lower(field)


def _comparable(value: Any) -> Any:
    if isinstance(value, str | Promise):
        return str(value).casefold()
    if isinstance(value, tuple):
        return tuple(map(_comparable, value))
    return value
