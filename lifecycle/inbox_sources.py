"""What higher apps put into the inbox: each adds a source when it is ready; nothing here points upwards.

A source is a function from a person to items. The inbox and the number in the top bar both call it, so it has
to be cheap: one query that mostly finds nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lifecycle.models import User
    from lifecycle.queries.inbox import InboxItem

Source = Callable[["User"], "list[InboxItem]"]
_sources: dict[str, Source] = {}


def register(name: str, source: Source) -> None:
    """Let `source` fill the inbox; a name counts once, however often it is registered."""
    _sources[name] = source


def items_from_sources(user: User) -> Iterator[InboxItem]:
    """What all sources have for the person, in their order. 1 query a source."""
    for source in _sources.values():
        yield from source(user)
