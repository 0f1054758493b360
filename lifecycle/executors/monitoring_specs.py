"""The specification of a monitoring run: two windows, what is watched, and the limits set beforehand."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field, model_validator

from lifecycle.executors.specs import (
    Baseline,
    Binning,
    ChiSquared,
    Column,
    DataRef,
    Digest,
    Features,
    MetricLimit,
    ModelInputs,
    Part,
    Ranking,
    Scalar,
    Seed,
    Share,
    Slice,
    Task,
)


class DriftLimits(Part):
    """When a difference between reference and current window counts.

    The two PSI limits are the rule of thumb of credit scoring (Siddiqi 2006). p-values are recorded
    but judged only when a limit is set: with many rows even a trifling difference is "significant".
    `share_drifted` holds for the whole window and for each segment.
    """

    psi_warning: Annotated[float, Field(gt=0)] = 0.1
    psi_drift: Annotated[float, Field(gt=0)] = 0.25
    js_distance: Share | None = None
    ks_statistic: Share | None = None
    p_value: Share | None = None
    unseen_share: Share = 0.02
    missing_increase: Share = 0.05
    out_of_range_share: Share = 0.05
    share_drifted: Share = 0.3
    metrics: tuple[MetricLimit, ...] = ()


class Window(Part):
    """The time that the current rows are from: from `start` on, before `end`; a time without zone is UTC.

    The window is late when the newest row of the source is more than `late_after_hours` older than the end.
    """

    column: Column
    start: datetime
    end: datetime
    late_after_hours: Annotated[float, Field(ge=0, le=8784)] | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if (self.start.tzinfo is None) != (self.end.tzinfo is None) or self.start >= self.end:
            raise ValueError("“start” must be before “end”, both with a time zone or both without")
        return self


class MonitoringSpec(Part):
    """One look at a current window of data against a reference window.

    Windows of fewer than `min_rows` rows, and segments of fewer than `min_segment_rows`, are said to be too
    small and not scored: the index of a small sample is large by chance.
    """

    reference: DataRef
    current: DataRef
    window: Window | None = None
    features: Features
    segments: Annotated[tuple[Slice, ...], Field(max_length=5)] = ()
    model_sha256: Digest | None = None
    inputs: ModelInputs | None = None
    task: Task | None = None
    target: Column | None = None
    positive: Scalar | None = None
    metrics: tuple[str, ...] = ()
    slices: tuple[Slice, ...] = ()
    min_slice_rows: Annotated[int, Field(ge=1, le=1_000_000)] = 100
    baseline: Baseline | None = None
    ranking: Ranking | None = None
    threshold: Share = 0.5
    binning: Binning = "quantiles"
    chi_squared: ChiSquared = "two_samples"
    min_rows: Annotated[int, Field(ge=1, le=10_000_000)] = 100
    min_segment_rows: Annotated[int, Field(ge=1, le=10_000_000)] = 200
    limits: DriftLimits = DriftLimits()
    seed: Seed = 0

    @model_validator(mode="after")
    def _performance_needs_all(self) -> Self:
        if self.target is not None and (self.model_sha256 is None or self.task is None):
            raise ValueError("performance on “target” needs “model_sha256” and “task” too")
        if (self.task == "ranking") != (self.ranking is not None):
            raise ValueError("“ranking” is needed for the task ranking, and only there")
        return self
