"""The site under gunicorn as `serve` starts it, and a client that keeps its connections."""

import os
import selectors
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path

from django.db import connection

PROCESSES = "2"
START_SECONDS = 30.0
LONGEST_ANSWER = 1_000_000


@dataclass(frozen=True)
class Site:
    """A running site: its port, and the process that holds its workers."""

    port: int
    pid: int

    def forget_peaks(self) -> None:
        """Let the peaks of memory begin anew; needs the right to write below /proc."""
        for worker in self._workers():
            Path(f"/proc/{worker}/clear_refs").write_text("5")

    def peak_mib(self) -> float:
        """The most memory that any worker has held since, in MiB."""
        return max(map(_peak, self._workers())) / 1024

    def _workers(self) -> list[int]:
        return [int(pid) for pid in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()]


def _peak(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))


@contextmanager
def served() -> Iterator[int]:
    """Run the site on a free port of the loopback address; gives the port."""
    with site() as running:
        yield running.port


@contextmanager
def site() -> Iterator[Site]:
    """Run the site as `served` does, and say which process it is."""
    connection.close()
    listening = socket.create_server(("127.0.0.1", 0), backlog=128)
    port: int = listening.getsockname()[1]
    command = [
        sys.executable, "-m", "gunicorn", "--config", "python:config.gunicorn", "--log-level", "warning",
        "--bind", f"fd://{listening.fileno()}", "config.wsgi:application",
    ]  # fmt: skip
    environment = {**os.environ, "GATEBOOK_WEB_PROCESSES": PROCESSES}
    with listening, subprocess.Popen(command, env=environment, pass_fds=[listening.fileno()]) as server:
        try:
            _wait(port, server)
            yield Site(port, server.pid)
        finally:
            server.terminate()


def _wait(port: int, server: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            asking = HTTPConnection("127.0.0.1", port, timeout=5)
            asking.request("GET", "/healthz")
            if asking.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError("The server did not start; its own words stand above.")


@dataclass
class Load:
    """What came back: seconds of each answer, and how many connections had to be opened anew."""

    seconds: list[float] = field(default_factory=list)
    elapsed: float = 0.0
    reopened: int = 0

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.seconds) / self.elapsed


class _Asker:
    """One connection that sends the next request as soon as the last is answered."""

    def __init__(self, port: int, request: bytes) -> None:
        self.port, self.request = port, request
        self.open()

    def open(self) -> None:
        self.socket = socket.create_connection(("127.0.0.1", self.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    def ask(self) -> None:
        self.buffer = b""
        self.sent = time.perf_counter()
        self.socket.sendall(self.request)

    def read(self) -> bool | None:
        """True when the answer is whole, None when the server has closed the connection."""
        try:
            part = self.socket.recv(65_536)
        except ConnectionError:
            return None
        if not part:
            return None
        self.buffer += part
        return _whole(self.buffer)


def _whole(answer: bytes) -> bool:
    head, end, body = answer.partition(b"\r\n\r\n")
    if not end:
        return False
    status = head.split(b" ", 2)[1]
    if status != b"200":
        raise RuntimeError(f"The server answers {status.decode()}: {answer[:400]!r}")
    lower = head.lower()
    if b"content-length: " not in lower:
        raise RuntimeError("An answer without Content-Length cannot be told apart from the next.")
    length = int(lower.split(b"content-length: ", 1)[1].split(b"\r\n", 1)[0])
    return len(body) >= length


def load(port: int, path: str, *, token: str = "", clients: int, seconds: float) -> Load:
    """Ask `path` again and again on `clients` kept connections; the answers must all be 200."""
    lines = [f"GET {path} HTTP/1.1", "Host: 127.0.0.1", "Accept: application/json"]
    if token:
        lines.append(f"Authorization: Bearer {token}")
    request = ("\r\n".join(lines) + "\r\n\r\n").encode()
    askers = [_Asker(port, request) for _ in range(clients)]
    result, chooser = Load(), selectors.DefaultSelector()
    start = time.perf_counter()
    for asker in askers:
        chooser.register(asker.socket, selectors.EVENT_READ, asker)
        asker.ask()
    while (now := time.perf_counter()) < start + seconds:
        for key, _ in chooser.select(timeout=1.0):
            _advance(key.data, chooser, result)
    result.elapsed = now - start
    for asker in askers:
        asker.socket.close()
    chooser.close()
    return result


def _advance(asker: _Asker, chooser: selectors.BaseSelector, result: Load) -> None:
    whole = asker.read()
    if whole is None:  # a worker that has served its share of requests makes place for a fresh one
        chooser.unregister(asker.socket)
        asker.socket.close()
        asker.open()
        chooser.register(asker.socket, selectors.EVENT_READ, asker)
        result.reopened += 1
        asker.ask()
    elif whole:
        result.seconds.append(time.perf_counter() - asker.sent)
        asker.ask()
