"""Measuring in turns: the case and its floor one after the other, round by round, in the same minute."""

import json
import os
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

Round = Callable[[], float]
"""Does one round of work and says what it took, in the unit of its table."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One line of a result: median and range of `values`, and the ratio to the floor of the same rounds."""

    benchmark: str
    database: str
    case: str
    unit: str
    values: Sequence[float]
    floor: str = ""
    ratio: float | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def median(self) -> float:
        """The value that half of the rounds stayed below."""
        return statistics.median(self.values)


def each(action: Callable[[], object], count: int) -> Round:
    """A round of `count` calls; microseconds of wall time for each."""

    def run() -> float:
        start = time.perf_counter()
        for _ in range(count):
            action()
        return (time.perf_counter() - start) / count * 1e6

    return run


def in_turns(cases: Mapping[str, Round], rounds: int, *, warm_up: bool = True) -> dict[str, list[float]]:
    """The values of each case: every round does all cases once, after one that does not count."""
    if warm_up:
        for case in cases.values():
            case()
    values: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(rounds):
        for name, case in cases.items():
            values[name].append(case())
    return values


def ratio(values: Sequence[float], floor: Sequence[float]) -> float:
    """The median of the ratios taken round by round, so that a busy minute weighs on both sides."""
    return statistics.median(mine / theirs for mine, theirs in zip(values, floor, strict=True))


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` (0 to 1) of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


@dataclass
class Report:
    """Prints results as they come and writes them, one JSON object a line, to a file if there is one."""

    database: str
    file: Path | None = None
    machine: Mapping[str, Any] = field(default_factory=dict)

    def heading(self, text: str) -> None:
        """The title of a table, with the load at that moment: a loaded machine makes every figure worse."""
        load = " ".join(f"{part:.1f}" for part in os.getloadavg())
        print(f"\n{text} ({self.database}; load average {load})", flush=True)

    def add(self, cell: Cell) -> None:
        """Print and keep one line."""
        times = f"  x{cell.ratio:.2f} of {cell.floor}" if cell.ratio is not None else ""
        more = "".join(f"  {name} {_short(value)}" for name, value in cell.facts.items())
        range_ = f"{_short(min(cell.values))}..{_short(max(cell.values))}"
        figures = f"{_short(cell.median):>9} {cell.unit:<9} {range_:<17}"
        print(f"  {cell.case:<34} {figures}{times}{more}", flush=True)
        if self.file is not None:
            with self.file.open("a", encoding="utf-8") as file:
                file.write(json.dumps(self._line(cell)) + "\n")

    def _line(self, cell: Cell) -> dict[str, Any]:
        return {
            **asdict(cell),
            "median": cell.median,
            "min": min(cell.values),
            "max": max(cell.values),
            "load": os.getloadavg(),
            "machine": dict(self.machine),
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
        }

    def note(self, text: str) -> None:
        """A line of words."""
        print(f"  {text}", flush=True)

    def table(self, benchmark: str, unit: str, measured: Mapping[str, list[float]], floor: str) -> None:
        """All cases of one table, each with its ratio to `floor`, which is one of them."""
        for case, values in measured.items():
            is_floor = case == floor
            self.add(
                Cell(
                    benchmark=benchmark, database=self.database, case=case, unit=unit, values=values,
                    floor="" if is_floor else floor,
                    ratio=None if is_floor else ratio(values, measured[floor]),
                )
            )  # fmt: skip


def _short(value: object) -> str:
    if not isinstance(value, float):
        return str(value)
    return f"{value:.2f}" if abs(value) < 100 else f"{value:,.0f}"
