"""Metrics of answers against the truth. Each returns None where it is not defined, never NaN."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from sklearn import metrics as sk

Floats = NDArray[np.float64]

_TINY = 1e-15


def regression(name: str, truth: Floats, prediction: Floats) -> float | None:
    """A regression metric in the unit of the target (r2 and mape: a share of one).

    `bias` is the mean of prediction minus truth. `mape` leaves out rows whose truth is zero.
    """
    if truth.size == 0:
        return None
    error = prediction - truth
    if name == "mae":
        return float(np.abs(error).mean())
    if name == "rmse":
        return float(np.sqrt((error**2).mean()))
    if name == "bias":
        return float(error.mean())
    if name == "mape":
        nonzero = truth != 0
        return float(np.abs(error[nonzero] / truth[nonzero]).mean()) if nonzero.any() else None
    spread = float(((truth - truth.mean()) ** 2).sum())
    return 1 - float((error**2).sum()) / spread if spread > 0 else None


def classification(
    name: str, truth: NDArray[np.int64], shares: Floats, *, positive: int | None, threshold: float
) -> float | None:
    """A classification metric; `truth` holds class numbers.

    Two classes: `shares` are the probabilities of the class `positive`. More classes: one column a
    class; f1, precision and recall are then unweighted means over the classes (macro), roc_auc one
    against the rest, brier the sum over the classes (Brier 1950), calibration_gap is not defined.
    """
    if truth.size == 0:
        return None
    if positive is None:
        return _several_classes(name, truth, shares)
    return _two_classes(name, (truth == positive).astype(np.int64), shares, threshold)


def _two_classes(name: str, hit: NDArray[np.int64], share: Floats, threshold: float) -> float | None:
    if name == "brier":
        return float(((share - hit) ** 2).mean())
    if name == "log_loss":
        return float(_log_losses(hit, share).mean())
    if name == "calibration_gap":
        return float(abs(share.mean() - hit.mean()))
    if name == "roc_auc":
        return float(sk.roc_auc_score(hit, share)) if 0 < hit.sum() < hit.size else None
    said = (share >= threshold).astype(np.int64)
    return _of_labels(name, hit, said, "binary")


def _several_classes(name: str, truth: NDArray[np.int64], shares: Floats) -> float | None:
    count = shares.shape[1]
    exact = np.eye(count)[truth]
    if name == "brier":
        return float(((shares - exact) ** 2).sum(axis=1).mean())
    if name == "log_loss":
        return float(-np.log(np.clip(shares[np.arange(truth.size), truth], _TINY, 1)).mean())
    if name == "calibration_gap":
        return None
    if name == "roc_auc":
        if np.unique(truth).size < count:
            return None
        return float(np.mean([sk.roc_auc_score(exact[:, item], shares[:, item]) for item in range(count)]))
    return _of_labels(name, truth, shares.argmax(axis=1).astype(np.int64), "macro")


def _of_labels(name: str, truth: NDArray[np.int64], said: NDArray[np.int64], average: str) -> float | None:
    if name == "accuracy":
        return float((truth == said).mean())
    if name == "balanced_accuracy":
        present = np.unique(truth)
        return float(np.mean([(said[truth == item] == item).mean() for item in present]))
    of: dict[str, Callable[..., float]] = {
        "f1": sk.f1_score,
        "precision": sk.precision_score,
        "recall": sk.recall_score,
    }
    return float(of[name](truth, said, average=average, zero_division=0.0))


def _log_losses(hit: NDArray[np.int64], share: Floats) -> Floats:
    sure = np.clip(np.where(hit == 1, share, 1 - share), _TINY, 1)
    return np.asarray(-np.log(sure), dtype=np.float64)


def contributions(name: str, truth: Floats, prediction: Floats) -> Floats | None:
    """One value a row whose mean is the metric, for metrics that are such means (for intervals)."""
    error = prediction - truth
    if name == "mae":
        return np.abs(error)
    if name == "brier":
        return np.asarray(error**2, dtype=np.float64)
    if name == "log_loss":
        return _log_losses((truth == 1).astype(np.int64), prediction)
    return None
