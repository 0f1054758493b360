"""The data-validation executor: a profile of a data set, its faults, and the rows that are set aside."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lifecycle.executors.columns import as_texts
from lifecycle.executors.datasets import Dataset, file_digest, read
from lifecycle.executors.environment import code_version
from lifecycle.executors.errors import Invalid, nearest
from lifecycle.executors.profiles import profile_column
from lifecycle.executors.progress import Progress, quiet
from lifecycle.executors.records import to_plain
from lifecycle.executors.schemas import Fault, column_faults, repeated_rows
from lifecycle.executors.specs import spec_digest
from lifecycle.executors.validation_specs import Disjoint, Freshness, ValidationSpec
from lifecycle.executors.windows import read_times, utc

MOST_SET_ASIDE = 10_000
"""So many failing rows are kept to be looked at; all are counted."""


@dataclass(frozen=True)
class Violation:
    """A rule that the data break, how often, and the first rows (from 1) and values that do."""

    rule: str
    column: str
    count: int
    text: str
    rows: list[int]
    examples: list[str]


@dataclass(frozen=True)
class DataReport:
    """What a data-validation run leaves. `aside_path` is a CSV file of the failing rows, None without any."""

    verdict: Literal["valid", "invalid"]
    violations: list[Violation]
    violation_rows: int
    violation_rate: float
    overlap_rows: int | None
    age_hours: float | None
    missing_share: float
    schema: dict[str, Any]
    set_aside: dict[str, Any] | None
    profile: dict[str, dict[str, Any]]
    data: dict[str, Any]
    disjoint: dict[str, dict[str, Any]]
    code: dict[str, str | None]
    spec_sha256: str
    duration_s: float
    aside_path: Path | None = None

    def to_record(self) -> dict[str, Any]:
        """The report as JSON-able values; undefined numbers are None."""
        record: dict[str, Any] = to_plain(self)
        del record["aside_path"]
        return record


def validate_data(
    spec: ValidationSpec, *, root: Path, workdir: Path | None = None, progress: Progress = quiet
) -> DataReport:
    """Profiles every column and checks the schema; failing rows go into a file in `workdir`, if there is one.

    Faults of the data are violations in the report; Invalid is raised only when there is no table to
    look at (file missing, empty, outside the root, not parsable) or the schema names columns of keys, times
    or other data that are not there.
    """
    started = time.monotonic()
    progress("read data", 0.1)
    dataset = read(spec.data, root=root)
    _check_named(spec, dataset)
    progress("check schema", 0.3)
    faults = [*_too_few(spec, dataset), *repeated_rows(spec, dataset.frame)]
    faults += column_faults(spec.columns, dataset.frame)
    progress("check freshness", 0.5)
    age, old = _freshness(spec.freshness, dataset)
    progress("check overlap", 0.6)
    shared, others = _overlaps(spec, dataset, root)
    faults += [*old, *shared]
    progress("profile", 0.75)
    profile = {name: profile_column(dataset.frame[name]) for name in dataset.columns}
    bad = _bad_rows(faults, len(dataset.frame))
    progress("set rows aside", 0.95)
    aside = _set_aside(dataset.frame, faults, bad, workdir) if workdir is not None else None
    progress("done", 1.0)
    return DataReport(
        verdict="invalid" if faults else "valid",
        violations=[_violation(fault, len(dataset.frame)) for fault in faults],
        violation_rows=int(bad.sum()),
        violation_rate=float(bad.sum()) / max(len(dataset.frame), 1),
        overlap_rows=sum(part["overlap_rows"] for part in others.values()) if others else None,
        age_hours=age,
        missing_share=float(dataset.frame.isna().to_numpy().mean()) if len(dataset.frame) else 0.0,
        schema=_schema_record(spec),
        set_aside=_aside_record(aside, bad),
        profile=profile,
        data=dataset.to_record(),
        disjoint=others,
        code=code_version(),
        spec_sha256=spec_digest(spec),
        duration_s=time.monotonic() - started,
        aside_path=aside,
    )


def _check_named(spec: ValidationSpec, dataset: Dataset) -> None:
    named = [(name, f"/unique/{place}") for place, name in enumerate(spec.unique)]
    named += [(spec.freshness.column, "/freshness/column")] if spec.freshness else []
    for number, part in enumerate(spec.disjoint):
        named += [(name, f"/disjoint/{number}/on/{place}") for place, name in enumerate(part.on)]
    for name, where in named:
        if name not in dataset.columns:
            text = f"There is no column “{name}”. {nearest(name, dataset.columns)}"
            raise Invalid("unknown_column", text, where)


def _too_few(spec: ValidationSpec, dataset: Dataset) -> list[Fault]:
    rows = len(dataset.frame)
    if rows >= spec.min_rows:
        return []
    text = f"There are {rows} rows; at least {spec.min_rows} are needed."
    return [Fault("min_rows", "", np.empty(0, dtype=np.int64), text)]


def _freshness(rule: Freshness | None, dataset: Dataset) -> tuple[float | None, list[Fault]]:
    """The age of the newest row in hours, and the fault if it is too old."""
    if rule is None:
        return None, []
    times = read_times(dataset.frame[rule.column], "/freshness/column")
    nobody = np.empty(0, dtype=np.int64)
    if not times.notna().any():
        return None, [Fault("freshness", rule.column, nobody, f"“{rule.column}” holds no time at all.")]
    newest = times.max()
    age = (utc(rule.at or datetime.now(UTC)) - newest).total_seconds() / 3600
    if age <= rule.max_age_hours:
        return age, []
    text = (
        f"The newest row is of {newest:%Y-%m-%d %H:%M} UTC, {age:.0f} hours old;"
        f" at most {rule.max_age_hours:g} are allowed."
    )
    return age, [Fault("freshness", rule.column, nobody, text)]


def _overlaps(
    spec: ValidationSpec, dataset: Dataset, root: Path
) -> tuple[list[Fault], dict[str, dict[str, Any]]]:
    faults: list[Fault] = []
    others: dict[str, dict[str, Any]] = {}
    for number, part in enumerate(spec.disjoint):
        other = read(part.data, root=root, columns=part.on, where=f"/disjoint/{number}/data")
        known = set(_keys(other.frame, part))
        rows = np.flatnonzero([key in known for key in _keys(dataset.frame, part)])
        others[part.name] = {**other.to_record(), "overlap_rows": int(rows.size)}
        if rows.size > part.max_rows:
            key = " and ".join(f"“{name}”" for name in part.on)
            text = f"{rows.size} rows share their {key} with “{part.name}”; allowed {part.max_rows}."
            faults.append(Fault("overlap", ", ".join(part.on), rows.astype(np.int64), text))
    return faults, others


def _keys(frame: pd.DataFrame, part: Disjoint) -> list[tuple[Any, ...]]:
    return list(zip(*(as_texts(frame[name]) for name in part.on), strict=True))


def _bad_rows(faults: list[Fault], rows: int) -> NDArray[np.bool_]:
    bad = np.zeros(rows, dtype=bool)
    for fault in faults:
        bad[fault.rows] = True
    return bad


def _violation(fault: Fault, rows: int) -> Violation:
    count = fault.rows.size if fault.rule not in ("min_rows", "freshness") else rows
    first = [int(row) + 1 for row in fault.rows[:5]]
    return Violation(fault.rule, fault.column, int(count), fault.text, first, list(fault.examples))


def _set_aside(frame: pd.DataFrame, faults: list[Fault], bad: NDArray[np.bool_], folder: Path) -> Path | None:
    """A CSV file of the failing rows: their number (from 1), the rules they break, and their values."""
    rows = np.flatnonzero(bad)[:MOST_SET_ASIDE]
    if not rows.size:
        return None
    reasons: dict[int, list[str]] = {int(row): [] for row in rows}
    for fault in faults:
        name = f"{fault.rule} {fault.column}"
        for row in fault.rows.tolist():
            if row in reasons:
                reasons[row].append(name)
    kept = frame.iloc[rows].copy()
    kept.insert(0, "(rules)", ["; ".join(reasons[int(row)]) for row in rows])
    kept.insert(0, "(row)", rows + 1)
    draft = folder / "set-aside.csv"
    kept.to_csv(draft, index=False, lineterminator="\n")
    return draft.rename(folder / f"{file_digest(draft)}.csv")


def _aside_record(path: Path | None, bad: NDArray[np.bool_]) -> dict[str, Any] | None:
    if path is None:
        return None
    kept = min(int(bad.sum()), MOST_SET_ASIDE)
    return {"sha256": path.stem, "bytes": path.stat().st_size, "rows": kept, "failing": int(bad.sum())}


def _schema_record(spec: ValidationSpec) -> dict[str, Any]:
    named = spec.schema_version
    return {
        "name": named.name if named else None,
        "version": named.version if named else None,
        "sha256": spec_digest(spec.rules),
    }
