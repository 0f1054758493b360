"""How large a fitted model is: what it has learned, counted in numbers."""

from typing import Any

import numpy as np


def complexity(pipeline: Any) -> dict[str, Any]:
    """Kind of estimator, number of learned parameters and depth; None where the kind has no such count.

    Parameters are coefficients, or nodes of trees, or the values that a neighbours model keeps.
    """
    estimator = pipeline.steps[-1][1] if hasattr(pipeline, "steps") else pipeline
    trees = _trees(estimator)
    if trees:
        parameters: int | None = sum(nodes for nodes, _depth in trees)
        depth: int | None = max(depth for _nodes, depth in trees)
    else:
        parameters, depth = _numbers(estimator), None
    return {"estimator": type(estimator).__name__, "parameters": parameters, "depth": depth}


def _trees(estimator: Any) -> list[tuple[int, int]]:
    """(nodes, depth) of each tree."""
    if hasattr(estimator, "tree_"):
        return [(int(estimator.tree_.node_count), int(estimator.tree_.max_depth))]
    predictors = getattr(estimator, "_predictors", None)
    if predictors is not None:  # of histogram gradient boosting, which has no public name for its trees
        return [(len(one.nodes), int(one.get_max_depth())) for stage in predictors for one in stage]
    members = getattr(estimator, "estimators_", None)
    if members is None:
        return []
    return [pair for member in np.ravel(np.asarray(members, dtype=object)) for pair in _trees(member)]


def _numbers(estimator: Any) -> int | None:
    if hasattr(estimator, "coef_"):
        return int(np.size(estimator.coef_) + np.size(getattr(estimator, "intercept_", 0)))
    kept = getattr(estimator, "_fit_X", None)
    return int(kept.size) if kept is not None else None
