"""How far a current sample has moved from a reference sample.

Population stability index: Siddiqi, "Credit Risk Scorecards" (2006). Two-sample Kolmogorov-Smirnov
and chi-squared tests: scipy.
"""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]

EPSILON = 1e-4
"""The share that an empty bin is taken to have, so that the logarithm stays finite."""
BINS = 10
EXACT_UP_TO = 100
CHART_BINS = 20
CHART_CATEGORIES = 20


@dataclass(frozen=True)
class Drift:
    """The difference of one column between two samples, with what a chart of it needs."""

    psi: float
    test: str
    statistic: float | None
    p_value: float | None
    histogram: dict[str, Any]


def psi_of_shares(reference: Floats, current: Floats) -> float:
    """The population stability index of two lists of bin shares.

    It is the sum of (c - r) * ln(c / r): not negative, zero for equal shares, symmetric.
    """
    r, c = np.maximum(reference, EPSILON), np.maximum(current, EPSILON)
    return float(((c - r) * np.log(c / r)).sum())


def quantile_edges(reference: Floats, bins: int = BINS) -> Floats:
    """Inner bin edges at the quantiles of the finite reference values; fewer where values repeat."""
    values = reference[np.isfinite(reference)]
    if values.size == 0:
        return np.empty(0)
    return np.unique(np.quantile(values, np.linspace(0, 1, bins + 1)[1:-1]))


def numeric_shares(values: Floats, edges: Floats) -> Floats:
    """The share of `values` in each bin, and of missing ones last.

    A value on an edge counts to the lower bin.
    """
    missing = np.isnan(values)
    counts = np.bincount(np.searchsorted(edges, values[~missing], side="left"), minlength=edges.size + 1)
    return np.append(counts, missing.sum()) / max(values.size, 1)


def numeric_drift(reference: Floats, current: Floats) -> Drift:
    """Drift of a numeric column; NaN is missing and a bin of its own."""
    edges = quantile_edges(reference)
    psi = psi_of_shares(numeric_shares(reference, edges), numeric_shares(current, edges))
    left, right = reference[~np.isnan(reference)], current[~np.isnan(current)]
    statistic = p_value = None
    if left.size and right.size:
        small = max(left.size, right.size) <= EXACT_UP_TO  # where the asymptotic formula does not hold
        with warnings.catch_warnings():
            # The sum of an exact p-value may overflow; SciPy then takes the asymptotic one and warns.
            warnings.filterwarnings("ignore", "ks_2samp: Exact calculation unsuccessful", RuntimeWarning)
            result = stats.ks_2samp(left, right, method="exact" if small else "asymp")
        statistic, p_value = float(result.statistic), float(result.pvalue)
    return Drift(psi, "kolmogorov_smirnov", statistic, p_value, _histogram(left, right))


def category_counts(
    reference: NDArray[np.object_], current: NDArray[np.object_]
) -> tuple[list[str], NDArray[np.int64], NDArray[np.int64]]:
    """All categories, those of the reference first by frequency, with their counts in both."""
    names, counts = np.unique(reference.astype(str), return_counts=True)
    order = [str(name) for name in names[np.lexsort((names, -counts))]]
    seen = dict(zip((str(name) for name in names), (int(count) for count in counts), strict=True))
    now_names, now_counts = np.unique(current.astype(str), return_counts=True)
    now = dict(zip((str(name) for name in now_names), (int(count) for count in now_counts), strict=True))
    every = [*order, *(name for name in now if name not in seen)]
    return (
        every,
        np.array([seen.get(name, 0) for name in every], dtype=np.int64),
        np.array([now.get(name, 0) for name in every], dtype=np.int64),
    )


def categorical_drift(reference: NDArray[np.object_], current: NDArray[np.object_]) -> Drift:
    """Drift of a categorical column; a category that the reference lacks is a bin of its own."""
    names, before, now = category_counts(reference, current)
    shares = before / max(before.sum(), 1), now / max(now.sum(), 1)
    statistic = p_value = None
    if len(names) > 1 and before.sum() and now.sum():
        result = stats.chi2_contingency(np.array([before, now]), correction=False)
        statistic, p_value = float(result.statistic), float(result.pvalue)
    return Drift(
        psi_of_shares(*shares), "chi_squared", statistic, p_value, _bars(names, shares[0], shares[1])
    )


def _histogram(reference: Floats, current: Floats) -> dict[str, Any]:
    """Equal bins over the middle 99 % of both samples together; what lies outside counts to the end bins."""
    both = np.concatenate([reference, current])
    both = both[np.isfinite(both)]
    if both.size == 0:
        return {"kind": "numeric", "edges": [], "reference": [], "current": []}
    low, high = np.quantile(both, [0.005, 0.995])
    if low == high:
        low, high = low - 0.5, high + 0.5
    edges = np.linspace(low, high, CHART_BINS + 1)

    def shares(values: Floats) -> list[float]:
        counts = np.histogram(np.clip(values, low, high), bins=edges)[0]
        return [float(count) for count in counts / max(values.size, 1)]

    return {
        "kind": "numeric",
        "edges": edges.tolist(),
        "reference": shares(reference),
        "current": shares(current),
    }


def _bars(names: list[str], before: Floats, now: Floats) -> dict[str, Any]:
    """The largest categories of either sample; the rest are added up as “(other)”."""
    keep = sorted(np.argsort(-np.maximum(before, now), kind="stable")[:CHART_CATEGORIES].tolist())
    bars: dict[str, Any] = {
        "kind": "categorical",
        "categories": [names[place] for place in keep],
        "reference": [float(before[place]) for place in keep],
        "current": [float(now[place]) for place in keep],
    }
    if len(names) > len(keep):
        bars["categories"].append("(other)")
        bars["reference"].append(float(max(0.0, 1 - sum(bars["reference"]))))
        bars["current"].append(float(max(0.0, 1 - sum(bars["current"]))))
    return bars
