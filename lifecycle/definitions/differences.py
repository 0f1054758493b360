"""What changed between two versions of a process, in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.utils.translation import gettext as _

from lifecycle.definitions.digests import plain
from lifecycle.definitions.document import ProcessDocument

_LONG = 80
_HEAD = ("format", "key", "name", "summary")


class ChangeKind(StrEnum):
    """What happened to a part."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    MOVED = "moved"


@dataclass(frozen=True)
class Change:
    """One change.

    `part` is the list (`tasks`), `key` the part's key (empty for the document's own fields), `field` what
    changed in it, `words` a sentence for people.
    """

    kind: ChangeKind
    part: str
    key: str
    field: str
    words: str
    before: Any = None
    after: Any = None


def difference(old: ProcessDocument, new: ProcessDocument) -> list[Change]:
    """The changes from `old` to `new` in the document's order; empty exactly if the digests are equal."""
    before, after = plain(old), plain(new)
    changes = list(_fields("", "", _("Process"), _only(before, _HEAD), _only(after, _HEAD)))
    for part, singular in _parts().items():
        changes.extend(_list(part, singular, before.get(part, []), after.get(part, [])))
    return changes


def _only(data: dict[str, Any], fields: tuple[str, ...]) -> dict[str, Any]:
    return {field: data[field] for field in fields}


def _parts() -> dict[str, str]:
    return {
        "sources": _("Source"),
        "roles": _("Role"),
        "stages": _("Stage"),
        "phases": _("Phase"),
        "tasks": _("Task"),
        "risks": _("Risk"),
        "methods": _("Method"),
        "loops": _("Loop"),
        "handoffs": _("Handoff"),
        "triggers": _("Trigger"),
        "gates": _("Gate"),
        "material_changes": _("Change after signing"),
    }


def _list(part: str, singular: str, old: list[Any], new: list[Any]) -> Iterator[Change]:
    before = {_key(item): item for item in old}
    after = {_key(item): item for item in new}
    for key, item in before.items():
        if key not in after:
            words = _("%(part)s removed.") % {"part": _title(singular, key, item)}
            yield Change(ChangeKind.REMOVED, part, key, "", words, before=item)
    for key, item in after.items():
        title = _title(singular, key, item)
        if key not in before:
            yield Change(ChangeKind.ADDED, part, key, "", _("%(part)s added.") % {"part": title}, after=item)
        else:
            yield from _fields(part, key, title, before[key], item)
    yield from _order(part, singular, list(before), after)


def _fields(part: str, key: str, title: str, old: dict[str, Any], new: dict[str, Any]) -> Iterator[Change]:
    for field in dict.fromkeys([*old, *new]):
        before, after = old.get(field), new.get(field)
        if before != after:
            words = _("%(part)s: %(change)s.") % {"part": title, "change": _words(field, before, after)}
            yield Change(ChangeKind.CHANGED, part, key, field, words, before, after)


def _order(part: str, singular: str, old: list[str], new: dict[str, Any]) -> Iterator[Change]:
    """One change if the parts that stayed are in another order; names the first that moved."""
    stayed = [key for key in old if key in new]
    now = [key for key in new if key in set(stayed)]
    for before, after in zip(stayed, now, strict=True):
        if before != after:
            title = _title(singular, after, new[after])
            words = _("%(part)s now comes before %(other)s.") % {"part": title, "other": before}
            yield Change(ChangeKind.MOVED, part, after, "", words, before=stayed, after=now)
            return


def _words(field: str, old: Any, new: Any) -> str:
    name = field.replace("_", " ")
    if isinstance(old or new, list):
        added = [item for item in new or [] if item not in (old or [])]
        gone = [item for item in old or [] if item not in (new or [])]
        bits = [_("added %(item)s") % {"item": _short(item)} for item in added]
        bits += [_("removed %(item)s") % {"item": _short(item)} for item in gone]
        return f"{name} " + ("; ".join(bits) or _("in another order"))
    if old is None:
        return _("%(field)s set to %(new)s") % {"field": name, "new": _short(new)}
    if new is None:
        return _("%(field)s %(old)s taken away") % {"field": name, "old": _short(old)}
    if isinstance(old, dict) and isinstance(new, dict):
        inner = [key for key in dict.fromkeys([*old, *new]) if old.get(key) != new.get(key)]
        return "; ".join(_words(f"{name} {key}", old.get(key), new.get(key)) for key in inner)
    return _("%(field)s %(old)s → %(new)s") % {"field": name, "old": _short(old), "new": _short(new)}


def _short(value: Any) -> str:
    if isinstance(value, dict):
        value = value.get("key") or value.get("asks") or ", ".join(f"{k} {v}" for k, v in value.items())
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    text = str(value)
    text = text if len(text) <= _LONG else text[: _LONG - 1] + "…"
    return f"“{text}”" if isinstance(value, str) else text


def _key(item: dict[str, Any]) -> str:
    return str(item.get("key") or item.get("code") or item["id"])


def _title(singular: str, key: str, item: dict[str, Any]) -> str:
    name = item.get("name") or item.get("title") or item.get("text") or ""
    return f"{singular} {key} {_short(name)}" if name else f"{singular} {key}"
