"""Brings columns into the two forms that a model takes: numbers and texts."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lifecycle.executors.errors import Invalid
from lifecycle.executors.specs import Features

MISSING = "(missing)"
"""The category that stands for a missing text."""


def as_numbers(column: "pd.Series[Any]", *, where: str = "") -> NDArray[np.float64]:
    """The column as floats, NaN for missing; raises Invalid naming the first value that is no number."""
    numbers, faults = try_numbers(column)
    if faults.any():
        row = int(np.flatnonzero(faults)[0])
        text = (
            f"“{column.name}” must hold numbers; row {row + 1} of the data used holds {column.iloc[row]!r}."
        )
        raise Invalid("not_a_number", text, where)
    return numbers


def try_numbers(column: "pd.Series[Any]") -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """The column as floats, and where a value was there but no number."""
    if pd.api.types.is_datetime64_any_dtype(column):
        return np.full(len(column), np.nan), column.notna().to_numpy(dtype=bool)
    numbers = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    return numbers, column.notna().to_numpy(dtype=bool) & np.isnan(numbers)


def as_texts(column: "pd.Series[Any]") -> NDArray[np.object_]:
    """The column as texts, `(missing)` for missing; whole floats read like the integers they were."""
    values = column
    if pd.api.types.is_float_dtype(column) and bool((column.dropna() % 1 == 0).all()):
        values = column.astype("Int64")
    texts = values.astype(object).where(column.notna(), MISSING)
    return np.array([str(item) for item in texts], dtype=object)


def feature_frame(frame: pd.DataFrame, features: Features, *, where: str = "/features") -> pd.DataFrame:
    """The features in their order and form; raises Invalid for texts or infinities among the numbers."""
    prepared: dict[str, Any] = {}
    for position, name in enumerate(features.numeric):
        numbers = as_numbers(frame[name], where=f"{where}/numeric/{position}")
        _refuse_infinite(name, numbers, f"{where}/numeric/{position}")
        prepared[name] = numbers
    for name in features.categorical:
        prepared[name] = as_texts(frame[name])
    return pd.DataFrame(prepared, index=pd.RangeIndex(len(frame)))


def _refuse_infinite(name: str, numbers: NDArray[np.float64], where: str) -> None:
    infinite = np.flatnonzero(np.isinf(numbers))
    if infinite.size:
        row = int(infinite[0]) + 1
        text = f"“{name}” holds {infinite.size} infinite values, the first in row {row} of the data used."
        raise Invalid("infinite_values", text, where)


def refuse_empty_features(frame: pd.DataFrame, features: Features, *, where: str = "/features") -> None:
    """Raises Invalid when a feature has no value at all: nothing can be learned from it."""
    for kind, names in (("numeric", features.numeric), ("categorical", features.categorical)):
        for position, name in enumerate(names):
            if frame[name].isna().all():
                raise Invalid(
                    "feature_all_missing",
                    f"The feature “{name}” is missing (NaN) in all {len(frame)} rows.",
                    f"{where}/{kind}/{position}",
                )


def binned(column: "pd.Series[Any]", bin_name: str | None, where: str) -> NDArray[np.object_]:
    """The column as slice labels; dates are cut into months, quarters, years or weekdays first."""
    if bin_name is None:
        return as_texts(column)
    try:
        dates = pd.to_datetime(column)
    except (ValueError, TypeError) as error:
        raise Invalid(
            "not_a_date", f"“{column.name}” must hold dates to be cut by {bin_name}.", where
        ) from error
    match bin_name:
        case "month":
            labels: Any = dates.dt.month
        case "quarter":
            labels = dates.dt.quarter
        case "year":
            labels = dates.dt.year
        case "weekday":
            labels = dates.dt.day_of_week + 1
        case _:
            labels = dates.dt.strftime("%Y-%m")
    return as_texts(labels)
