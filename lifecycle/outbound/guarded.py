"""The same guard for libraries that do their own connecting with `requests`.

Inside `guarded()` this thread's requests go to addresses that were judged, are not redirected, ask no proxy,
and what became of each is noted. Nothing is changed for anybody else in the process.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import connection as urllib3_connection

from lifecycle.outbound.addresses import resolve
from lifecycle.outbound.errors import OutboundError

SECONDS = 20.0
_connect: Callable[..., socket.socket] = urllib3_connection.create_connection
_send: Callable[..., requests.Response] = HTTPAdapter.send


@dataclass
class Traffic:
    """What became of the requests: how often something was connected, statuses, and why not."""

    connected: int = 0
    statuses: list[int] = field(default_factory=list)
    refusals: list[OutboundError] = field(default_factory=list)

    @property
    def partly_taken(self) -> bool:
        """Whether a server said that it has taken something."""
        return any(200 <= each < 300 for each in self.statuses)


_current: ContextVar[Traffic | None] = ContextVar("guarded requests", default=None)


@contextmanager
def guarded() -> Iterator[Traffic]:
    """Guard the requests that are made inside, in this thread; the block's value tells what they came to."""
    traffic = Traffic()
    token = _current.set(traffic)
    try:
        yield traffic
    finally:
        _current.reset(token)


def _guarded_connect(address: tuple[str, int], *args: Any, **options: Any) -> socket.socket:
    traffic = _current.get()
    if traffic is None:
        return _connect(address, *args, **options)
    host, port = address
    try:
        *others, last = resolve(host.strip("[]"), port)
    except OutboundError as no:
        traffic.refusals.append(no)
        raise OSError(str(no)) from no
    made = _first_of(others, port, *args, **options) or _connect((last, port), *args, **options)
    traffic.connected += 1
    return made


def _first_of(addresses: list[str], port: int, *args: Any, **options: Any) -> socket.socket | None:
    """A connection to the first address that answers, None if none does."""
    for address in addresses:
        try:
            return _connect((address, port), *args, **options)
        except OSError:
            continue
    return None


def _guarded_send(
    adapter: HTTPAdapter, request: requests.PreparedRequest, **options: Any
) -> requests.Response:
    traffic = _current.get()
    if traffic is None:
        return _send(adapter, request, **options)
    # A proxy would look the name up again, and lead to where this guard does not see.
    response = _send(adapter, request, **(options | {"timeout": SECONDS, "proxies": {}}))
    traffic.statuses.append(response.status_code)
    return response


# Libraries make their sessions themselves, so that there is nothing to hand the guard to.
urllib3_connection.create_connection = _guarded_connect
HTTPAdapter.send = _guarded_send  # type: ignore[method-assign, assignment]
