"""The answers of an MLflow server as far as they are read; what does not fit is a `TrackerError`."""

from typing import Annotated, Any, Literal, TypeVar

from django.utils.translation import gettext as _
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

M = TypeVar("M", bound=BaseModel)
Text = Annotated[str, BeforeValidator(lambda value: str(value) if isinstance(value, int) else value)]
Whole = Annotated[int, Field(ge=-(2**63), lt=2**63)]
Number = Annotated[float, Field(allow_inf_nan=True)]


class TrackerError(Exception):
    """A tracker answers, but nothing that can be used; `str()` says what, in words for pages.

    `code` is MLflow's `error_code` where it gave one, or `shape`, `pages`, `status`.
    """

    def __init__(self, code: str, text: str, status: int = 200) -> None:
        super().__init__(text)
        self.code = code
        self.status = status


class _Shape(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, protected_namespaces=())


class Pair(_Shape):
    """A tag or parameter."""

    key: str
    value: Text = ""


class Experiment(_Shape):
    """An experiment."""

    experiment_id: Text
    name: str
    lifecycle_stage: str = "active"
    tags: list[Pair] = []
    artifact_location: str = ""


class MetricPoint(_Shape):
    """One logged value; `NaN` and infinities come as these words."""

    key: str
    value: Number
    timestamp: Whole = 0
    step: Whole = 0
    run_id: str = ""


class RunInfo(_Shape):
    """The head of a run."""

    run_id: Annotated[str, Field(min_length=1, max_length=150)]
    run_name: str = ""
    experiment_id: Text
    user_id: str = ""
    status: Literal["RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"] = "RUNNING"
    start_time: Whole | None = None
    end_time: Whole | None = None
    artifact_uri: str = ""
    lifecycle_stage: Literal["active", "deleted"] = "active"


class RunData(_Shape):
    """What a run logged."""

    params: list[Pair] = []
    metrics: list[MetricPoint] = []
    tags: list[Pair] = []


class InputData(_Shape):
    """A data set as MLflow describes it; `source`, `schema` and `profile` are JSON as text."""

    name: str = ""
    digest: str = ""
    source_type: str = ""
    source: str = ""
    data_schema: str = Field(default="", alias="schema")
    profile: str = ""


class DatasetInput(_Shape):
    """A data set that a run read."""

    dataset: InputData
    tags: list[Pair] = []


class ModelLink(_Shape):
    """A logged model that a run read or made."""

    model_id: str


class RunInputs(_Shape):
    """What a run read."""

    dataset_inputs: list[DatasetInput] = []
    model_inputs: list[ModelLink] = []


class RunOutputs(_Shape):
    """What a run made."""

    model_outputs: list[ModelLink] = []


class TrackedRun(_Shape):
    """A run as a search gives it."""

    info: RunInfo
    data: RunData = RunData()
    inputs: RunInputs = RunInputs()
    outputs: RunOutputs = RunOutputs()


class Alias(_Shape):
    """A name that points to a version."""

    alias: str
    version: Text


class RegisteredModel(_Shape):
    """A registered model."""

    name: Annotated[str, Field(min_length=1, max_length=256)]
    description: str = ""
    tags: list[Pair] = []
    aliases: list[Alias] = []


class ModelVersionShape(_Shape):
    """A version of a registered model."""

    name: Annotated[str, Field(min_length=1, max_length=256)]
    version: Annotated[Text, Field(min_length=1, max_length=20)]
    source: str = ""
    run_id: str = ""
    model_id: str = ""
    status: str = ""
    current_stage: str = ""
    user_id: str = ""
    description: str = ""
    tags: list[Pair] = []


class LoggedModelInfo(_Shape):
    """The head of a logged model."""

    model_id: Annotated[str, Field(min_length=1, max_length=150)]
    experiment_id: Text = ""
    name: str = ""
    status: Text = ""
    source_run_id: str = ""
    artifact_uri: str = ""
    model_type: str = ""
    lifecycle_stage: str = "active"
    tags: list[Pair] = []


class LoggedModelData(_Shape):
    """What is known of a logged model."""

    params: list[Pair] = []
    metrics: list[dict[str, Any]] = []


class LoggedModel(_Shape):
    """A logged model as a search gives it."""

    info: LoggedModelInfo
    data: LoggedModelData = LoggedModelData()


class ExperimentPage(_Shape):
    """A page of experiments."""

    experiments: list[Experiment] = []
    next_page_token: str = ""


class RunPage(_Shape):
    """A page of runs; each is read by itself, so that one that is odd does not take the others along."""

    runs: list[dict[str, Any]] = []
    next_page_token: str = ""


class LoggedModelPage(_Shape):
    """A page of logged models."""

    models: list[LoggedModel] = []
    next_page_token: str = ""


class ModelPage(_Shape):
    """A page of registered models."""

    registered_models: list[RegisteredModel] = []
    next_page_token: str = ""


class VersionPage(_Shape):
    """A page of model versions."""

    model_versions: list[ModelVersionShape] = []
    next_page_token: str = ""


class HistoryPage(_Shape):
    """Values of a metric."""

    metrics: list[MetricPoint] = []
    next_page_token: str = ""


class FileInfo(_Shape):
    """A file or folder among the artifacts of a run."""

    path: str
    is_dir: bool = False
    file_size: int | None = None


class FileList(_Shape):
    """The artifacts at one place."""

    files: list[FileInfo] = []
    next_page_token: str = ""


class VersionAnswer(_Shape):
    """One version of a registered model."""

    model_version: ModelVersionShape


class SourceAnswer(_Shape):
    """Where the files of a version lie."""

    artifact_uri: str = ""


def read_shape(shape: type[M], data: object) -> M:
    """The answer as `shape`; `TrackerError("shape")` naming the first place that does not fit."""
    try:
        return shape.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = "/".join(str(part) for part in first["loc"]) or _("the answer")
        text = _("The answer does not fit at %(where)s: %(why)s.")
        raise TrackerError("shape", text % {"where": where[:200], "why": first["msg"]}) from error
