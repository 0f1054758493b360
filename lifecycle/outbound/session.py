"""The one client for requests to other systems.

A host is looked up once and the connection goes to the address that was judged, while certificate and Host
header stay those of the name: a name that changes its address in between leads nowhere. Nothing is taken
from the environment (no proxy, no netrc), and a redirect is judged as a first request is.
"""

import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple, Self
from urllib.parse import urljoin

import urllib3
from django.conf import settings
from django.utils.translation import gettext as _
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, LocationParseError, NewConnectionError, SSLError
from urllib3.response import BaseHTTPResponse
from urllib3.util import parse_url

from lifecycle.outbound.addresses import resolve
from lifecycle.outbound.errors import OutboundError

PORTS = {"http": 80, "https": 443}
AGENT = "Gatebook"
CHUNK = 65_536
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_SAFE = frozenset({"GET", "HEAD"})
_OF_ONE_ORIGIN = frozenset({"authorization", "cookie", "x-api-key"})


@dataclass(frozen=True)
class Limits:
    """The most that one request may take: seconds in all, bytes of the answer (unpacked), redirects."""

    seconds: float = 30.0
    size: int = 20_000_000
    redirects: int = 3


class Answer(NamedTuple):
    """A whole answer. `url` is where it came from, after redirects; names of headers are as sent."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON; `OutboundError("broken_answer")` if it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            kind = self.headers.get("content-type", "").partition(";")[0] or _("something")
            text = _("%(host)s answered %(kind)s instead of JSON.")
            raise OutboundError(
                "broken_answer", text % {"host": _origin(self.url).host, "kind": kind[:60]}
            ) from error


class Flow(NamedTuple):
    """An answer whose body is still to be read: `chunks` gives it in pieces, once."""

    url: str
    status: int
    headers: Mapping[str, str]
    chunks: Iterator[bytes]


class Origin(NamedTuple):
    """Where a connection goes."""

    scheme: str
    host: str
    port: int

    @property
    def header(self) -> str:
        """The Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"


class Session:
    """Requests that share connections. For one thread; a host is looked up once in its life.

    Use it as a context manager. Every method raises `OutboundError` and nothing else when no answer comes.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self._open: dict[Origin, HTTPConnection] = {}
        self._addresses: dict[Origin, list[str]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        while self._open:
            self._open.popitem()[1].close()

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        limits: Limits | None = None,
    ) -> Answer:
        """Send one request and read the answer whole, whatever its status."""
        with self.stream(method, url, headers=headers, body=body, limits=limits) as flow:
            return Answer(flow.url, flow.status, flow.headers, b"".join(flow.chunks))

    @contextmanager
    def stream(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        limits: Limits | None = None,
    ) -> Iterator[Flow]:
        """Send one request and hand over the answer to be read in pieces, within the limits."""
        limits = limits or self.limits
        given = {name.lower(): value for name, value in (headers or {}).items()}
        deadline = time.monotonic() + limits.seconds
        for _hop in range(limits.redirects + 1):
            with self._ask(method, url, given, body, deadline) as response:
                target = response.headers.get("location")
                if response.status not in _REDIRECTS or not target:
                    chunks = _pieces(response, limits, deadline, url)
                    yield Flow(url, response.status, response.headers, chunks)
                    return
            url, given = _next_hop(method, url, target, given)
        text = _("%(host)s redirects again and again.") % {"host": _origin(url).host}
        raise OutboundError("redirected", text)

    @contextmanager
    def _ask(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, deadline: float
    ) -> Iterator[BaseHTTPResponse]:
        origin = _origin(url)
        sent = {"accept-encoding": "identity", "user-agent": AGENT, **headers, "host": origin.header}
        with _in_words(url, deadline):
            connection = self._connection(origin, deadline)
        response = None
        try:
            with _Alarm(connection, deadline) as alarm:
                with _in_words(url, deadline, alarm):
                    connection.request(method, _path(url), body=body, headers=sent, preload_content=False)
                    response = connection.getresponse()
                    _in_time(deadline)
                yield response
        finally:
            # What was not read to its end would be taken for the next answer.
            if response is None or not _read_to_its_end(response):
                self._open.pop(origin, None)
                connection.close()
            if response is not None:
                response.close()

    def _connection(self, origin: Origin, deadline: float) -> HTTPConnection:
        """A connection to the origin: the one from before if it still stands."""
        kept = self._open.get(origin)
        if kept is not None and kept.is_connected:
            kept.timeout = max(deadline - time.monotonic(), 0.01)
            if kept.sock is not None:
                kept.sock.settimeout(kept.timeout)
            return kept
        if kept is not None:
            self._open.pop(origin).close()  # the other end has hung up meanwhile
        if origin not in self._addresses:
            self._addresses[origin] = resolve(origin.host, origin.port)
        *others, last = self._addresses[origin]
        for address in others:
            try:
                return self._connect(origin, address, deadline)
            except (HTTPError, OSError):
                continue
        return self._connect(origin, last, deadline)

    def _connect(self, origin: Origin, address: str, deadline: float) -> HTTPConnection:
        seconds = max(deadline - time.monotonic(), 0.01)
        if origin.scheme == "https":
            connection: HTTPConnection = HTTPSConnection(
                address, origin.port, timeout=seconds, ssl_context=_trust(), server_hostname=origin.host
            )
        else:
            connection = HTTPConnection(address, origin.port, timeout=seconds)
        try:
            with _Alarm(connection, deadline):
                connection.connect()
        except BaseException:
            connection.close()
            raise
        self._open[origin] = connection
        return connection


def fetch(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    limits: Limits | None = None,
) -> Answer:
    """One request on a connection of its own, the answer read whole. Raises `OutboundError`."""
    with Session(limits) as session:
        return session.request(method, url, headers=headers, body=body)


def ensure_permitted(url: str) -> None:
    """Raise `OutboundError` if this client would not connect to the address: for forms, and for libraries
    that do their own connecting.
    """
    origin = _origin(url)
    resolve(origin.host, origin.port)


def ensure_web_address(url: str) -> None:
    """Raise `OutboundError("bad_address")` for what is no http(s) address; nothing is looked up."""
    _origin(url)


class _Alarm:
    """Ends a connection at its deadline, also one whose other end sends a byte now and then."""

    def __init__(self, connection: HTTPConnection, deadline: float) -> None:
        self._connection = connection
        self._timer = threading.Timer(max(deadline - time.monotonic(), 0.0), self._ring)
        self._timer.daemon = True
        self.rang = False

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._timer.cancel()

    def _ring(self) -> None:
        self.rang = True
        sock = self._connection.sock
        if sock is None:
            return
        try:
            # The plain socket's method: that of a TLS socket takes its state away from the thread that reads.
            socket.socket.shutdown(sock, socket.SHUT_RDWR)
        except OSError:
            return


@contextmanager
def _in_words(url: str, deadline: float, alarm: _Alarm | None = None) -> Iterator[None]:
    """Turns what sockets, TLS and HTTP raise into `OutboundError`."""
    host = {"host": _origin(url).host}
    try:
        yield
    except OutboundError:
        raise
    except (HTTPError, OSError, ValueError) as error:
        if time.monotonic() >= deadline or (alarm is not None and alarm.rang) or _is_timeout(error):
            raise OutboundError("timed_out", _("%(host)s did not answer in time.") % host) from error
        if isinstance(error, (SSLError, ssl.SSLError)):
            why = {**host, "why": getattr(error, "verify_message", "") or str(error)[:200]}
            raise OutboundError("tls", _("%(host)s has no certificate to trust: %(why)s.") % why) from error
        if isinstance(error, (NewConnectionError, OSError)):
            raise OutboundError("unreachable", _("%(host)s cannot be reached.") % host) from error
        if isinstance(error, ValueError) and not isinstance(error, HTTPError):
            raise OutboundError(
                "bad_address", _("This request cannot be sent to %(host)s.") % host
            ) from error
        raise OutboundError("broken_answer", _("%(host)s broke its answer off.") % host) from error


def _is_timeout(error: Exception) -> bool:
    if isinstance(error, NewConnectionError):  # which is a timeout by descent only
        return False
    return isinstance(error, (TimeoutError, urllib3.exceptions.TimeoutError))


def _pieces(response: BaseHTTPResponse, limits: Limits, deadline: float, url: str) -> Iterator[bytes]:
    """The body, unpacked, until it is over or too long."""
    size = 0
    with _in_words(url, deadline):
        declared = response.headers.get("content-length", "")
        if declared.isdigit() and int(declared) > limits.size:
            raise _too_large(url, limits)
        while piece := response.read(CHUNK):
            size += len(piece)
            if size > limits.size:
                raise _too_large(url, limits)
            _in_time(deadline)
            yield piece
        _in_time(deadline)


def _in_time(deadline: float) -> None:
    """An answer that the alarm cut off may look like one that has ended."""
    if time.monotonic() >= deadline:
        raise TimeoutError


def _too_large(url: str, limits: Limits) -> OutboundError:
    what = {"host": _origin(url).host, "size": limits.size / 1_000_000}
    return OutboundError("too_large", _("The answer of %(host)s is longer than %(size)g MB.") % what)


def _read_to_its_end(response: BaseHTTPResponse) -> bool:
    original = getattr(response, "_original_response", None)
    return original is None or original.isclosed()


def _next_hop(method: str, url: str, target: str, headers: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """Where a redirect leads; what proves who we are does not go along to another origin."""
    if method not in _SAFE:
        text = _("%(host)s answers with a redirect, which is not followed when something is sent.")
        raise OutboundError("redirected", text % {"host": _origin(url).host})
    there = urljoin(url, target)
    before, after = _origin(url), _origin(there)
    if before.scheme == "https" and after.scheme == "http":
        text = _("%(host)s redirects from https to http, which is not followed.")
        raise OutboundError("redirected", text % {"host": before.host})
    if before == after:
        return there, dict(headers)
    return there, {name: value for name, value in headers.items() if name not in _OF_ONE_ORIGIN}


def _origin(url: str) -> Origin:
    """Scheme, host and port of a web address; `OutboundError("bad_address")` for anything else."""
    try:
        parts = parse_url(url)
    except LocationParseError as error:
        raise OutboundError("bad_address", _("This is no web address.")) from error
    if parts.scheme not in PORTS or not parts.host:
        raise OutboundError("bad_address", _("A web address begins with http:// or https:// and a host."))
    if parts.auth:
        text = _("Name and password do not belong into the address; give them in their own fields.")
        raise OutboundError("bad_address", text)
    return Origin(parts.scheme, parts.host.strip("[]"), parts.port or PORTS[parts.scheme])


def _path(url: str) -> str:
    return parse_url(url).request_uri


def _trust() -> ssl.SSLContext:
    """The system's certificate authorities, and those that the installation adds."""
    context = ssl.create_default_context()
    if settings.GATEBOOK_OUTBOUND_CA:
        context.load_verify_locations(cadata=settings.GATEBOOK_OUTBOUND_CA)
    return context
