"""A framework from an OSCAL profile: what it chooses of frameworks that are held here."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable
from typing import Any

from django.utils.translation import gettext as _

from governance.compliance.documents import ControlDocument, FrameworkDocument
from governance.errors import Invalid
from governance.oscal.names import framework_uri, own_props
from governance.oscal.shapes import Import, Profile, Selection

FindFramework = Callable[[str], FrameworkDocument | None]
"""The framework that a URI names, None if it is not held here."""

Json = dict[str, Any]


def framework_from_profile(profile: Profile, *, key: str = "", kind: str = "", find: FindFramework) -> Json:
    """A framework in our own form with the controls that a profile chooses, as plain data.

    Raises `Invalid`: for what it imports and is not held here, for control ids that are not there, for a
    control that comes in twice, for a profile that imports what it makes, and for one that changes what it
    chooses: taken without its changes, it would say something else than its authors.
    """
    for part, changes in profile.modify.items():
        if changes:
            text = _("Changes to the controls of a profile are not carried out here. Take them out.")
            raise Invalid("modify_not_done", text, f"profile.modify.{part}")
    own = dict(own_props(profile.metadata.model_dump(mode="json", by_alias=True, exclude_unset=True)))
    made_key = key or own.get("key", "") or _key(profile.metadata.title)
    groups: list[Json] = []
    timelines: Json = {}
    for number, each in enumerate(profile.imports):
        where = f"profile.imports.{number}"
        if each.href == framework_uri(made_key, profile.metadata.version):
            raise Invalid("loop", _("The profile imports itself."), f"{where}.href")
        found = find(each.href)
        if found is None:
            words = {"href": each.href, "form": framework_uri("KEY", "VERSION")}
            text = _("“%(href)s” is not held here. Add that catalog first, and name it %(form)s.") % words
            raise Invalid("import_unknown", text, f"{where}.href")
        chosen = _chosen(each, found, where)
        groups += _groups_of(found, chosen)
        timelines |= found.model_dump(mode="json")["timelines"]
    return {
        "key": made_key,
        "title": " ".join(profile.metadata.title.split())[:600],
        "version": profile.metadata.version[:60],
        "kind": kind or own.get("kind", "policy"),
        "as_of": profile.metadata.last_modified[:10],
        "source": f"OSCAL profile {profile.uuid}",
        "timelines": timelines,
        "groups": groups,
    }


def _chosen(each: Import, document: FrameworkDocument, where: str) -> set[str]:
    controls = list(document.controls)
    # Without a word on what is included, all of it is.
    everything = each.include_all is not None or not each.include_controls
    found = {control.id for control in controls} if everything else set()
    for number, selection in enumerate(each.include_controls):
        found |= _selected(selection, controls, f"{where}.include-controls.{number}")
    for number, selection in enumerate(each.exclude_controls):
        found -= _selected(selection, controls, f"{where}.exclude-controls.{number}")
    return found


def _selected(selection: Selection, controls: list[ControlDocument], where: str) -> set[str]:
    known = {control.id for control in controls}
    missing = [each for each in selection.with_ids if each not in known]
    if missing:
        words = {"ids": ", ".join(missing[:10])}
        raise Invalid("control_unknown", _("There is no control %(ids)s.") % words, f"{where}.with-ids")
    patterns = [re.compile(fnmatch.translate(each.pattern)) for each in selection.matching]
    found = {*selection.with_ids, *(each for each in known if any(one.match(each) for one in patterns))}
    if selection.with_child_controls == "yes":
        for control in controls:
            if control.parent in found:
                found.add(control.id)
    return found


def _groups_of(document: FrameworkDocument, chosen: set[str]) -> list[Json]:
    """The groups with what was chosen; what a control adds to may have been left out."""
    groups = []
    for group in document.model_dump(mode="json", exclude_defaults=True)["groups"]:
        kept = [each for each in group.get("controls", ()) if each["id"] in chosen]
        for each in kept:
            if each.get("parent") not in chosen:
                each.pop("parent", None)
        if kept:
            groups.append({"id": group["id"], "title": group["title"], "controls": kept})
    return groups


def _key(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:60].strip("-") or "profile"
