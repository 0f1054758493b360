"""The reader's time zone: in which pages show moments.

Kept apart from Django's current time zone on purpose, which stays UTC: "today", due dates, and every date in
the API, the ledger and reports must be the same for everybody, wherever they sit.
"""

import zoneinfo
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache

UTC = "UTC"
_name: ContextVar[Callable[[], str] | None] = ContextVar("reader_zone", default=None)


@contextmanager
def shown_in(name: Callable[[], str]) -> Iterator[None]:
    """Show moments in the zone that `name()` gives, asked only once a moment is shown."""
    token = _name.set(name)
    try:
        yield
    finally:
        _name.reset(token)


def readers_zone() -> zoneinfo.ZoneInfo:
    """The zone of whoever reads; UTC outside a request and for a name that the machine does not know."""
    given = _name.get()
    return _zone(given() if given is not None else UTC)


@cache
def known_zones() -> tuple[str, ...]:
    """The IANA names that people may choose, UTC first."""
    names = {name for name in zoneinfo.available_timezones() if "/" in name and not name.startswith("Etc/")}
    return (UTC, *sorted(names))


@cache
def _zone(name: str) -> zoneinfo.ZoneInfo:
    return zoneinfo.ZoneInfo(name if name in known_zones() else UTC)
