"""The data-validation executor: a profile of a data set and its faults against a schema."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from lifecycle.executors.columns import as_texts, try_numbers
from lifecycle.executors.datasets import Dataset, read
from lifecycle.executors.environment import code_version
from lifecycle.executors.errors import Invalid, nearest
from lifecycle.executors.progress import Progress, quiet
from lifecycle.executors.records import to_plain
from lifecycle.executors.specs import spec_digest
from lifecycle.executors.validation_specs import ColumnRule, ValidationSpec

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
TOP_CATEGORIES = 20


@dataclass(frozen=True)
class Violation:
    """A rule that the data break, and how often."""

    rule: str
    column: str
    count: int
    text: str


@dataclass(frozen=True)
class DataReport:
    """What a data-validation run leaves."""

    verdict: Literal["valid", "invalid"]
    violations: list[Violation]
    violation_rows: int
    violation_rate: float
    missing_share: float
    profile: dict[str, dict[str, Any]]
    data: dict[str, Any]
    code: dict[str, str | None]
    spec_sha256: str
    duration_s: float

    def to_record(self) -> dict[str, Any]:
        """The report as JSON-able values; undefined numbers are None."""
        record: dict[str, Any] = to_plain(self)
        return record


def validate_data(spec: ValidationSpec, *, root: Path, progress: Progress = quiet) -> DataReport:
    """Profiles every column and checks the schema.

    Faults of the data are violations in the report; Invalid is raised only when there is no table to
    look at (file missing, empty, outside the root, not parsable).
    """
    started = time.monotonic()
    progress("read data", 0.1)
    dataset = read(spec.data, root=root)
    progress("check schema", 0.4)
    bad_rows = np.zeros(len(dataset.frame), dtype=bool)
    violations = _table_violations(spec, dataset)
    for rule in spec.columns:
        violations += _column_violations(rule, dataset.frame, bad_rows)
    progress("profile", 0.7)
    profile = {name: profile_column(dataset.frame[name]) for name in dataset.columns}
    progress("done", 1.0)
    rows = max(len(dataset.frame), 1)
    return DataReport(
        verdict="invalid" if violations else "valid",
        violations=violations,
        violation_rows=int(bad_rows.sum()),
        violation_rate=float(bad_rows.sum()) / rows,
        missing_share=float(dataset.frame.isna().to_numpy().mean()) if len(dataset.frame) else 0.0,
        profile=profile,
        data=dataset.to_record(),
        code=code_version(),
        spec_sha256=spec_digest(spec),
        duration_s=time.monotonic() - started,
    )


def profile_column(column: "pd.Series[Any]") -> dict[str, Any]:
    """Rows, missing share and distinct values; numbers with range, mean and quantiles, texts with counts."""
    common = {
        "missing": int(column.isna().sum()),
        "missing_share": float(column.isna().mean()) if len(column) else None,
        "distinct": int(column.nunique()),
    }
    if pd.api.types.is_datetime64_any_dtype(column):
        there = column.dropna()
        ends = {"min": there.min().isoformat(), "max": there.max().isoformat()} if len(there) else {}
        return {"kind": "date", **common, **ends}
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        return {"kind": "number", **common, **_numbers(column)}
    counts = column.dropna().astype(str).value_counts()
    top = {
        str(name): int(count)
        for name, count in sorted(counts.items(), key=lambda item: (-item[1], str(item[0])))
    }
    return {
        "kind": "boolean" if pd.api.types.is_bool_dtype(column) else "text",
        **common,
        "categories": dict(list(top.items())[:TOP_CATEGORIES]),
    }


def _numbers(column: "pd.Series[Any]") -> dict[str, Any]:
    values, _ = try_numbers(column)
    finite = values[np.isfinite(values)]
    infinite = int(np.isinf(values).sum())
    if not finite.size:
        return {"infinite": infinite}
    quantiles = np.quantile(finite, QUANTILES)
    return {
        "infinite": infinite,
        "min": float(finite.min()),
        "max": float(finite.max()),
        "mean": float(finite.mean()),
        "std": float(finite.std()),
        "quantiles": {f"{share:g}": float(value) for share, value in zip(QUANTILES, quantiles, strict=True)},
    }


def _table_violations(spec: ValidationSpec, dataset: Dataset) -> list[Violation]:
    found = []
    rows = len(dataset.frame)
    if rows < spec.min_rows:
        text = f"There are {rows} rows; at least {spec.min_rows} are needed."
        found.append(Violation("min_rows", "", rows, text))
    if spec.unique:
        for position, name in enumerate(spec.unique):
            if name not in dataset.columns:
                text = f"There is no column “{name}”. {nearest(name, dataset.columns)}"
                raise Invalid("unknown_column", text, f"/unique/{position}")
        twice = int(dataset.frame.duplicated(list(spec.unique)).sum())
        if twice:
            key = " and ".join(f"“{name}”" for name in spec.unique)
            found.append(
                Violation("unique", ", ".join(spec.unique), twice, f"{twice} rows repeat the same {key}.")
            )
    return found


def _column_violations(rule: ColumnRule, frame: pd.DataFrame, bad_rows: Any) -> list[Violation]:
    if rule.name not in frame.columns:
        if not rule.required:
            return []
        text = f"The column “{rule.name}” is missing. {nearest(rule.name, frame.columns)}"
        return [Violation("column_missing", rule.name, len(frame), text)]
    column = frame[rule.name]
    found = []
    missing = column.isna().to_numpy(dtype=bool)
    if missing.size and missing.mean() > rule.max_missing_share:
        bad_rows |= missing
        allowed = f"allowed are {rule.max_missing_share:.1%}"
        text = f"“{rule.name}” is missing in {missing.mean():.1%} of rows; {allowed}."
        found.append(Violation("missing", rule.name, int(missing.sum()), text))
    for name, wrong, says in _value_faults(rule, column):
        faults = wrong & ~missing
        if faults.any():
            bad_rows |= faults
            first = column.iloc[int(np.flatnonzero(faults)[0])]
            text = f"“{rule.name}” {says} in {int(faults.sum())} rows, the first holds {str(first)!r}."
            found.append(Violation(name, rule.name, int(faults.sum()), text))
    return found


def _value_faults(rule: ColumnRule, column: "pd.Series[Any]") -> list[tuple[str, Any, str]]:
    faults: list[tuple[str, Any, str]] = []
    if rule.kind == "number":
        numbers, bad = try_numbers(column)
        faults.append(("type", bad, "holds no number"))
        faults.append(("infinite", np.isinf(numbers), "is infinite"))
        if rule.minimum is not None:
            faults.append(("minimum", numbers < rule.minimum, f"is below {rule.minimum:g}"))
        if rule.maximum is not None:
            faults.append(("maximum", numbers > rule.maximum, f"is above {rule.maximum:g}"))
    elif rule.kind == "date":
        dates = pd.to_datetime(column, errors="coerce", format="mixed")
        faults.append(("type", dates.isna().to_numpy(dtype=bool), "holds no date"))
    elif rule.kind == "boolean":
        known = np.isin(as_texts(column).astype(str), ["True", "False", "0", "1", "true", "false"])
        faults.append(("type", ~known, "holds neither yes nor no"))
    if rule.allowed is not None:
        known = np.isin(as_texts(column).astype(str), [str(item) for item in rule.allowed])
        faults.append(("allowed", ~known, "holds a value that is not allowed"))
    return faults
