"""Keeps a few child processes running together: starts them, restarts what crashes, stops all of them."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from celery.platforms import set_pdeathsig  # type: ignore[attr-defined]  # celery-types lacks it

POLL_SECONDS = 0.2
BACKOFF_SECONDS = (1, 2, 4, 8, 15, 30)
STEADY_SECONDS = 60.0
STOP_SECONDS = 20.0
ENDING = (signal.SIGINT, signal.SIGTERM)


@dataclass
class Child:
    """One process to keep. A `vital` one whose first start fails is a mistake to report, not to repeat."""

    name: str
    command: Sequence[str]
    vital: bool = False
    pass_fds: Sequence[int] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    due: float = 0.0
    crashes: int = 0
    starts: int = 0

    def start(self) -> None:
        """Start in a group of its own, so that a Ctrl-C in the terminal reaches the supervisor alone."""
        self.process = subprocess.Popen(  # noqa: S603  # our own command lines
            list(self.command),
            env={**os.environ, **self.environment},
            pass_fds=list(self.pass_fds),
            process_group=0,
            # Should the supervisor be killed, the kernel ends its children. This process has no threads yet.
            preexec_fn=_die_with_parent,  # noqa: PLW1509
        )
        self.started = time.monotonic()
        self.starts += 1

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process alone; nothing happens when it is gone."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(number)

    def kill(self) -> None:
        """End the process and all that it started."""
        if self.process:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def _die_with_parent() -> None:
    set_pdeathsig("SIGKILL")


class Supervisor:
    """Runs children until a signal or a vital failure ends it; `run()` gives the exit code.

    `say` gets one line for each event worth a person's eye.
    """

    def __init__(self, children: Sequence[Child], say: Callable[[str], None]) -> None:
        self.children = children
        self.say = say
        self.stopping = False

    def run(self) -> int:
        """0 after SIGINT or SIGTERM; the child's own code, or 1, when a vital child cannot start."""
        before = {number: signal.signal(number, self._on_signal) for number in ENDING}
        try:
            for child in self.children:
                child.start()
            code = 0
            while not self.stopping and code == 0:
                time.sleep(POLL_SECONDS)
                code = self._look_after()
            return code
        finally:
            self._stop()
            for number, handler in before.items():
                signal.signal(number, handler)

    def _on_signal(self, number: int, frame: object) -> None:
        self.stopping = True

    def _look_after(self) -> int:
        now = time.monotonic()
        for child in self.children:
            if child.process is None:
                if now >= child.due:
                    child.start()
            elif (code := child.process.poll()) is not None:
                if child.vital and child.starts == 1 and now - child.started < STEADY_SECONDS:
                    self.say(f"{child.name} did not start (exit code {code}).")
                    return code if code > 0 else 1
                self._plan_restart(child, code, now)
        return 0

    def _plan_restart(self, child: Child, code: int, now: float) -> None:
        child.kill()  # what it started must not run on beside its successor
        child.crashes = 0 if now - child.started > STEADY_SECONDS else child.crashes
        wait = BACKOFF_SECONDS[min(child.crashes, len(BACKOFF_SECONDS) - 1)]
        child.crashes += 1
        child.process, child.due = None, now + wait
        self.say(f"{child.name} ended with code {code}; starting it again in {wait} s.")

    def _stop(self) -> None:
        """Ask all to end, wait, then kill what is left: a task that is cut short is delivered again later."""
        for child in self.children:
            child.signal(signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        for child in self.children:
            if child.process is None:
                continue
            try:
                child.process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                self.say(f"{child.name} did not end within {STOP_SECONDS:.0f} s and is killed.")
            child.kill()
