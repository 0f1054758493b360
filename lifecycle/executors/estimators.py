"""The scikit-learn estimators that a specification may name, and the parameters each may set.

An allow list and not a block list: a specification is data that anybody with a project may write,
so it chooses among known things and can name neither a module nor a callable.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from lifecycle.executors.errors import Invalid, nearest


@dataclass(frozen=True)
class Number:
    """A number from `low` to `high`, both included; `none` also allows null."""

    low: float
    high: float
    whole: bool = False
    none: bool = False

    def fault(self, value: object) -> str | None:
        """What is wrong with `value`, or None."""
        if value is None and self.none:
            return None
        kind = "a whole number" if self.whole else "a number"
        allowed = f"{kind} from {self.low:g} to {self.high:g}" + (" or null" if self.none else "")
        if isinstance(value, bool) or not isinstance(value, int if self.whole else int | float):
            return f"must be {allowed}"
        return None if self.low <= value <= self.high else f"must be {allowed}"


@dataclass(frozen=True)
class Choice:
    """One of a few values."""

    values: tuple[object, ...]

    def fault(self, value: object) -> str | None:
        """What is wrong with `value`, or None."""
        if any(value is item or (type(value) is type(item) and value == item) for item in self.values):
            return None
        shown = ", ".join("null" if item is None else str(item).lower() for item in self.values)
        return f"must be one of {shown}"


@dataclass(frozen=True)
class Allowed:
    """An estimator that may be named: its class by task, its parameters, what we fix for it.

    Classes are dotted names: to judge a specification, nobody need wait for scikit-learn to load.
    """

    classifier: str | None
    regressor: str | None
    params: Mapping[str, Number | Choice]
    seeded: bool = True
    takes_missing: bool = False
    fixed: Mapping[str, object] = field(default_factory=dict)


YES_NO = Choice((True, False))
DEPTH = Number(1, 64, whole=True, none=True)
LEAF = Number(1, 100_000, whole=True)
TREES = Number(1, 500, whole=True)
RATE = Number(0.001, 1.0)
TREE = {"max_depth": DEPTH, "min_samples_leaf": LEAF}
BALANCED = Choice((None, "balanced"))

ESTIMATORS: dict[str, Allowed] = {
    "linear_regression": Allowed(
        None,
        "sklearn.linear_model.LinearRegression",
        {"fit_intercept": YES_NO, "positive": YES_NO},
        seeded=False,
    ),
    "ridge": Allowed(None, "sklearn.linear_model.Ridge", {"alpha": Number(0, 1e6), "fit_intercept": YES_NO}),
    "logistic_regression": Allowed(
        "sklearn.linear_model.LogisticRegression",
        None,
        {"C": Number(1e-6, 1e6), "max_iter": Number(10, 5000, whole=True), "class_weight": BALANCED},
    ),
    "decision_tree": Allowed(
        "sklearn.tree.DecisionTreeClassifier", "sklearn.tree.DecisionTreeRegressor", TREE, takes_missing=True
    ),
    "random_forest": Allowed(
        "sklearn.ensemble.RandomForestClassifier",
        "sklearn.ensemble.RandomForestRegressor",
        {**TREE, "n_estimators": TREES, "max_features": Choice((None, "sqrt", "log2"))},
        takes_missing=True,
    ),
    "gradient_boosting": Allowed(
        "sklearn.ensemble.GradientBoostingClassifier",
        "sklearn.ensemble.GradientBoostingRegressor",
        {**TREE, "n_estimators": TREES, "learning_rate": RATE, "subsample": Number(0.1, 1.0)},
    ),
    "hist_gradient_boosting": Allowed(
        "sklearn.ensemble.HistGradientBoostingClassifier",
        "sklearn.ensemble.HistGradientBoostingRegressor",
        {
            **TREE,
            "max_iter": TREES,
            "learning_rate": RATE,
            "max_leaf_nodes": Number(2, 255, whole=True, none=True),
            "l2_regularization": Number(0, 1e6),
            "early_stopping": YES_NO,
        },
        takes_missing=True,
        fixed={"early_stopping": False},
    ),
    "k_nearest_neighbours": Allowed(
        "sklearn.neighbors.KNeighborsClassifier",
        "sklearn.neighbors.KNeighborsRegressor",
        {"n_neighbors": Number(1, 500, whole=True), "weights": Choice(("uniform", "distance"))},
        seeded=False,
        fixed={"algorithm": "brute"},  # the search trees of the others are compiled types to trust more
    ),
    "dummy": Allowed("sklearn.dummy.DummyClassifier", "sklearn.dummy.DummyRegressor", {}, seeded=False),
}


def check_estimator(name: str, params: Mapping[str, object], task: str, *, where: str = "/pipeline") -> None:
    """Raises Invalid when the estimator, its use for `task` or one of its parameters is off the list."""
    allowed = ESTIMATORS.get(name)
    if allowed is None:
        raise Invalid(
            "unknown_estimator",
            f"“{name}” is not on the list of estimators. {nearest(name, ESTIMATORS)}",
            f"{where}/estimator",
        )
    if (allowed.classifier if task == "classification" else allowed.regressor) is None:
        fitting = [key for key in ESTIMATORS if _class_for(key, task) is not None]
        raise Invalid(
            "estimator_of_other_task",
            f"“{name}” cannot do {task}. Possible are: {', '.join(fitting)}.",
            f"{where}/estimator",
        )
    for key, value in params.items():
        _check_param(name, allowed, key, value, f"{where}/params/{key}")


def _check_param(name: str, allowed: Allowed, key: str, value: object, where: str) -> None:
    rule = allowed.params.get(key)
    if rule is None:
        raise Invalid(
            "unknown_parameter",
            f"“{name}” has no parameter “{key}” that may be set here. {nearest(key, allowed.params)}",
            where,
        )
    fault = rule.fault(value)
    if fault:
        raise Invalid("parameter_out_of_range", f"“{key}” of “{name}” {fault}; it is {value!r}.", where)


def _class_for(name: str, task: str) -> str | None:
    allowed = ESTIMATORS[name]
    return allowed.classifier if task == "classification" else allowed.regressor


def make_estimator(name: str, params: Mapping[str, object], task: str, seed: int) -> Any:
    """An unfitted estimator, checked against the list; raises Invalid."""
    check_estimator(name, params, task)
    allowed = ESTIMATORS[name]
    chosen = {**allowed.fixed, **params}
    if allowed.seeded:
        chosen["random_state"] = seed
    kind = _class_for(name, task)
    if kind is None:  # check_estimator has refused this already; said again for the type checker
        raise Invalid("estimator_of_other_task", f"“{name}” cannot do {task}.", "/pipeline/estimator")
    module, _, name_in_module = kind.rpartition(".")
    return getattr(import_module(module), name_in_module)(**chosen)
