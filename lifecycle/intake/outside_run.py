"""What may be said of a run that happened outside. Closed: an unknown key is refused, and so is a wrong type.

The limits are those of the tools around: MLflow's for parameters and tags, and a bound for everything else,
so that one run can not fill the page or the memory.
"""

import datetime as dt
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Self

from django.utils.timezone import now
from django.utils.translation import gettext as _
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Strict,
    StringConstraints,
    model_validator,
)
from pydantic_core import PydanticCustomError

from lifecycle.intake.canonical import canonical

MOST_PARAMETERS = 1_000
MOST_METRICS = 5_000
MOST_TAGS = 1_000
MOST_DATA_SETS = 200
MOST_POINTS = 100_000
MOST_DETAIL_BYTES = 256 * 1024
MOST_DEPTH = 20
MOST_AHEAD = dt.timedelta(minutes=10)
EARLIEST = dt.datetime(1990, 1, 1, tzinfo=dt.UTC)
_LARGEST = 2**53 - 1


def _clean(text: str) -> str:
    if "\x00" in text:
        raise PydanticCustomError("null_character", "A null character is not possible here.")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise PydanticCustomError("not_unicode", "This is not valid Unicode.") from error
    return text


def one_line(text: str) -> str:
    """The text, if it has no control characters."""
    if text.isprintable():
        return text
    if any(unicodedata.category(each) in ("Cc", "Cs") for each in text):
        raise PydanticCustomError("control_character", "A control character is not possible here.")
    return text


def moment_in_time(moment: dt.datetime) -> dt.datetime:
    """The moment, if it is neither ahead of this clock nor before 1990."""
    if moment > now() + MOST_AHEAD:
        raise PydanticCustomError("in_the_future", "This time is in the future: is a clock wrong?")
    if moment < EARLIEST:
        raise PydanticCustomError("too_early", "This time is before 1990: are the units wrong?")
    return moment


def _exact(number: object) -> object:
    if type(number) is int and not -_LARGEST <= number <= _LARGEST:
        raise PydanticCustomError("too_large", "An integer is within 2^53, beyond which it is not exact.")
    return number


Line = Annotated[str, StringConstraints(min_length=1, max_length=300), AfterValidator(one_line)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=250), AfterValidator(one_line)]
Text = Annotated[str, StringConstraints(max_length=10_000), AfterValidator(_clean)]
ShortText = Annotated[str, StringConstraints(max_length=2_000), AfterValidator(_clean)]
Word = Annotated[str, StringConstraints(max_length=500), AfterValidator(one_line)]
ExternalId = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(one_line)]
Url = Annotated[
    str, StringConstraints(max_length=2_000, pattern=r"^(https?://[^\s<>\"]+)?$"), AfterValidator(one_line)
]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Moment = Annotated[AwareDatetime, Field(strict=False), AfterValidator(moment_in_time)]
Number = Annotated[float, Field(allow_inf_nan=False), BeforeValidator(_exact)]
NotFinite = Literal["NaN", "Infinity", "-Infinity"]
Whole = Annotated[int, Field(ge=-_LARGEST, le=_LARGEST)]
Parameter = (
    Annotated[str, StringConstraints(max_length=6_000), AfterValidator(_clean)] | bool | Whole | Number | None
)
Point = Annotated[
    tuple[Whole, Annotated[int, Field(ge=0, le=4_102_444_800_000)], Number | NotFinite], Strict(False)
]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class DataSet(_Part):
    """Data that a run read or wrote. Without `digest` or `version` it can not be told from a later state."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=500), AfterValidator(one_line)]
    namespace: Word = ""
    role: Word = Field(default="", description="such as training, test, reference, current")
    digest: Word = Field(default="", description="as the source writes it, such as sha256:…")
    version: Word = ""
    uri: ShortText = ""
    rows: Annotated[int, Field(ge=0, le=_LARGEST)] | None = None
    owners: Annotated[list[Word], Field(max_length=20)] = Field(default_factory=list)
    fields: Annotated[dict[Name, Word], Field(max_length=2_000)] = Field(
        default_factory=dict, description="columns and their types"
    )
    checks: Annotated[list["Check"], Field(max_length=1_000)] = Field(default_factory=list)


class Check(_Part):
    """One test that a run, or somebody else, made of data or of the model."""

    name: Word
    status: Literal["pass", "fail", "warning", "skip", "error"]
    severity: Literal["", "warning", "error"] = ""
    column: Word = ""
    text: ShortText = ""


class Limit(_Part):
    """A metric held against the limit that was set for it before the run."""

    metric: Name
    op: Literal["<=", "<", ">=", ">", "=="]
    limit: Number
    value: Number | None = None
    holds: bool
    text: ShortText
    slice: Word = ""


class Finding(_Part):
    """One thing that a run found; `code` is for programs, such as `feature_drift`."""

    code: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,59}$")]
    text: Annotated[str, StringConstraints(min_length=1, max_length=2_000), AfterValidator(_clean)]
    severity: Literal["ok", "info", "warning", "drift", "bad"] = "warning"
    feature: Word = ""


class Feature(_Part):
    """How one feature moved between reference and current data."""

    psi: Number | None = None
    statistic: Number | None = None
    method: Word = ""
    threshold: Number | None = None
    p_value: Number | None = None
    verdict: Literal["ok", "warning", "drift", "unknown"] = "unknown"
    missing_reference: Number | None = None
    missing_current: Number | None = None
    unseen_share: Number | None = None
    out_of_range_share: Number | None = None
    type_violations: Whole | None = None


class Model(_Part):
    """The model that a run made or looked at, as its source names it."""

    digest: Sha256 | Literal[""] = Field(default="", description="SHA-256 of the artifact")
    name: Word = ""
    version: Word = ""
    uri: ShortText = ""


class Rows(_Part):
    """How many rows were looked at."""

    current: Annotated[int, Field(ge=0, le=_LARGEST)] | None = None
    reference: Annotated[int, Field(ge=0, le=_LARGEST)] | None = None


class Outcome(_Part):
    """What came out, beside metrics; the names are those of the runs that Gatebook carries out itself."""

    main_metric: Word = ""
    verdict: Literal["", "ok", "warning", "drift", "failed", "unknown"] = ""
    findings: Annotated[list[Finding], Field(max_length=2_000)] = Field(default_factory=list)
    limits: Annotated[list[Limit], Field(max_length=2_000)] = Field(default_factory=list)
    checks: Annotated[list[Check], Field(max_length=5_000)] = Field(default_factory=list)
    metrics_reference: Annotated[dict[Name, Number], Field(max_length=MOST_METRICS)] = Field(
        default_factory=dict
    )
    slices: Annotated[dict[Name, dict[Name, Number | None]], Field(max_length=2_000)] = Field(
        default_factory=dict
    )
    features: Annotated[dict[Name, Feature], Field(max_length=5_000)] = Field(default_factory=dict)
    share_drifted: Annotated[float, Field(ge=0, le=1)] | None = None
    rows: Rows | None = None
    window: Annotated[dict[Name, Word], Field(max_length=20)] = Field(default_factory=dict)
    notes: Annotated[list[ShortText], Field(max_length=100)] = Field(default_factory=list)


class OutsideRun(_Part):
    """Everything that a source says of one run, whole: what it leaves out is not there any more."""

    external_id: ExternalId = Field(description="the source's own name of the run")
    kind: Literal["DVR", "TRN", "EVR", "DPR", "MON"]
    title: Line
    state: Literal["queued", "running", "finished", "failed"] = "finished"
    error: Text = ""
    url: Url = Field(default="", description="where people can see it")
    parent: Annotated[str, StringConstraints(max_length=200), AfterValidator(one_line)] = Field(
        default="", description="external id of the run that this one is a part of"
    )
    iteration: Annotated[int, Field(ge=1, le=1_000_000)] | None = Field(
        default=None,
        description="number of the iteration it belongs to; with a task, the open one if left out",
    )
    task: Annotated[str, StringConstraints(pattern=r"^[\w.-]{1,20}$")] | None = Field(
        default=None, description="key of the task that it is for"
    )
    started_at: Moment | None = None
    finished_at: Moment | None = Field(default=None, description="needed when it has ended")
    deleted: bool = Field(default=False, description="the source has deleted it")
    parameters: Annotated[dict[Name, Parameter], Field(max_length=MOST_PARAMETERS)] = Field(
        default_factory=dict
    )
    metrics: Annotated[dict[Name, Number | NotFinite], Field(max_length=MOST_METRICS)] = Field(
        default_factory=dict, description="the last value of each"
    )
    histories: Annotated[dict[Name, list[Point]], Field(max_length=MOST_METRICS)] = Field(
        default_factory=dict, description="[step, milliseconds since 1970, value] of each time it was logged"
    )
    tags: Annotated[
        dict[Name, Annotated[str, StringConstraints(max_length=8_000), AfterValidator(_clean)]],
        Field(max_length=MOST_TAGS),
    ] = Field(default_factory=dict)
    inputs: Annotated[list[DataSet], Field(max_length=MOST_DATA_SETS)] = Field(default_factory=list)
    outputs: Annotated[list[DataSet], Field(max_length=MOST_DATA_SETS)] = Field(default_factory=list)
    code: Annotated[dict[Name, ShortText], Field(max_length=50)] = Field(
        default_factory=dict, description="repository, commit, path and the like"
    )
    environment: Annotated[dict[Name, ShortText], Field(max_length=500)] = Field(default_factory=dict)
    owners: Annotated[list[Word], Field(max_length=50)] = Field(default_factory=list)
    model: Model | None = None
    outcome: Outcome | None = None
    detail: dict[str, Any] = Field(
        default_factory=dict, description="anything else, kept as it is: 256 KB of JSON, 20 levels deep"
    )

    @model_validator(mode="after")
    def _whole(self) -> Self:
        ended = self.state in ("finished", "failed")
        if ended and self.finished_at is None:
            raise PydanticCustomError("no_end", "A run that has ended needs finished_at.")
        if not ended and self.finished_at is not None:
            raise PydanticCustomError("not_ended", "A run under way has no finished_at.")
        if self.started_at and self.finished_at and self.finished_at < self.started_at:
            raise PydanticCustomError("ends_before_it_starts", "The run ends before it starts.")
        if self.error and self.state != "failed":
            raise PydanticCustomError("error_without_failure", "Only a failed run has an error.")
        if self.histories and sum(map(len, self.histories.values())) > MOST_POINTS:
            raise PydanticCustomError("too_many_points", f"A run has at most {MOST_POINTS} points.")
        if self.detail:
            _check_detail(self.detail)
        return self


def _check_detail(detail: Mapping[str, Any]) -> None:
    if not _shallow(detail, MOST_DEPTH):
        raise PydanticCustomError("too_deep", f"detail is nested deeper than {MOST_DEPTH} levels.")
    try:
        raw = canonical(dict(detail))
    except (ValueError, UnicodeEncodeError) as error:
        raise PydanticCustomError("not_json", f"detail can not be kept as JSON: {error}") from error
    if len(raw) > MOST_DETAIL_BYTES:
        raise PydanticCustomError("too_large", f"detail has more than {MOST_DETAIL_BYTES} bytes.")
    if b"\\u0000" in raw:
        raise PydanticCustomError("null_character", "detail contains a null character.")


def _shallow(value: object, left: int) -> bool:
    if left < 0:
        return False
    if isinstance(value, Mapping):
        return all(_shallow(each, left - 1) for each in value.values())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return all(_shallow(each, left - 1) for each in value)
    return True


DataSet.model_rebuild()
OutsideRun.model_rebuild()


def failed_without_words() -> str:
    """What stands as the error of a run whose source does not say why it failed."""
    return _("It failed; its source does not say why.")
