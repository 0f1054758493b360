"""The quality of a ranking inside groups: what the best k of each group are worth.

NDCG with the worth itself as gain and log2 discount (Järvelin and Kekäläinen 2002).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lifecycle.executors.columns import as_numbers
from lifecycle.executors.errors import Invalid
from lifecycle.executors.specs import Ranking

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Candidates:
    """The rows that are ranked: their group numbers, worth and whether each can be done."""

    group: NDArray[np.int64]
    relevance: Floats
    feasible: NDArray[np.bool_]
    k: int
    filtered: bool

    def of(self, rows: NDArray[np.bool_]) -> "Candidates":
        return Candidates(self.group[rows], self.relevance[rows], self.feasible[rows], self.k, self.filtered)


@dataclass(frozen=True)
class GroupScores:
    """For each group with something worth ranking its NDCG, and what was recommended in all groups."""

    ndcg: Floats
    recommended: int
    infeasible: int

    @property
    def infeasible_rate(self) -> float | None:
        return self.infeasible / self.recommended if self.recommended else None


def candidates(frame: pd.DataFrame, spec: Ranking) -> Candidates:
    """The candidates in `frame`; raises Invalid for a worth that is missing or negative."""
    worth = as_numbers(frame[spec.relevance], where="/ranking/relevance")
    if np.isnan(worth).any() or (worth < 0).any():
        text = f"“{spec.relevance}” must be a number of at least 0 in every row that is ranked."
        raise Invalid("bad_relevance", text, "/ranking/relevance")
    group = frame.groupby(list(spec.group), sort=True, dropna=False, observed=True).ngroup()
    return Candidates(
        group=np.asarray(group, dtype=np.int64),
        relevance=worth,
        feasible=_feasible(frame, spec.feasible),
        k=spec.k,
        filtered=spec.filter_infeasible,
    )


def _feasible(frame: pd.DataFrame, column: str | None) -> NDArray[np.bool_]:
    if column is None:
        return np.ones(len(frame), dtype=bool)
    values: Any = frame[column]
    if not pd.api.types.is_bool_dtype(values) and not set(values.dropna().unique()) <= {0, 1}:
        raise Invalid(
            "not_yes_no", f"“{column}” must hold yes or no (true and false, or 1 and 0).", "/ranking/feasible"
        )
    return np.asarray(values.fillna(False).astype(bool), dtype=bool)  # unknown stock is no stock


def score_groups(items: Candidates, score: Floats) -> GroupScores:
    """Ranks each group by `score`, the highest first (ties by row order), and judges its top k."""
    if items.filtered:
        score, items = score[items.feasible], items.of(items.feasible)
    if items.group.size == 0:
        return GroupScores(np.empty(0), 0, 0)
    taken, gained = _top(items, score)
    _, ideal = _top(items, items.relevance)
    worth_it = ideal > 0
    return GroupScores(
        ndcg=gained[worth_it] / ideal[worth_it],
        recommended=int(taken.size),
        infeasible=int((~items.feasible[taken]).sum()),
    )


def _top(items: Candidates, score: Floats) -> tuple[NDArray[np.int64], Floats]:
    """The rows taken, and the discounted worth of each group."""
    _, group = np.unique(items.group, return_inverse=True)
    order = np.lexsort((np.arange(score.size), -score, group))
    ordered = group[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    rank = np.arange(ordered.size) - np.repeat(starts, np.diff(np.r_[starts, ordered.size]))
    top = rank < items.k
    taken = order[top].astype(np.int64)
    discounted = items.relevance[taken] / np.log2(rank[top] + 2)
    worth = np.bincount(ordered[top], weights=discounted, minlength=starts.size)
    return taken, np.asarray(worth, dtype=np.float64)
