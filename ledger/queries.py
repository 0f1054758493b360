"""Reads of the ledger that pages, API and reports share. None of them locks."""

from dataclasses import dataclass

from django.db import models
from django.db.models import QuerySet

from ledger.merkle import EMPTY_ROOT
from ledger.models import Entry, TreeHead, subject_type


@dataclass(frozen=True)
class Head:
    """Size and root (64 hexadecimal digits): what a checkpoint states."""

    size: int
    root: str


def head() -> Head:
    """The tree as it stands. 1 query."""
    row = TreeHead.objects.filter(pk=1).values_list("size", "root").first()
    return Head(*row) if row else Head(0, EMPTY_ROOT.hex())


def entries() -> QuerySet[Entry]:
    """All entries, oldest first, payload included. 1 query; slice or filter it, a ledger is long."""
    return Entry.objects.select_related("payload")


def entries_of_project(project: str) -> QuerySet[Entry]:
    """What happened in a project (its slug), oldest first, payload included. 1 query, by index."""
    return entries().filter(project=project)


def entries_of_subject(subject: models.Model) -> QuerySet[Entry]:
    """The history of one record, oldest first, payload included. 1 query, by index.

    A record that was deleted is found by its class and key: `Handoff(pk=4)` will do.
    """
    return entries().filter(subject_type=subject_type(subject), subject_id=str(subject.pk))


def entries_of_actor(actor_key: str) -> QuerySet[Entry]:
    """What one actor did (`user:7`), oldest first, payload included. 1 query, by index."""
    return entries().filter(actor=actor_key)


def actors_of(*, project: str, actions: list[str]) -> set[str]:
    """The keys of all who did any of these actions in a project: for separation of duties. 1 query."""
    found = Entry.objects.filter(project=project, action__in=actions).order_by()
    return set(found.values_list("actor", flat=True).distinct())
