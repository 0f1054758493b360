"""What all OSCAL documents of Gatebook share: identifiers that stay the same, metadata, properties."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable
from typing import Any

OSCAL_VERSION = "1.2.1"
SPACE = "urn:gatebook:oscal:1"
"""The namespace of the properties that are ours and not OSCAL's."""

_UUIDS = uuid.uuid5(uuid.NAMESPACE_URL, SPACE)

Json = dict[str, Any]


def uuid_of(*parts: object) -> str:
    """A UUID (version 5) that is the same each time the same thing is written."""
    return str(uuid.uuid5(_UUIDS, "\x1f".join(str(part) for part in parts)))


def metadata(title: str, version: str, modified: dt.datetime, **more: Any) -> Json:
    """The head that every OSCAL document has; `more` are further fields, left out where they are empty."""
    head: Json = {
        "title": title,
        "last-modified": modified.astimezone(dt.UTC).isoformat(timespec="seconds"),
        "version": version,
        "oscal-version": OSCAL_VERSION,
    }
    return {**head, **{name: value for name, value in more.items() if value}}


def prop(name: str, value: object, **more: str) -> Json:
    """A property of ours."""
    return {"name": name, "ns": SPACE, "value": str(value), **more}


def own_props(holder: Json) -> Iterable[tuple[str, str]]:
    """Name and value of each property of ours."""
    for each in holder.get("props", ()):
        if each.get("ns") == SPACE:
            yield each["name"], each["value"]


def framework_uri(key: str, version: str) -> str:
    """How a document names a framework that is held here."""
    return f"urn:gatebook:framework:{key}:{version}"
