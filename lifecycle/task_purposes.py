"""What higher apps say a task is there for, such as a control of a law; nothing here points upwards.

A source is a function from a task and a reader to lines. The page of the task calls it once: one query.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from lifecycle.models import Task, User


class Purpose(NamedTuple):
    """One thing that a task serves, where that stands, and the step that the reader may take, if any."""

    title: str
    url: str
    state: str
    label: str
    note: str
    act_url: str = ""
    act: str = ""


Source = Callable[["Task", "User"], "list[Purpose]"]
_sources: dict[str, Source] = {}


def register(name: str, source: Source) -> None:
    """Let `source` say what tasks are there for; a name counts once, however often it is registered."""
    _sources[name] = source


def purposes_of(task: Task, user: User) -> list[Purpose]:
    """What the task is there for, as all sources say. 1 query a source."""
    return [line for source in _sources.values() for line in source(task, user)]
