"""Cuts two samples of a number into bins, and says which share of each falls into which.

Two definitions. `quantiles` is the one of credit scoring (Siddiqi 2006): ten bins at the quantiles of the
reference, missing values in a bin of their own, an empty bin taken as 0.0001. `sturges` is the one that
Evidently 0.7 uses by default: bins of equal width over both samples, as many as Sturges' rule gives, or one
bin a value when the reference has at most 20; missing and infinite values left out.
"""

import numpy as np
from numpy.typing import NDArray

from lifecycle.executors.specs import Binning

Floats = NDArray[np.float64]

EPSILON = 1e-4
"""The share that an empty bin is taken to have, so that the logarithm stays finite."""
BINS = 10
FEW_VALUES = 20
"""Up to so many distinct values in the reference, `sturges` takes each value as a bin."""


def quantile_edges(reference: Floats, bins: int = BINS) -> Floats:
    """Inner bin edges at the quantiles of the finite reference values; fewer where values repeat.

    A reference that holds one value alone gets a bin below it, one for it and one above it: else a window
    that moved away from it could share its bin.
    """
    values = reference[np.isfinite(reference)]
    if values.size == 0:
        return np.empty(0)
    if values.min() == values.max():
        return np.array([np.nextafter(values[0], -np.inf), values[0]])
    return np.unique(np.quantile(values, np.linspace(0, 1, bins + 1)[1:-1]))


def numeric_shares(values: Floats, edges: Floats) -> Floats:
    """The share of `values` in each bin, and of missing ones last.

    A value on an edge counts to the lower bin.
    """
    missing = np.isnan(values)
    counts = np.bincount(np.searchsorted(edges, values[~missing], side="left"), minlength=edges.size + 1)
    return np.append(counts, missing.sum()) / max(values.size, 1)


def shares_of(reference: Floats, current: Floats, binning: Binning) -> tuple[Floats, Floats]:
    """The shares of both samples in the same bins, by the definition asked for."""
    if binning == "quantiles":
        edges = quantile_edges(reference)
        return numeric_shares(reference, edges), numeric_shares(current, edges)
    return _sturges(reference[np.isfinite(reference)], current[np.isfinite(current)])


def _sturges(reference: Floats, current: Floats) -> tuple[Floats, Floats]:
    both = np.concatenate([reference, current])
    if not both.size:
        return np.empty(0), np.empty(0)
    values = np.unique(both)
    if np.unique(reference).size <= FEW_VALUES:
        places = np.searchsorted(values, reference), np.searchsorted(values, current)
        counts = [np.bincount(place, minlength=values.size) for place in places]
    else:
        edges = np.histogram_bin_edges(both, bins="sturges")
        counts = [np.histogram(part, edges)[0] for part in (reference, current)]
    return counts[0] / max(reference.size, 1), counts[1] / max(current.size, 1)


def filled(shares: Floats, binning: Binning) -> Floats:
    """The shares with what an empty bin is taken to have, so that logarithms can be taken."""
    if binning == "quantiles":
        return np.maximum(shares, EPSILON)
    there = shares[shares != 0]
    if not there.size:
        return np.full(shares.size, EPSILON)
    least = float(there.min())
    return np.where(shares == 0, least / 10**6 if least <= EPSILON else EPSILON, shares)
