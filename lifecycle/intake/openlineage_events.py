"""Reading OpenLineage events (specification 1 and 2): what has to be there is checked, facets are free."""

import datetime as dt
import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, Any, Literal
from uuid import UUID

import rfc8785
from django.utils.translation import gettext as _
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from lifecycle.errors import Invalid
from lifecycle.intake.canonical import canonical
from lifecycle.intake.outside_run import moment_in_time, one_line
from lifecycle.intake.reading import read_as

MOST_EVENT_BYTES = 1_000_000
_SCHEMA = re.compile(r"https?://openlineage\.io/spec/([0-9]+)-[0-9]+-[0-9]+/OpenLineage\.json(#/.*)?")
_KNOWN = ("1", "2")

Facets = dict[str, dict[str, Any]]
_Name = Annotated[str, StringConstraints(min_length=1, max_length=2_000), AfterValidator(one_line)]
_Type = Literal["START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER"]


class _Open(BaseModel):
    model_config = ConfigDict(extra="allow")


class _Run(_Open):
    run_id: UUID = Field(alias="runId")
    facets: Facets = Field(default_factory=dict)


class _Job(_Open):
    namespace: _Name
    name: _Name
    facets: Facets = Field(default_factory=dict)


class _DataSet(_Open):
    namespace: _Name
    name: _Name
    facets: Facets = Field(default_factory=dict)
    input_facets: Facets = Field(default_factory=dict, alias="inputFacets")
    output_facets: Facets = Field(default_factory=dict, alias="outputFacets")


class _Event(_Open):
    event_time: Annotated[AwareDatetime, AfterValidator(moment_in_time)] = Field(alias="eventTime")
    producer: Annotated[str, StringConstraints(min_length=1, max_length=2_000)]
    schema_url: Annotated[str, StringConstraints(min_length=1, max_length=500)] = Field(alias="schemaURL")


class _RunEvent(_Event):
    event_type: _Type = Field(default="OTHER", alias="eventType")
    run: _Run
    job: _Job
    inputs: Annotated[list[_DataSet], Field(max_length=1_000)] = Field(default_factory=list)
    outputs: Annotated[list[_DataSet], Field(max_length=1_000)] = Field(default_factory=list)


class _JobEvent(_Event):
    job: _Job
    inputs: Annotated[list[_DataSet], Field(max_length=1_000)] = Field(default_factory=list)
    outputs: Annotated[list[_DataSet], Field(max_length=1_000)] = Field(default_factory=list)


class _DataSetEvent(_Event):
    dataset: _DataSet


@dataclass(frozen=True)
class LineageFact:
    """One event as it was sent: what it is about, when it happened there, and its bytes."""

    about: Literal["run", "job", "dataset"]
    name: str
    namespace: str
    event_time: dt.datetime
    raw: bytes

    @property
    def digest(self) -> str:
        """SHA-256 of the event's canonical JSON: the same event twice is one fact."""
        return sha256(self.raw).hexdigest()

    @property
    def subject(self) -> str:
        """SHA-256 of what the event is about, by which the facts of one subject are found."""
        named = self.name if self.about == "run" else f"{self.namespace}\n{self.name}"
        return sha256(f"{self.about}\n{named}".encode()).hexdigest()


def read_event(item: object, where: str = "") -> LineageFact:
    """One event. Raises `Invalid` (`unknown_schema_version`, `not_an_event`, `too_large`), `InvalidItems`."""
    if not isinstance(item, dict):
        raise Invalid("not_an_event", _("An event is a JSON object."), where)
    _check_version(item, where)
    fact = _fact(item, where)
    if len(fact.raw) > MOST_EVENT_BYTES:
        text = _("An event has at most %(most)d bytes.") % {"most": MOST_EVENT_BYTES}
        raise Invalid("too_large", text, where)
    return fact


def _check_version(item: dict[str, Any], where: str) -> None:
    url = item.get("schemaURL")
    if not isinstance(url, str):
        return
    found = _SCHEMA.fullmatch(url)
    if found is None or found.group(1) not in _KNOWN:
        text = _("The schema “%(url)s” is unknown; events of OpenLineage 1 and 2 are read.")
        raise Invalid("unknown_schema_version", text % {"url": url[:200]}, f"{where}/schemaURL")


def _fact(item: dict[str, Any], where: str) -> LineageFact:
    try:
        raw = canonical(item)
    except (rfc8785.CanonicalizationError, UnicodeEncodeError) as error:
        text = _("The event can not be kept as JSON: %(why)s") % {"why": error}
        raise Invalid("not_json", text, where) from error
    if b"\\u0000" in raw:
        raise Invalid("null_character", _("The event contains a null character."), where)
    if "run" in item:
        event = read_as(_RunEvent, item, where)
        return LineageFact("run", str(event.run.run_id), event.job.namespace, event.event_time, raw)
    if "job" in item:
        of_job = read_as(_JobEvent, item, where)
        return LineageFact("job", of_job.job.name, of_job.job.namespace, of_job.event_time, raw)
    if "dataset" in item:
        of_set = read_as(_DataSetEvent, item, where)
        return LineageFact("dataset", of_set.dataset.name, of_set.dataset.namespace, of_set.event_time, raw)
    text = _("An event is about a run, a job or a dataset; this one has none of them.")
    raise Invalid("not_an_event", text, where)
