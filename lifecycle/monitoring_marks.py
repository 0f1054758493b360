"""What higher apps mark on charts of monitoring, such as deployments; nothing here points upwards.

A source is a function from a project and an environment to marks. A chart calls it once: one query.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from lifecycle.models import Project


class Mark(NamedTuple):
    """Something that happened: when, and in a few words."""

    at: datetime
    text: str


Source = Callable[["Project", str], "list[Mark]"]
_sources: dict[str, Source] = {}


def register(name: str, source: Source) -> None:
    """Let `source` mark the charts; a name counts once, however often it is registered."""
    _sources[name] = source


def marks_of(project: Project, environment: str) -> list[Mark]:
    """All marks of an environment, the earliest first. 1 query a source."""
    return sorted(mark for source in _sources.values() for mark in source(project, environment))
