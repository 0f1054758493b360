"""Small tables and specifications for the tests of the executors."""

import numpy as np
import pandas as pd

from lifecycle.executors import parse_monitoring, parse_training


def table(rows=400, seed=1):
    rng = np.random.default_rng(seed)
    size = rng.normal(50, 10, rows)
    colour = rng.choice(["red", "green", "blue"], rows)
    chance = 1 / (1 + np.exp(-(size - 50) / 5 - (colour == "red")))
    return pd.DataFrame(
        {
            "day": pd.date_range("2025-01-01", periods=rows, freq="D"),
            "size": size,
            "colour": colour,
            "group": np.arange(rows) // 5,
            "able": rng.random(rows) < 0.8,
            "worth": np.round(np.abs(size + 5 * (colour == "red")), 1),
            "sold": (rng.random(rows) < chance).astype(int),
        }
    )


def write_csv(root, frame=None, name="data.csv"):
    (table() if frame is None else frame).to_csv(root / name, index=False)
    return name


def spec(name="data.csv", **changes):
    whole = {
        "data": {"uri": name, "format": "csv"},
        "target": "sold",
        "task": "classification",
        "features": {"numeric": ["size"], "categorical": ["colour"]},
        "split": {"kind": "random", "test_share": 0.25, "seed": 3},
        "pipeline": {"estimator": "logistic_regression", "scale": True},
        "metrics": ["roc_auc", "accuracy", "brier"],
        "slices": [{"column": "colour"}],
        "baseline": {"kind": "constant"},
        "seed": 3,
    }
    return whole | changes


def ranking(name="data.csv", **changes):
    return spec(
        name,
        target="worth",
        task="ranking",
        ranking={"group": ["group"], "relevance": "worth", "k": 2, "feasible": "able"} | changes,
        pipeline={"estimator": "hist_gradient_boosting", "params": {"max_iter": 20}, "encode": "ordinal"},
        metrics=["ndcg_at_2", "infeasible_rate_at_2", "mae"],
    )


def training(*args, **changes):
    return parse_training(spec(*args, **changes))


def monitoring(reference="reference.csv", current="current.csv", **changes):
    whole = {
        "reference": {"uri": reference, "format": "csv"},
        "current": {"uri": current, "format": "csv"},
        "features": {"numeric": ["size"], "categorical": ["colour"]},
    }
    return parse_monitoring(whole | changes)
