"""What can be commented on: each kind of record with how a reader finds it and where its page is.

Higher apps add theirs with `register` when they are ready, so that nothing here points upwards.
"""

from collections.abc import Callable
from typing import NamedTuple

from django.db import models
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.urls import reverse

from ledger.models import subject_type
from lifecycle.models import Project, User
from lifecycle.queries.handoffs import handoffs_visible_to
from lifecycle.queries.pages import runs_visible_to
from lifecycle.queries.tasks import tasks_visible_to


class Place(NamedTuple):
    """A record that the reader sees, its project and its page."""

    record: models.Model
    project: Project
    url: str


Finder = Callable[[User, int], Place]
_finders: dict[str, Finder] = {}


def register(label: str, finder: Finder) -> None:
    """Let records of a class (`governance.gate`) have comments; `finder` raises Http404 for strangers."""
    _finders[label] = finder


def place_of(user: User, label: str, pk: int) -> Place:
    """The record if it can have comments and the reader sees it, else 404."""
    if label not in _finders:
        raise Http404
    return _finders[label](user, pk)


def kind_of(record: models.Model) -> str:
    """The label under which a record has comments; LookupError if its class has none."""
    label = subject_type(record)
    if label not in _finders:
        raise LookupError(f"{label} has no comments: register a finder for it.")
    return label


def _task(user: User, pk: int) -> Place:
    task = get_object_or_404(tasks_visible_to(user), pk=pk)
    return Place(task, task.phase.iteration.project, reverse("lifecycle:task", args=[pk]))


def _handoff(user: User, pk: int) -> Place:
    handoff = get_object_or_404(handoffs_visible_to(user), pk=pk)
    return Place(handoff, handoff.iteration.project, reverse("lifecycle:handoff", args=[pk]))


def _run(user: User, pk: int) -> Place:
    run = get_object_or_404(runs_visible_to(user), pk=pk)
    return Place(run, run.project, reverse("lifecycle:run", args=[pk]))


register("lifecycle.task", _task)
register("lifecycle.handoff", _handoff)
register("lifecycle.run", _run)
