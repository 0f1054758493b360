"""How far a current sample has moved from a reference sample.

Population stability index: Siddiqi, "Credit Risk Scorecards" (2006). Jensen-Shannon distance: Endres and
Schindelin (2003), natural logarithm. Two-sample Kolmogorov-Smirnov and chi-squared tests: scipy.
Which bins are used is said in `bins.py`.
"""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.spatial import distance

from lifecycle.executors.bins import Floats, filled, numeric_shares, quantile_edges, shares_of
from lifecycle.executors.specs import Binning, ChiSquared

__all__ = [
    "Drift",
    "categorical_drift",
    "category_counts",
    "jensen_shannon",
    "numeric_drift",
    "numeric_shares",
    "psi_of_shares",
    "quantile_edges",
]

Texts = NDArray[np.object_]
Counts = NDArray[np.int64]

CHART_BINS = 20
CHART_CATEGORIES = 20


@dataclass(frozen=True)
class Drift:
    """The difference of one column between two samples, with what a chart of it needs."""

    psi: float
    js: float
    test: str
    statistic: float | None
    p_value: float | None
    histogram: dict[str, Any]


def psi_of_shares(reference: Floats, current: Floats, binning: Binning = "quantiles") -> float:
    """The population stability index of two lists of bin shares.

    It is the sum of (c - r) * ln(c / r): not negative, zero for equal shares, symmetric.
    """
    r, c = filled(reference, binning), filled(current, binning)
    return float(((c - r) * np.log(c / r)).sum())


def jensen_shannon(reference: Floats, current: Floats) -> float:
    """The Jensen-Shannon distance of two lists of bin shares: 0 for equal ones, at most sqrt(ln 2)."""
    if not reference.sum() or not current.sum():
        return 0.0 if reference.sum() == current.sum() else float(np.sqrt(np.log(2)))
    found = float(distance.jensenshannon(reference, current))
    return found if np.isfinite(found) else 0.0  # rounding may leave a trifle below zero under the root


def numeric_drift(reference: Floats, current: Floats, binning: Binning = "quantiles") -> Drift:
    """Drift of a numeric column; NaN is missing."""
    shares = shares_of(reference, current, binning)
    left, right = reference[~np.isnan(reference)], current[~np.isnan(current)]
    statistic = p_value = None
    if left.size and right.size:
        with warnings.catch_warnings():
            # The sum of an exact p-value may overflow; SciPy then takes the asymptotic one and warns.
            warnings.filterwarnings("ignore", "ks_2samp: Exact calculation unsuccessful", RuntimeWarning)
            result = stats.ks_2samp(left, right)
        statistic, p_value = float(result.statistic), float(result.pvalue)
    return Drift(
        psi=psi_of_shares(*shares, binning),
        js=jensen_shannon(*shares),
        test="kolmogorov_smirnov",
        statistic=statistic,
        p_value=p_value,
        histogram=_histogram(left, right),
    )


def category_counts(
    reference: Texts, current: Texts
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


def categorical_drift(
    reference: Texts,
    current: Texts,
    binning: Binning = "quantiles",
    chi_squared: ChiSquared = "two_samples",
) -> Drift:
    """Drift of a categorical column; a category that the reference lacks is a bin of its own."""
    names, before, now = category_counts(reference, current)
    shares = before / max(before.sum(), 1), now / max(now.sum(), 1)
    statistic, p_value = _chi_squared(before, now, chi_squared)
    return Drift(
        psi=psi_of_shares(*shares, binning),
        js=jensen_shannon(*shares),
        test="chi_squared",
        statistic=statistic,
        p_value=p_value,
        histogram=_bars(names, shares[0], shares[1]),
    )


def _chi_squared(before: Counts, now: Counts, how: ChiSquared) -> tuple[float | None, float | None]:
    """Statistic and p-value: two samples, or the reference as what is expected (as Evidently does).

    Against the reference a category that it lacks has no expectation: the statistic is infinite (None) and
    p is 0.
    """
    if len(before) < 2 or not before.sum() or not now.sum():
        return None, None
    if how == "against_reference":
        if (before == 0).any():
            return None, 0.0
        fit = stats.chisquare(now, before * (now.sum() / before.sum()))
        return float(fit.statistic), float(fit.pvalue)
    result = stats.chi2_contingency(np.array([before, now]), correction=False)
    return float(result.statistic), float(result.pvalue)


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
