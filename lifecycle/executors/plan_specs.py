"""The specification of a monitoring plan: what is looked at in every window, and when windows come due."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from lifecycle.executors.monitoring_specs import DriftLimits
from lifecycle.executors.specs import (
    Baseline,
    Binning,
    ChiSquared,
    Column,
    DataRef,
    Features,
    ModelInputs,
    Part,
    Ranking,
    Scalar,
    Seed,
    Share,
    Slice,
    Task,
)

Every = Literal["hour", "day", "week", "month"]
Hours = Annotated[float, Field(ge=0, le=8784)]
Stage = Literal["all", "inputs", "labels"]

_NOT_OF_A_RUN = (
    "source", "time_column", "every", "starts", "delay_hours", "late_after_hours", "label_delay_hours",
    "schedule", "reference",
)  # fmt: skip
_OF_LABELS = ("target", "positive", "metrics", "slices", "baseline", "ranking")


class PlanSpec(Part):
    """What is watched, window by window.

    Windows are whole hours, days, weeks (from Monday) or months in UTC, the first one beginning at or after
    `starts`. One is looked at `delay_hours` after its end, at the next time that `schedule` (a cron line in
    UTC; at once without one) names. With a `label_delay_hours` performance is measured that much later, in a
    second look. Without a `reference` it is the data that the model was trained on.
    """

    source: DataRef
    time_column: Column
    every: Every
    starts: datetime
    delay_hours: Hours = 0
    late_after_hours: Hours | None = None
    label_delay_hours: Hours = 0
    schedule: Annotated[str, Field(max_length=100)] = ""
    reference: DataRef | None = None
    features: Features
    segments: Annotated[tuple[Slice, ...], Field(max_length=5)] = ()
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

    @field_validator("starts")
    @classmethod
    def _in_utc(cls, moment: datetime) -> datetime:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)

    @model_validator(mode="after")
    def _labels_need_a_target(self) -> Self:
        if self.label_delay_hours and self.target is None:
            raise ValueError("“label_delay_hours” needs a “target” whose values come later")
        return self

    def run_spec(
        self, start: datetime, end: datetime, stage: Stage, model_sha256: str, reference: DataRef
    ) -> dict[str, Any]:
        """The specification of the run that looks at one window."""
        given = {name: value for name, value in self if name not in _NOT_OF_A_RUN}
        if stage == "inputs":
            given |= dict.fromkeys(_OF_LABELS)
            given |= {"metrics": (), "slices": (), "limits": self.limits.model_copy(update={"metrics": ()})}
            given["task"] = None if self.task == "ranking" else self.task
        plain = {
            name: value.model_dump(mode="json") if isinstance(value, Part) else value
            for name, value in given.items()
        }
        return {
            **plain,
            "model_sha256": model_sha256,
            "reference": reference.model_dump(mode="json"),
            "current": self.source.model_dump(mode="json"),
            "window": {
                "column": self.time_column,
                "start": start.isoformat(),
                "end": end.isoformat(),
                "late_after_hours": self.late_after_hours,
            },
        }


def first_start(every: Every, moment: datetime) -> datetime:
    """The first beginning of a window at or after `moment`."""
    floor = _floor(every, moment)
    return floor if floor == moment else _next(every, floor)


def windows(every: Every, since: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
    """The windows from `since` (a beginning) on that have ended by `until`, the earliest first."""
    start, end = since, _next(every, since)
    while end <= until:
        yield start, end
        start, end = end, _next(every, end)


def _floor(every: Every, moment: datetime) -> datetime:
    hour = moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    if every == "hour":
        return hour
    day = hour.replace(hour=0)
    if every == "week":
        return day - timedelta(days=day.weekday())
    return day if every == "day" else day.replace(day=1)


def _next(every: Every, start: datetime) -> datetime:
    if every == "month":
        return (start.replace(day=1) + timedelta(days=32)).replace(day=1)
    return start + {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(weeks=1)}[every]
