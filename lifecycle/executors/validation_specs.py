"""The schema of a data set: what its columns and rows must be like."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from lifecycle.executors.specs import Column, DataRef, Part, Scalar, Share


class ColumnRule(Part):
    """What one column must be like."""

    name: Column
    kind: Literal["number", "text", "boolean", "date"]
    required: bool = True
    minimum: float | None = None
    maximum: float | None = None
    allowed: tuple[Scalar, ...] | None = None
    max_missing_share: Share = 0.0
    unique: bool = False

    @model_validator(mode="after")
    def _limits_fit_kind(self) -> Self:
        if self.kind != "number" and (self.minimum is not None or self.maximum is not None):
            raise ValueError("“minimum” and “maximum” are for columns of numbers")
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise ValueError("“minimum” is above “maximum”")
        return self


class Freshness(Part):
    """The newest time of a column is at most so many hours older than `at` (the run, if not given)."""

    column: Column
    max_age_hours: Annotated[float, Field(gt=0, le=876_000)]
    at: datetime | None = None


class Disjoint(Part):
    """Other data, such as the test set, with which no row may share its values of the columns `on`."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    data: DataRef
    on: Annotated[tuple[Column, ...], Field(min_length=1, max_length=10)]
    max_rows: Annotated[int, Field(ge=0)] = 0


class SchemaVersion(Part):
    """What the rules are called. Other rules under the same name are another version."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,79}$")]
    version: Annotated[int, Field(ge=1, le=1_000_000)]


class ValidationSpec(Part):
    """One check of a data set against a schema. The first ten thousand failing rows are set aside."""

    data: DataRef
    schema_version: SchemaVersion | None = None
    columns: tuple[ColumnRule, ...] = ()
    min_rows: Annotated[int, Field(ge=1)] = 20
    unique: tuple[Column, ...] = ()
    freshness: Freshness | None = None
    disjoint: Annotated[tuple[Disjoint, ...], Field(max_length=10)] = ()

    @model_validator(mode="after")
    def _columns_once(self) -> Self:
        names = [rule.name for rule in self.columns]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two rules for the column “{twice[0]}”")
        return self

    @property
    def rules(self) -> "ValidationSpec":
        """The schema alone: the same for every file that is held against it."""
        bare = DataRef(uri="-", format="csv")
        apart = tuple(part.model_copy(update={"data": bare}) for part in self.disjoint)
        fresh = self.freshness.model_copy(update={"at": None}) if self.freshness else None
        return self.model_copy(
            update={"data": bare, "schema_version": None, "disjoint": apart, "freshness": fresh}
        )
