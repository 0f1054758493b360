"""What a model leans on: by how much it worsens when one feature is shuffled (Breiman 2001)."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lifecycle.executors.fitted import Model
from lifecycle.executors.gains import gain
from lifecycle.executors.judging import Judge

SAMPLE_ROWS = 3000
REPEATS = 3
KEPT = 15


def importance(model: Model, judge: Judge, prepared: pd.DataFrame, *, seed: int) -> list[dict[str, Any]]:
    """By how much the main metric worsens when a feature is shuffled (Breiman 2001), largest first.

    Measured on at most 3,000 rows of the test set (whole groups of a ranking), three times.
    """
    rng = np.random.default_rng(seed)
    rows = sample_rows(judge, rng)
    part, sample = judge.of(rows), prepared.loc[rows].reset_index(drop=True)
    base = part.measure(model.score_prepared(sample), [judge.main])[judge.main]
    found: list[dict[str, Any]] = []
    for name in model.features.all:
        drops = []
        for _ in range(REPEATS):
            shuffled = sample.assign(**{name: sample[name].to_numpy()[rng.permutation(len(sample))]})
            value = part.measure(model.score_prepared(shuffled), [judge.main])[judge.main]
            worse = gain(judge.main, base, value)
            if worse is not None:
                drops.append(worse)
        if drops:
            found.append({"feature": name, "mean": float(np.mean(drops)), "std": float(np.std(drops))})
    return sorted(found, key=lambda item: -item["mean"])[:KEPT]


def sample_rows(judge: Judge, rng: np.random.Generator) -> NDArray[np.bool_]:
    """At most 3,000 rows, chosen at random; whole groups of a ranking."""
    if judge.truth.size <= SAMPLE_ROWS:
        return np.ones(judge.truth.size, dtype=bool)
    if judge.candidates is None:
        rows = np.zeros(judge.truth.size, dtype=bool)
        rows[rng.choice(judge.truth.size, SAMPLE_ROWS, replace=False)] = True
        return rows
    groups, sizes = np.unique(judge.candidates.group, return_counts=True)
    order = rng.permutation(groups.size)
    fit = np.cumsum(sizes[order]) <= SAMPLE_ROWS
    return np.isin(judge.candidates.group, groups[order[fit]])
