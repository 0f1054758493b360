"""CPU time of servers, by which two of them can be told apart on a machine that others keep busy."""

import os
from collections.abc import Iterable
from pathlib import Path

import psycopg

_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(roots: Iterable[int]) -> float:
    """What these processes and all below them have used, those that have ended included."""
    return sum(sum(_used(pid)) for root in roots for pid in _tree(root))


def database_server() -> list[int]:
    """The process of the PostgreSQL that DATABASE_URL names, if it runs here and its folder may be read."""
    with psycopg.connect(os.environ["DATABASE_URL"]) as link:
        row = link.execute("SHOW data_directory").fetchone()
    assert row is not None
    try:
        return [int((Path(row[0]) / "postmaster.pid").read_text().splitlines()[0])]
    except OSError:
        return []


def _tree(pid: int) -> list[int]:
    found, waiting = list[int](), [pid]
    while waiting:
        each = waiting.pop()
        try:
            text = Path(f"/proc/{each}/task/{each}/children").read_text()
        except OSError:
            continue
        found.append(each)
        waiting += [int(child) for child in text.split()]
    return found


def _used(pid: int) -> list[float]:
    try:
        parts = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
    return [int(part) / _TICKS for part in parts[11:15]]
