"""What services leave behind: exactly one ledger entry when they work, nothing when they refuse."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import models

from ledger.errors import Invalid, Refused
from ledger.models import Entry


@contextmanager
def one_entry(action: str) -> Iterator[dict[str, Any]]:
    """The block appends exactly one entry, of this action; its detail fills the dictionary."""
    before, detail = Entry.objects.count(), dict[str, Any]()
    yield detail
    added = list(Entry.objects.order_by("index")[before:])
    assert [entry.action for entry in added] == [action]
    detail |= added[0].payload.content["detail"]


@contextmanager
def no_trace(*records: models.Model) -> Iterator[None]:
    """The block adds no entry and leaves these rows as they were."""
    entries, rows = Entry.objects.count(), [_row(record) for record in records]
    yield
    assert Entry.objects.count() == entries
    assert [_row(record) for record in records] == rows


@contextmanager
def refused(code: str, *records: models.Model) -> Iterator[None]:
    """The block raises `Refused(code)` and leaves no trace."""
    with no_trace(*records), pytest.raises(Refused) as no:
        yield
    assert no.value.code == code


@contextmanager
def invalid(code: str, where: str | None = None) -> Iterator[None]:
    """The block raises `Invalid(code)` at a place and leaves no trace."""
    with no_trace(), pytest.raises(Invalid) as no:
        yield
    assert no.value.code == code
    assert where is None or no.value.where == where


@contextmanager
def forbidden(*records: models.Model) -> Iterator[None]:
    """The block raises PermissionDenied and leaves no trace."""
    with no_trace(*records), pytest.raises(PermissionDenied):
        yield


def _row(record: models.Model) -> dict[str, Any]:
    return dict(type(record)._base_manager.filter(pk=record.pk).values().get())
