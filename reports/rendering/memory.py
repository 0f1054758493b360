"""How much memory the rendering child may take, and how it ends when that is not enough.

Any line may be the one whose allocation the kernel refuses, Python's or C's, and not all of them say so
cleanly: an import ends with a SystemError, a C library with an abort. So the child is not led to that wall. A
timer looks at what is used and ends the child with a clear word a good way before; the wall behind it is for
one great piece that is asked for at once.
"""

import os
import resource
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

MEBI = 1024 * 1024
# Between the limit and the kernel's wall. A page takes 5 MiB and 0.25 s.
HEADROOM = 128 * MEBI
# Of processor time: a busy machine looks as often for what was done as an idle one.
SECONDS_BETWEEN_LOOKS = 0.02
STATM = Path("/proc/self/statm")
MAPPED, RESIDENT = 0, 1


class Budget:
    """`allowed` bytes on top of the most that this process has used when the budget is made.

    What the interpreter and its libraries take for an empty page, some of it for a moment only, differs by
    machine; it is not the report's, and not counted.
    """

    def __init__(self, allowed: int) -> None:
        self.end = most_used() + allowed
        if not address_space():
            return
        # The kernel counts what is mapped, touched or not: a thread alone reserves 64 MiB.
        wall = address_space() + allowed + HEADROOM
        _soft, hard = resource.getrlimit(resource.RLIMIT_AS)
        if hard != resource.RLIM_INFINITY:
            wall = min(wall, hard)
        resource.setrlimit(resource.RLIMIT_AS, (wall, wall))

    def spent(self) -> bool:
        """Whether more is in use than allowed."""
        return in_use() > self.end

    @contextmanager
    def watched(self, then: Callable[[], None]) -> Iterator[None]:
        """Inside, call `then` in the main thread as soon as the budget is spent."""

        def look(_number: int, _frame: object) -> None:
            if self.spent():
                then()

        signal.signal(signal.SIGPROF, look)
        signal.siginterrupt(signal.SIGPROF, False)
        signal.setitimer(signal.ITIMER_PROF, SECONDS_BETWEEN_LOOKS, SECONDS_BETWEEN_LOOKS)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)


def ran_out(problem: BaseException) -> bool:
    """Whether `problem` is how Python tells that the kernel gave no memory: outright, or a lost error."""
    lost = isinstance(problem, SystemError) and "without" in str(problem)
    return lost or isinstance(problem, MemoryError)


def in_use() -> int:
    """Bytes of real memory now; where the system does not tell, the most that was ever used."""
    try:
        return _pages(RESIDENT)
    except FileNotFoundError:  # not Linux
        return most_used()


def most_used() -> int:
    """Bytes of real memory at the fullest moment so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def address_space() -> int:
    """Bytes that are mapped, most of them never touched; 0 where the system does not tell."""
    try:
        return _pages(MAPPED)
    except FileNotFoundError:  # not Linux
        return 0


def _pages(field: int) -> int:
    return int(STATM.read_bytes().split()[field]) * os.sysconf("SC_PAGE_SIZE")
