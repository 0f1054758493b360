"""The specifications of runs: declarative, closed (unknown keys are refused), JSON in and out.

The doors to them are in `parsing.py`, which adds what a schema cannot say.
"""

import hashlib
from typing import Annotated, Literal, Self

import rfc8785
from pydantic import BaseModel, ConfigDict, Field, model_validator

Scalar = bool | int | float | str
Task = Literal["classification", "regression", "ranking"]
Column = Annotated[str, Field(min_length=1, max_length=200)]
Share = Annotated[float, Field(ge=0, le=1)]
Seed = Annotated[int, Field(ge=0, le=2**31 - 1)]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Binning = Literal["quantiles", "sturges"]
ChiSquared = Literal["two_samples", "against_reference"]

METRICS: dict[str, tuple[str, ...]] = {
    "classification": (
        "accuracy",
        "balanced_accuracy",
        "roc_auc",
        "f1",
        "precision",
        "recall",
        "log_loss",
        "brier",
        "calibration_gap",
    ),
    "regression": ("mae", "rmse", "r2", "mape", "bias"),
}


class Part(BaseModel):
    """A closed, immutable piece of a specification."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Condition(Part):
    """Keeps the rows where `column op value` holds; a missing value never holds."""

    column: Column
    op: Literal["==", "!=", "in", "not in", "<", "<=", ">", ">="]
    value: Scalar | list[Scalar]

    @model_validator(mode="after")
    def _value_fits_op(self) -> Self:
        if isinstance(self.value, list) != (self.op in ("in", "not in")):
            raise ValueError("“in” and “not in” want a list of values, the other operators a single one")
        return self


class DataRef(Part):
    """A file below the allowed data root, with the rows to keep."""

    uri: Annotated[str, Field(min_length=1, max_length=1024)]
    format: Literal["csv", "parquet"]
    sha256: Digest | None = None
    where: tuple[Condition, ...] = ()


class Features(Part):
    """The input columns of the model, in this order."""

    numeric: tuple[Column, ...] = ()
    categorical: tuple[Column, ...] = ()

    @property
    def all(self) -> tuple[str, ...]:
        return self.numeric + self.categorical

    @model_validator(mode="after")
    def _some_and_unique(self) -> Self:
        if not self.all:
            raise ValueError("at least one feature is needed")
        twice = sorted({name for name in self.all if self.all.count(name) > 1})
        if twice:
            raise ValueError(f"named twice: {', '.join(twice)}")
        return self


class TimeSplit(Part):
    """Rows from `at` on are the test set, all before it the training set."""

    kind: Literal["time"]
    column: Column
    at: str | int | float


class RandomSplit(Part):
    """A seeded random share of the rows (of the groups, for ranking) is the test set."""

    kind: Literal["random"]
    test_share: Annotated[float, Field(gt=0, lt=1)] = 0.25
    seed: Seed = 0


class PipelineSpec(Part):
    """Preparation of the columns and the estimator, all from allow lists."""

    estimator: str
    params: dict[str, bool | int | float | str | None] = {}
    impute: Literal["median", "mean", "none"] = "median"
    scale: bool = False
    encode: Literal["one_hot", "ordinal"] = "one_hot"
    min_frequency: Annotated[int, Field(ge=1, le=100_000)] | None = None


class Slice(Part):
    """A column whose values cut the rows; a date column may be binned first."""

    column: Column
    bin: Literal["month", "quarter", "year", "year_month", "weekday"] | None = None

    @property
    def name(self) -> str:
        return self.bin or self.column


class Baseline(Part):
    """What the candidate is compared with.

    `constant`: mean or class shares of the training rows; `group_mean`: the same by `columns`;
    `column`: the value of a column of the data, for example last year's figure; `pipeline`: a simple model
    that is trained on the same rows, for a candidate that has to earn its complexity.
    """

    kind: Literal["constant", "group_mean", "column", "pipeline"]
    columns: tuple[Column, ...] = ()
    pipeline: PipelineSpec | None = None

    @model_validator(mode="after")
    def _columns_fit_kind(self) -> Self:
        count = len(self.columns)
        if (self.kind == "constant" and count) or (self.kind == "column" and count != 1):
            raise ValueError("“constant” takes no columns and “column” exactly one")
        if (self.kind == "pipeline") != (self.pipeline is not None):
            raise ValueError("“pipeline” is needed for the kind pipeline, and only there")
        if self.kind == "group_mean" and not count:
            raise ValueError("“group_mean” needs the columns to group by")
        return self


class Ranking(Part):
    """The best `k` rows of each group are what the model would recommend.

    `relevance` is the true worth of a row (not negative). `feasible` is a yes-no column: a row that
    is recommended although not feasible counts in `infeasible_rate_at_k`; with `filter_infeasible`
    such rows are taken out before ranking, both from the answer and from the ideal.
    """

    group: Annotated[tuple[Column, ...], Field(min_length=1)]
    relevance: Column
    k: Annotated[int, Field(ge=1, le=20)] = 3
    feasible: Column | None = None
    filter_infeasible: bool = False

    @model_validator(mode="after")
    def _filter_needs_column(self) -> Self:
        if self.filter_infeasible and self.feasible is None:
            raise ValueError("filter_infeasible needs the column “feasible”")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        return (*self.group, self.relevance, *((self.feasible,) if self.feasible else ()))

    @property
    def metrics(self) -> tuple[str, ...]:
        infeasible = (f"infeasible_rate_at_{self.k}",) if self.feasible else ()
        return (f"ndcg_at_{self.k}", *infeasible)


class MetricLimit(Part):
    """A limit for a metric, overall or in one slice such as `month=12`."""

    metric: str
    op: Literal[">=", "<=", ">", "<"]
    limit: float
    slice: str | None = None


class Judged(Part):
    """What training and evaluation have in common: the target and how answers are judged."""

    data: DataRef
    target: Column
    task: Task
    positive: Scalar | None = None
    threshold: Share = 0.5
    metrics: tuple[str, ...] = ()
    main_metric: str | None = None
    slices: tuple[Slice, ...] = ()
    min_slice_rows: Annotated[int, Field(ge=1, le=1_000_000)] = 100
    baseline: Baseline | None = None
    ranking: Ranking | None = None
    seed: Seed = 0

    @model_validator(mode="after")
    def _ranking_iff_ranking(self) -> Self:
        if (self.task == "ranking") != (self.ranking is not None):
            raise ValueError("“ranking” is needed for the task ranking, and only there")
        return self

    @property
    def known_metrics(self) -> tuple[str, ...]:
        return known_metrics(self.task, self.ranking)

    @property
    def chosen_metrics(self) -> tuple[str, ...]:
        """The metrics asked for, or all of the task; the main one first."""
        chosen = self.metrics or self.known_metrics
        return (self.main, *(name for name in chosen if name != self.main))

    @property
    def main(self) -> str:
        default = {"classification": "log_loss", "regression": "rmse"}.get(self.task)
        return self.main_metric or (self.metrics or (default or self.known_metrics[0],))[0]


class Robustness(Part):
    """How inputs are disturbed: noise in standard deviations, shares of values taken away, a later period.

    `period` is a column of dates or numbers that orders the rows; with a split by time it is that column.
    """

    noise: Annotated[tuple[Share, ...], Field(max_length=5)] = (0.1, 0.5)
    missing: Annotated[tuple[Share, ...], Field(max_length=5)] = (0.1,)
    period: Column | None = None


class Study(Part):
    """What is measured of a training beyond its metrics; what costs further trainings only when asked for.

    `seeds` trainings with other seeds give mean and standard deviation, `folds` those of cross-validation.
    `max_seconds` bounds both: what would begin later is left out and said.
    """

    seeds: Annotated[int, Field(ge=2, le=20)] | None = None
    folds: Annotated[int, Field(ge=2, le=10)] | None = None
    robustness: Robustness = Robustness()
    latency_calls: Annotated[int, Field(ge=5, le=1000)] = 30
    max_seconds: Annotated[float, Field(gt=0, le=3600)] = 600


class TrainingSpec(Judged):
    """One training run: data, split, pipeline, and how it is judged."""

    features: Features
    split: TimeSplit | RandomSplit = Field(discriminator="kind")
    pipeline: PipelineSpec
    study: Study = Study()


class ModelInputs(Part):
    """How a model is used that does not say so itself: an ONNX model, or a pipeline that was made elsewhere.

    `features` in the order in which it takes them; `classes` in the order of its probabilities.
    """

    features: Features
    classes: Annotated[tuple[str, ...], Field(max_length=50)] = ()
    positive: str | None = None


class EvaluationSpec(Judged):
    """One evaluation of a stored model on other data, with limits for a verdict."""

    model_sha256: Digest
    inputs: ModelInputs | None = None
    robustness: Robustness | None = None
    latency_calls: Annotated[int, Field(ge=5, le=1000)] = 30
    limits: tuple[MetricLimit, ...] = ()


def known_metrics(task: str, ranking: Ranking | None) -> tuple[str, ...]:
    """The metrics that exist for a task; those of a ranking carry its k in the name."""
    if task == "ranking" and ranking is not None:
        return (*ranking.metrics, *METRICS["regression"])
    return METRICS.get(task, ())


def spec_digest(spec: Part) -> str:
    """SHA-256 of the specification's canonical JSON (RFC 8785), defaults included."""
    return hashlib.sha256(rfc8785.dumps(spec.model_dump(mode="json"))).hexdigest()
