"""Which function does which background work. A leaf: every app may register its handlers here.

A handler is called with the job's `args` as keyword arguments, outside any transaction, and may be called
again for the same job (a worker died, the broker delivered twice), so its effect must be idempotent::

    @handler("reports.render")
    def render(*, report_id: int) -> None: ...

Handlers live in a module that `tasks.py` of their app imports, so that every worker knows them.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

Work = TypeVar("Work", bound=Callable[..., None])


class Handler(NamedTuple):
    """The work, and what is told when it is given up: `gave_up(error=…, **args)`, in the same transaction."""

    work: Callable[..., None]
    gave_up: Callable[..., None] | None


class UnknownTask(LookupError):
    """No handler is registered under this name."""


_HANDLERS: dict[str, Handler] = {}


def handler(name: str, *, gave_up: Callable[..., Any] | None = None) -> Callable[[Work], Work]:
    """Register the decorated function as the work called `name`; ValueError if another one has the name."""

    def register(work: Work) -> Work:
        known = _HANDLERS.get(name)
        if known is not None and known.work.__qualname__ != work.__qualname__:
            raise ValueError(f"Two handlers are called {name!r}.")
        _HANDLERS[name] = Handler(work, gave_up)
        return work

    return register


def handler_of(name: str) -> Handler:
    """The handler registered under `name`; UnknownTask if there is none."""
    try:
        return _HANDLERS[name]
    except KeyError:
        known = ", ".join(sorted(_HANDLERS))
        raise UnknownTask(f"No handler is called {name!r}; there are: {known}.") from None
