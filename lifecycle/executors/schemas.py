"""Holds a table against the rules for its columns, by pandera: which rule each row breaks.

Every column is first brought to its kind, and what cannot be is a fault of its own; pandera then checks
ranges, lists, missing values and uniqueness on what is left.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pandera.pandas as pa
from numpy.typing import NDArray

from lifecycle.executors.columns import as_texts, try_numbers
from lifecycle.executors.errors import nearest
from lifecycle.executors.validation_specs import ColumnRule, ValidationSpec

Rows = NDArray[np.int64]

_YES_NO = ("True", "False", "0", "1", "true", "false")
_UNIQUE = ("field_uniqueness", "multiple_fields_uniqueness")
_SAYS = {
    "type": {
        "number": "holds no number",
        "date": "holds no date",
        "boolean": "holds neither yes nor no",
    },
    "infinite": "is infinite",
    "allowed": "holds a value that is not allowed",
    "unique": "repeats a value",
}


@dataclass(frozen=True)
class Fault:
    """A rule that some rows break. `rows` counts from 0; it is empty for a fault of the whole table."""

    rule: str
    column: str
    rows: Rows
    text: str
    examples: tuple[str, ...] = ()


def column_faults(rules: Iterable[ColumnRule], frame: pd.DataFrame) -> list[Fault]:
    """The faults of the columns, in the order of the rules."""
    found = []
    for rule in rules:
        if rule.name in frame.columns:
            found += _of_column(rule, frame[rule.name])
        elif rule.required:
            text = f"The column “{rule.name}” is missing. {nearest(rule.name, frame.columns)}"
            found.append(Fault("column_missing", rule.name, np.arange(len(frame)), text))
    return found


def repeated_rows(spec: ValidationSpec, frame: pd.DataFrame) -> list[Fault]:
    """Rows that repeat the key of an earlier one."""
    if not spec.unique:
        return []
    schema = pa.DataFrameSchema(unique=list(spec.unique), report_duplicates="exclude_first")
    rows = np.unique([row for rows in _failing(schema, frame).values() for row in rows]).astype(np.int64)
    if not rows.size:
        return []
    key = " and ".join(f"“{name}”" for name in spec.unique)
    text = f"{rows.size} rows repeat the same {key}."
    return [Fault("unique", ", ".join(spec.unique), rows, text)]


def _of_column(rule: ColumnRule, column: "pd.Series[Any]") -> list[Fault]:
    missing = column.isna().to_numpy(dtype=bool)
    found = []
    if missing.size and missing.mean() > rule.max_missing_share:
        allowed = f"allowed are {rule.max_missing_share:.1%}"
        text = f"“{rule.name}” is missing in {missing.mean():.1%} of rows; {allowed}."
        found.append(Fault("missing", rule.name, np.flatnonzero(missing), text))
    values, wrong = _in_kind(rule, column)
    failing = {"type": np.flatnonzero(wrong & ~missing), **_failing(_schema(rule), values.to_frame())}
    for name in ("type", "infinite", "minimum", "maximum", "allowed", "unique"):
        rows = np.setdiff1d(failing.get(name, np.empty(0, dtype=np.int64)), np.flatnonzero(missing))
        if rows.size:
            found.append(_fault(rule, column, name, rows))
    return found


def _fault(rule: ColumnRule, column: "pd.Series[Any]", name: str, rows: Rows) -> Fault:
    limits = {"minimum": f"is below {rule.minimum:g}"} if rule.minimum is not None else {}
    limits |= {"maximum": f"is above {rule.maximum:g}"} if rule.maximum is not None else {}
    told: Any = limits.get(name) or _SAYS[name]
    says = told if isinstance(told, str) else told[rule.kind]
    examples = tuple(dict.fromkeys(str(column.iloc[row])[:80] for row in rows[:5].tolist()))
    count = f"{rows.size} row{'' if rows.size == 1 else 's'}"
    text = f"“{rule.name}” {says} in {count}, the first holds {examples[0]!r}."
    return Fault(name, rule.name, rows, text, examples)


def _in_kind(rule: ColumnRule, column: "pd.Series[Any]") -> tuple["pd.Series[Any]", NDArray[np.bool_]]:
    """The column in its kind, and where it could not be brought there."""
    if rule.kind == "number":
        numbers, wrong = try_numbers(column)
        return pd.Series(numbers, name=rule.name), wrong
    if rule.kind == "date":
        dates = pd.to_datetime(column, errors="coerce", format="mixed", utc=True)
        return dates.reset_index(drop=True), dates.isna().to_numpy(dtype=bool)
    texts = pd.Series(as_texts(column), name=rule.name)
    wrong = ~texts.isin(_YES_NO).to_numpy(dtype=bool)
    return texts, wrong if rule.kind == "boolean" else np.zeros(len(texts), dtype=bool)


def _schema(rule: ColumnRule) -> pa.DataFrameSchema:
    checks = []
    if rule.kind == "number":
        checks.append(pa.Check(lambda values: ~np.isinf(values), error="infinite"))
    if rule.minimum is not None:
        checks.append(pa.Check.ge(rule.minimum, error="minimum"))
    if rule.maximum is not None:
        checks.append(pa.Check.le(rule.maximum, error="maximum"))
    if rule.allowed is not None:
        checks.append(pa.Check(_among(rule), error="allowed"))
    kept: Any = "exclude_first"
    column = pa.Column(None, checks, nullable=True, unique=rule.unique, report_duplicates=kept)
    return pa.DataFrameSchema({rule.name: column})


def _among(rule: ColumnRule) -> Any:
    allowed = [str(item) for item in rule.allowed or ()]
    if rule.kind == "number":
        numbers = pd.to_numeric(pd.Series(list(rule.allowed or ())), errors="coerce").dropna()
        return lambda values: values.isin(numbers)
    if rule.kind == "date":
        dates = pd.to_datetime(pd.Series(allowed), errors="coerce", utc=True).dropna()
        return lambda values: values.isin(dates)
    return lambda values: values.isin(allowed)


def _failing(schema: pa.DataFrameSchema, frame: pd.DataFrame) -> dict[str, Rows]:
    """The rows that fail, by the name of the check; `unique` for repeated values."""
    plain = frame.reset_index(drop=True)
    try:
        schema.validate(plain, lazy=True)
    except pa.errors.SchemaErrors as error:
        rows: dict[str, list[int]] = defaultdict(list)
        cases = error.failure_cases
        for check, index in zip(cases["check"], cases["index"], strict=True):
            name = (
                "unique" if str(check) in ("field_uniqueness", "multiple_fields_uniqueness") else str(check)
            )
            rows[name].append(int(index))
        return {name: np.unique(found).astype(np.int64) for name, found in rows.items()}
    return {}
