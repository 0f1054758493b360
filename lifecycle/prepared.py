"""Queries of Django's ORM that are compiled once: for what every request asks.

Making the SQL of a query takes Django several times as long as PostgreSQL takes to answer it. Here it is made
on the first call; later calls put their values into its places.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

from django.db import connections, models
from django.db.models import QuerySet
from django.db.models.query import get_related_populators
from django.db.models.sql.compiler import SQLCompiler

M = TypeVar("M", bound=models.Model)

_TEXT = "a-place-for-value-{at}-of-a-prepared-query"
_NUMBER = 7_340_033_000_000_000_000


@dataclass(frozen=True)
class _Compiled:
    """SQL, its parameters, which of them are places for which value, and how a row becomes a record."""

    sql: str
    parameters: Sequence[Any]
    places: Sequence[tuple[int, int]]
    compiler: SQLCompiler
    converters: dict[int, Any]
    names: list[str]
    start: int
    related: list[Any]


class Prepared(Generic[M]):
    """A query with places for values, such as `Prepared(lambda pk: Project.objects.filter(pk=pk), int)`.

    `kinds` says of each value whether it is `int` or `str`; a value is compared, never taken apart, so that
    `name__startswith` and lists are for ordinary queries. Select-related and annotations are understood.
    """

    def __init__(self, build: Callable[..., QuerySet[M]], *kinds: type) -> None:
        self._build, self._kinds = build, kinds
        self._compiled: dict[str, _Compiled] = {}

    def all(self, *values: int | str | None) -> list[M]:
        """The records that fit. 1 query."""
        using = self._using()
        found = self._compiled.get(using)
        if found is None:
            found = self._compiled[using] = self._compile(using)
        parameters = list(found.parameters)
        for at, value in found.places:
            parameters[at] = values[value]
        with connections[using].cursor() as cursor:
            cursor.execute(found.sql, parameters)
            rows = cursor.fetchall()
        if found.converters:
            converted = found.compiler.apply_converters(rows, found.converters)
            rows = [tuple(row) for row in converted]
        return [self._record(using, found, row) for row in rows]

    def first(self, *values: int | str | None) -> M | None:
        """The first record that fits. 1 query."""
        return next(iter(self.all(*values)), None)

    def _using(self) -> str:
        return "default"

    def _compile(self, using: str) -> _Compiled:
        marks = [_TEXT.format(at=at) if kind is str else _NUMBER + at for at, kind in enumerate(self._kinds)]
        compiler = self._build(*marks).query.get_compiler(using=using)
        sql, parameters = compiler.as_sql()
        shape = cast("dict[str, Any]", compiler.klass_info)
        select = cast("list[Any]", compiler.select)
        start, end = shape["select_fields"][0], shape["select_fields"][-1] + 1
        places = [(at, marks.index(value)) for at, value in enumerate(parameters) if value in marks]
        if {value for _at, value in places} != set(range(len(marks))):
            # Django leaves a comparison out that a number beyond the column's range decides at once.
            raise ValueError("A value of this prepared query has no place in its SQL.")
        return _Compiled(
            sql, parameters, places,
            compiler, compiler.get_converters([each[0] for each in select]),
            [each[0].target.attname for each in select[start:end]], start,
            cast("Any", get_related_populators)(shape, select, using),
        )  # fmt: skip

    def _record(self, using: str, found: _Compiled, row: Sequence[Any]) -> M:
        shape = cast("dict[str, Any]", found.compiler.klass_info)
        record: M = shape["model"].from_db(
            using, found.names, row[found.start : found.start + len(found.names)]
        )
        for each in found.related:
            each.populate(row, record)
        for name, at in (found.compiler.annotation_col_map or {}).items():
            setattr(record, name, row[at])
        return record
