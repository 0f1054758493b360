"""Columns that are cheap to read by the thousand: a moment as seconds, JSON as its text."""

from __future__ import annotations

import datetime as dt
import json
from functools import lru_cache
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import FloatField, Func, TextField
from django.db.models.functions import Cast


class Seconds(Func):
    """A moment as seconds since 1970: to make a `datetime` of it costs ten times what the number does."""

    template = "EXTRACT(EPOCH FROM %(expressions)s)::float8"
    output_field = FloatField()

    def as_sqlite(self, compiler: Any, connection: BaseDatabaseWrapper, **extra: Any) -> Any:
        """Of the text that SQLite keeps; `unixepoch` would cut the fractions off."""
        template = "((julianday(%(expressions)s) - 2440587.5) * 86400.0)"
        return self.as_sql(compiler, connection, template=template, **extra)


def moment(seconds: float | None) -> dt.datetime | None:
    """The moment that `Seconds` has read."""
    return None if seconds is None else dt.datetime.fromtimestamp(seconds, dt.UTC)


def as_text(expression: Any) -> Cast:
    """A JSON column as its text, for `value_of`."""
    return Cast(expression, TextField())


@lru_cache(maxsize=1024)
def value_of(text: str | None) -> Any:
    """What a JSON text says; equal texts are read once, so nobody changes what comes back."""
    return None if text is None else json.loads(text)
