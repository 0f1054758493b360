"""Frameworks as OSCAL: the catalog, and the profile that says which controls have a bearing on a project."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from typing import Any

from governance.compliance.documents import CheckDocument, ControlDocument, FrameworkDocument, GroupDocument
from governance.oscal.names import framework_uri, metadata, prop, uuid_of

Json = dict[str, Any]
_LISTS = (("check", "checks"), ("evidence", "evidence"), ("duty-of", "duty_of"), ("task", "tasks"))
_WORDS = ("timeline", "today")


def catalog_of(document: FrameworkDocument, known: Mapping[str, CheckDocument], added: dt.datetime) -> Json:
    """A framework as an OSCAL catalog; reading it gives the same framework back.

    What a catalog brought beyond our own fields is written as it came. `known` gives the words of the checks,
    which stand in it as objectives of assessment.
    """
    rest = dict(document.oscal)
    head = dict(rest.pop("metadata", {}))
    own = [prop("key", document.key), prop("kind", document.kind), prop("as-of", document.as_of)]
    own.append(prop("source", document.source))
    if document.timelines:
        own.append(prop("timelines", _json(document.model_dump(mode="json")["timelines"])))
    head["props"] = [*head.get("props", ()), *own]
    return {
        "catalog": {
            "uuid": uuid_of("catalog", document.key, document.version),
            "metadata": metadata(document.title, document.version, added, **head),
            **rest,
            "groups": _groups(document, "", known),
        }
    }


def _groups(document: FrameworkDocument, parent: str, known: Mapping[str, CheckDocument]) -> list[Json]:
    return [_group(document, each, known) for each in document.groups if each.parent == parent]


def _group(document: FrameworkDocument, group: GroupDocument, known: Mapping[str, CheckDocument]) -> Json:
    inner = _groups(document, group.id, known)
    controls = _controls(group.controls, "", known)
    return {
        "id": group.id,
        "title": group.title,
        **group.oscal,
        **({"groups": inner} if inner else {}),
        **({"controls": controls} if controls else {}),
    }


def _controls(
    controls: Iterable[ControlDocument], parent: str, known: Mapping[str, CheckDocument]
) -> list[Json]:
    listed = list(controls)
    ids = {each.id for each in listed}
    found = []
    for each in listed:
        # What lies in a control of another group stands by itself here.
        above = each.parent if each.parent in ids else ""
        if above == parent:
            inner = _controls(listed, each.id, known) if any(one.parent == each.id for one in listed) else []
            found.append({**_control(each, known), **({"controls": inner} if inner else {})})
    return found


def _control(control: ControlDocument, known: Mapping[str, CheckDocument]) -> Json:
    brought = dict(control.oscal)
    props = list(brought.pop("props", ()))
    if not any(each["name"] == "label" for each in props):
        props.insert(0, {"name": "label", "value": control.label})
    for name, field in _LISTS:
        props += [prop(name, value) for value in getattr(control, field)]
    props += [prop(name, value) for name in _WORDS if (value := getattr(control, name))]
    if control.judges is not None:
        props.append(prop("judges", _json(control.judges.model_dump(mode="json", exclude_defaults=True))))
    if control.same_as:
        props.append(prop("same-as", _json(control.same_as)))
    parts = list(brought.pop("parts", ()))
    if not control.oscal:
        parts.append(_own_part(statement_id(control), "statement", control.title))
    parts += [
        _own_part(f"{control.id}_obj.{key.lower()}", "assessment-objective", known[key].title, key)
        for key in control.checks
        if key in known
    ]
    return {
        "id": control.id, "title": control.title, "props": props, **brought,
        **({"parts": parts} if parts else {}),
    }  # fmt: skip


def statement_id(control: ControlDocument) -> str:
    """The id of the part that findings are about: the catalog's own statement if it brought one."""
    for part in control.oscal.get("parts", ()):
        if part.get("name") == "statement" and part.get("id"):
            return str(part["id"])
    return f"{control.id}_smt"


def _own_part(name: str, kind: str, prose: str, label: str = "") -> Json:
    props = [prop("made-of", "gatebook")]
    if label:
        props.append(prop("check", label))
    return {"id": name, "name": kind, "props": props, "prose": prose}


def profile_of(
    document: FrameworkDocument, *, title: str, name: str, applies: Iterable[str], reasons: Mapping[str, str],
    moment: dt.datetime,
) -> Json:  # fmt: skip
    """The statement of applicability as a profile: what is chosen of a catalog, and why the rest is not.

    `applies` are the ids that have a bearing, `reasons` says of the others why not. `name` names the profile.
    """
    chosen = list(applies)
    left_out = [prop("left-out", each, remarks=why) for each, why in reasons.items()]
    source = {"href": framework_uri(document.key, document.version)}
    nothing = {"include-all": {}, "exclude-controls": [{"with-ids": list(reasons)}]}
    selection: Json = {"include-controls": [{"with-ids": chosen}]} if chosen else nothing
    return {
        "profile": {
            "uuid": uuid_of("profile", name, document.key, document.version),
            "metadata": metadata(title, document.version, moment, props=left_out),
            "imports": [{**source, **selection}],
            "merge": {"as-is": True},
        }
    }  # fmt: skip


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
