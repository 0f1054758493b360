"""Which rows are the training set and which the test set."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lifecycle.executors.columns import as_numbers
from lifecycle.executors.errors import Invalid
from lifecycle.executors.specs import TimeSplit, TrainingSpec


def split_rows(spec: TrainingSpec, frame: pd.DataFrame) -> NDArray[np.bool_]:
    """True for the rows of the test set; raises Invalid when the split column cannot be ordered."""
    if isinstance(spec.split, TimeSplit):
        return _split_by_time(spec.split, frame)
    rng = np.random.default_rng(spec.split.seed)
    if spec.ranking:  # a group must not be half in the training set: its rows share what is learned
        group = frame.groupby(list(spec.ranking.group), dropna=False, observed=True).ngroup().to_numpy()
        drawn = rng.random(int(group.max()) + 1) < spec.split.test_share
        return np.asarray(drawn[group], dtype=bool)
    test = np.zeros(len(frame), dtype=bool)
    test[rng.permutation(len(frame))[: round(len(frame) * spec.split.test_share)]] = True
    return test


def _split_by_time(split: TimeSplit, frame: pd.DataFrame) -> NDArray[np.bool_]:
    column = frame[split.column]
    if pd.api.types.is_numeric_dtype(column):
        if isinstance(split.at, str):
            raise Invalid("bad_split", f"“{split.column}” holds numbers, but “at” is a text.", "/split/at")
        numbers = as_numbers(column, where="/split/column")
        _refuse_gaps(np.isnan(numbers), split.column)
        return np.asarray(numbers >= split.at, dtype=bool)
    try:
        times, at = pd.to_datetime(column), pd.Timestamp(split.at)
        later = times >= at
    except (ValueError, TypeError) as error:
        text = f"“{split.column}” and “at” ({split.at!r}) must both be dates: {error}"
        raise Invalid("bad_split", text, "/split") from error
    _refuse_gaps(times.isna().to_numpy(dtype=bool), split.column)
    return later.to_numpy(dtype=bool)


def _refuse_gaps(missing: NDArray[np.bool_], column: str) -> None:
    if missing.any():
        text = f"“{column}” is missing in {int(missing.sum())} rows, which then belong to neither set."
        raise Invalid("bad_split", text, "/split/column")
