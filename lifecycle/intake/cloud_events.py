"""Reading CloudEvents 1.0 in JSON: the attributes are checked, and what they carry is told apart by type."""

import base64
import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, Any
from urllib.parse import unquote

import rfc8785
from django.utils.translation import gettext as _
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, StringConstraints

from lifecycle.errors import Invalid
from lifecycle.intake.canonical import canonical
from lifecycle.intake.outside_run import moment_in_time, one_line
from lifecycle.intake.reading import read_as
from lifecycle.intake.strict_json import read_json

RUN, LINEAGE, EVIDENTLY = "gatebook.run", "io.openlineage.event", "ai.evidently.report"
TYPES = (RUN, LINEAGE, EVIDENTLY)
_Word = Annotated[str, StringConstraints(min_length=1, max_length=500), AfterValidator(one_line)]


class _Attributes(BaseModel):
    model_config = ConfigDict(extra="allow")

    specversion: str
    id: _Word
    source: _Word
    type: _Word
    subject: _Word | None = None
    datacontenttype: str | None = None
    time: Annotated[AwareDatetime, AfterValidator(moment_in_time)] | None = None


@dataclass(frozen=True)
class CloudEvent:
    """One event; `key` names it for ever, `body` is the digest of what it carries."""

    id: str
    source: str
    type: str
    project: str
    time: dt.datetime | None
    data: Any

    @property
    def key(self) -> str:
        """SHA-256 of source and id: the same pair is the same event."""
        return sha256(f"{self.source}\n{self.id}".encode()).hexdigest()

    @property
    def body(self) -> str:
        """SHA-256 of type and data."""
        try:
            return sha256(canonical([self.type, self.data])).hexdigest()
        except (rfc8785.CanonicalizationError, UnicodeEncodeError) as error:
            text = _("The data can not be kept as JSON: %(why)s") % {"why": error}
            raise Invalid("not_json", text, "/data") from error


def read_structured(item: object, where: str = "") -> CloudEvent:
    """An event with its attributes beside its data. Raises `Invalid` and `InvalidItems`."""
    if not isinstance(item, dict):
        raise Invalid("not_an_event", _("An event is a JSON object."), where)
    event = _attributes(item, where)
    if "data" in item and "data_base64" in item:
        raise Invalid("data_twice", _("An event has data or data_base64, not both."), f"{where}/data_base64")
    data = item.get("data")
    if "data_base64" in item:
        data = _decoded(item["data_base64"], f"{where}/data_base64")
    return _event(event, item, data, where)


def read_binary(headers: Mapping[str, str], data: Any) -> CloudEvent:
    """An event whose attributes are `ce-` headers and whose body is its data."""
    item = {
        name[3:].lower(): unquote(value) for name, value in headers.items() if name.lower().startswith("ce-")
    }
    return _event(_attributes(item, ""), item, data, "")


def _attributes(item: Mapping[str, Any], where: str) -> _Attributes:
    version = item.get("specversion")
    if version is not None and version != "1.0":
        text = _("CloudEvents %(version)s is unknown; 1.0 is read.") % {"version": str(version)[:40]}
        raise Invalid("unknown_specversion", text, f"{where}/specversion")
    event = read_as(_Attributes, item, where)
    if event.type not in TYPES:
        text = _("The type “%(type)s” is unknown; read are %(types)s.")
        known = {"type": event.type[:100], "types": ", ".join(TYPES)}
        raise Invalid("unknown_type", text % known, f"{where}/type")
    kind = (event.datacontenttype or "application/json").partition(";")[0].strip().lower()
    if kind != "application/json" and not kind.endswith("+json"):
        text = _("The data is %(kind)s; only JSON is read.") % {"kind": kind[:80]}
        raise Invalid("unknown_content_type", text, f"{where}/datacontenttype")
    return event


def _decoded(value: object, where: str) -> Any:
    try:
        raw = base64.b64decode(str(value), validate=True)
    except ValueError as error:
        raise Invalid("not_base64", _("This is not base64."), where) from error
    return read_json(raw)


def _event(event: _Attributes, item: Mapping[str, Any], data: Any, where: str) -> CloudEvent:
    if data is None:
        raise Invalid("no_data", _("The event carries no data."), f"{where}/data")
    project = item.get("project")
    return CloudEvent(
        id=event.id, source=event.source, type=event.type, time=event.time, data=data,
        project=project if isinstance(project, str) else "",
    )  # fmt: skip
