"""A framework from an OSCAL catalog: its groups, controls, statements, parameters and back matter."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from governance.errors import Invalid
from governance.oscal.names import SPACE, own_props
from governance.oscal.shapes import Catalog, Control, Group, Node, Param, Part
from governance.oscal.texts import insert, label_of, statement_of

_SUCCESSOR = ("incorporated-into", "moved-to")
_LISTS = {"check": "checks", "evidence": "evidence", "duty-of": "duty_of", "task": "tasks"}
_WORDS = {"timeline": "timeline", "today": "today"}
_VALUES = {"judges": "judges", "same-as": "same_as"}
_LONGEST_TITLE, _LONGEST_VERSION = 600, 60

Json = dict[str, Any]


@dataclass
class _Taken:
    """What a walk through a catalog has met."""

    groups: list[Json] = field(default_factory=list)
    params: dict[str, Param] = field(default_factory=dict)
    ids: set[str] = field(default_factory=set)
    successors: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, where: str) -> None:
        if name in self.ids:
            raise Invalid("twice", _("The id “%(id)s” is there twice.") % {"id": name}, where)
        self.ids.add(name)


def framework_from_catalog(catalog: Catalog, *, key: str = "", kind: str = "") -> Json:
    """A framework in our own form from a catalog, as plain data for `parse_framework`.

    `key` and `kind` take the place of what the catalog says of itself; without them the key is made from the
    title and the kind is a standard. Raises `Invalid` with the place.
    """
    taken = _Taken()
    for param in _all_params(catalog):
        taken.add(param.id, f"param {param.id}")
        taken.params[param.id] = param
    for each in taken.params.values():
        insert(f"{{{{ insert: param, {each.id} }}}}", taken.params, f"param {each.id}")
    if catalog.controls:
        taken.groups.append(_own_group("controls", catalog.metadata.title))
        for control in catalog.controls:
            taken.groups[-1]["controls"] += _controls(control, taken, ())
    for number, group in enumerate(catalog.groups, start=1):
        _take_group(group, taken, f"group-{number}", "")
    _refuse_succession_loops(taken)
    own = dict(own_props(_raw(catalog.metadata)))
    return {
        "key": key or own.get("key", "") or _key(catalog.metadata.title),
        "title": _line(catalog.metadata.title, "catalog"),
        "version": own.get("version", catalog.metadata.version)[:_LONGEST_VERSION],
        "kind": kind or own.get("kind", "standard"),
        "as_of": own.get("as-of", catalog.metadata.last_modified[:10]),
        "source": own.get("source") or _source(catalog),
        "timelines": _value(own.get("timelines", "{}"), "metadata"),
        "groups": taken.groups,
        "oscal": _rest_of_catalog(catalog),
    }


def _all_params(holder: Catalog | Group | Control) -> Iterator[Param]:
    yield from holder.params
    for control in holder.controls:
        yield from _all_params(control)
    if not isinstance(holder, Control):
        for group in holder.groups:
            yield from _all_params(group)


def _take_group(group: Group, taken: _Taken, name: str, parent: str) -> None:
    """Put a group, its controls and the groups in it into the list, one after the other."""
    made = _own_group(group.id or name, group.title)
    if group.id:
        taken.add(group.id, f"group {group.id}")
    if parent:
        made["parent"] = parent
    if rest := _without(_raw(group), "id", "title", "controls", "groups"):
        made["oscal"] = rest
    taken.groups.append(made)
    for control in group.controls:
        made["controls"] += _controls(control, taken, ())
    for number, inner in enumerate(group.groups, start=1):
        _take_group(inner, taken, f"{made['id']}.{number}", made["id"])


def _own_group(name: str, title: str) -> Json:
    return {"id": name, "title": _line(title, f"group {name}"), "controls": []}


def _controls(control: Control, taken: _Taken, above: tuple[str, ...]) -> list[Json]:
    """A control and those that add to it, in their order."""
    where = f"control {control.id}"
    if control.id in above:
        words = {"path": " → ".join([*above, control.id])}
        raise Invalid("loop", _("A control lies in itself: %(path)s.") % words, where)
    taken.add(control.id, where)
    for part in control.parts:
        _part_ids(part, taken, where)
    made: Json = {
        "id": control.id,
        "label": _line(label_of(control.props, control.id), where),
        "title": _line(control.title, where),
    }
    if above:
        made["parent"] = above[-1]
    if any(each.name == "status" and each.value.lower() == "withdrawn" for each in control.props):
        made["withdrawn"] = _withdrawn(control, taken)
    made |= _own_fields(control, where)
    rest = _rest_of_control(control)
    if rest:
        made["oscal"] = rest
        made["prose"] = statement_of(control, taken.params)
    inner = [each for child in control.controls for each in _controls(child, taken, (*above, control.id))]
    return [made, *inner]


def _part_ids(part: Part, taken: _Taken, where: str) -> None:
    if part.id is not None:
        taken.add(part.id, where)
    for each in part.parts:
        _part_ids(each, taken, where)


def _withdrawn(control: Control, taken: _Taken) -> str:
    to = [link.href[1:] for link in control.links if link.rel in _SUCCESSOR and link.href.startswith("#")]
    if not to:
        return _("Withdrawn by who issued it.")
    # Where it went may be a part of a control, which the controls after this one bring.
    taken.successors[control.id] = to[0]
    return _("Withdrawn by who issued it; see %(id)s.") % {"id": to[0]}


def _refuse_succession_loops(taken: _Taken) -> None:
    for begin, first in taken.successors.items():
        if first not in taken.ids:
            words = {"id": begin, "to": first}
            text = _("The control “%(id)s” was moved to “%(to)s”, which is not there.") % words
            raise Invalid("control_unknown", text, f"control {begin}")
        path, at = [begin], first
        while at in taken.successors and at not in path:
            path.append(at)
            at = taken.successors[at]
        if at in path:
            words = {"path": " → ".join([*path, at])}
            raise Invalid(
                "loop", _("Withdrawn controls lead in a circle: %(path)s.") % words, f"control {begin}"
            )


def _own_fields(control: Control, where: str) -> Json:
    """What our own export wrote as properties: checks, evidence and the rest of the crosswalk."""
    found: Json = {}
    for name, value in own_props(_raw(control)):
        if name in _LISTS:
            found.setdefault(_LISTS[name], []).append(value)
        elif name in _WORDS:
            found[_WORDS[name]] = value
        elif name in _VALUES:
            found[_VALUES[name]] = _value(value, where)
    return found


def _rest_of_control(control: Control) -> Json:
    """What the catalog says beyond our own fields; empty for what our export wrote."""
    rest = _without(_raw(control), "id", "title", "controls")
    props = [each for each in rest.get("props", ()) if each.get("ns") != SPACE]
    parts = [each for each in rest.get("parts", ()) if not any(True for _name in own_props(each))]
    if len(props) == 1 and set(props[0]) == {"name", "value"} and props[0]["name"] == "label":
        props = []
    return {**_without(rest, "props", "parts"), **_given(props=props, parts=parts)}


def _rest_of_catalog(catalog: Catalog) -> Json:
    rest = _without(_raw(catalog), "uuid", "groups", "controls")
    head = _without(rest.pop("metadata"), "title", "version", "last-modified", "oscal-version")
    head["props"] = [each for each in head.get("props", ()) if each.get("ns") != SPACE]
    head = {name: value for name, value in head.items() if value}
    return {**rest, **_given(metadata=head)}


def _source(catalog: Catalog) -> str:
    raw = _raw(catalog.metadata)
    names = [
        str(each["name"]) for each in raw.get("parties", ()) if isinstance(each, Mapping) and "name" in each
    ]
    return _line(", ".join([*names[:3], f"OSCAL catalog {catalog.uuid}"]), "metadata")


def _raw(node: Node) -> Json:
    return node.model_dump(mode="json", by_alias=True, exclude_unset=True)


def _without(data: Mapping[str, Any], *names: str) -> Json:
    return {name: value for name, value in data.items() if name not in names}


def _given(**fields: Any) -> Json:
    return {name: value for name, value in fields.items() if value}


def _value(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Invalid("shape", _("A property of Gatebook is no JSON."), where) from error


def _line(text: str, where: str) -> str:
    found = " ".join(text.split())[:_LONGEST_TITLE].strip()
    if not found:
        raise Invalid("empty", _("The title is empty."), where)
    return found


def _key(title: str) -> str:
    found = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:60].strip("-")
    return found or "catalog"
