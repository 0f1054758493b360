"""Rows by the hundred: what the parts of the large database are written with."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from django.db.models import Model

M = TypeVar("M", bound=Model)


def bulk(rows: Iterable[M]) -> list[M]:
    """Write rows of one model; they come back with their keys."""
    made = list(rows)
    return list(type(made[0])._default_manager.bulk_create(made, batch_size=500)) if made else []
