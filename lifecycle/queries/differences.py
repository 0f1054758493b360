"""What two JSON documents say differently, field by field, in words."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

MOST = 200
LONGEST = 160
_DEEPEST = 40
_NOTHING = object()


@dataclass(frozen=True)
class FieldChange:
    """One field with what it was and what it is; `before` or `after` is None where it is not there."""

    path: tuple[str, ...]
    before: str | None
    after: str | None

    @property
    def words(self) -> str:
        """The change as a sentence without its full stop."""
        said = {"name": field_name(self.path), "before": self.before, "after": self.after}
        if self.before is None:
            return _("%(name)s: was not there, is now %(after)s") % said
        if self.after is None:
            return _("%(name)s: was %(before)s, is gone") % said
        return _("%(name)s: was %(before)s, is now %(after)s") % said

    def as_dict(self) -> dict[str, Any]:
        """For storage: pointer, words, before and after."""
        pointer = "/" + "/".join(part.replace("~", "~0").replace("/", "~1") for part in self.path)
        return {"at": pointer, "words": self.words, "before": self.before, "after": self.after}


def changes(before: Any, after: Any) -> list[FieldChange]:
    """All fields that differ, in the order of their names. Lists of one length go item by item."""
    return list(_walk(before, after, ()))


def field_name(path: tuple[str, ...]) -> str:
    """How people call a field of a run's content: "Metric accuracy", "Tag owner", "slices / IT / rows"."""
    if not path:
        return _("The whole")
    inner = path[1:] if path[0] == "record" else path
    kinds = {
        "metrics": _("Metric"), "parameters": _("Parameter"), "params": _("Parameter"), "tags": _("Tag"),
        "slices": _("Slice"), "spec": _("Specification"), "data": _("Data"), "code": _("Code"),
    }  # fmt: skip
    alone = {
        "title": _("Title"), "started_at": _("Start"), "finished_at": _("End"), "model_digest": _("Model"),
        "kind": _("Kind"), "source": _("Source"), "external_id": _("Name at the source"),
        "state": _("State"),
    }  # fmt: skip
    if len(inner) == 1 and inner[0] in alone:
        return alone[inner[0]]
    if len(inner) > 1 and inner[0] in kinds:
        return f"{kinds[inner[0]]} {' / '.join(inner[1:])}"
    return " / ".join(inner or path)


def _walk(before: Any, after: Any, path: tuple[str, ...]) -> Iterator[FieldChange]:
    if before is _NOTHING or after is _NOTHING or len(path) >= _DEEPEST:
        yield from _leaf(before, after, path)
    elif isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in sorted({*before, *after}):
            yield from _walk(before.get(name, _NOTHING), after.get(name, _NOTHING), (*path, str(name)))
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for at, (old, new) in enumerate(zip(before, after, strict=True), 1):
            yield from _walk(old, new, (*path, str(at)))
    else:
        yield from _leaf(before, after, path)


def _leaf(before: Any, after: Any, path: tuple[str, ...]) -> Iterator[FieldChange]:
    """A difference of values; what came or went as a whole is told field by field."""
    if isinstance(before, Mapping) and before and after is _NOTHING and len(path) < _DEEPEST:
        yield from _walk(before, {}, path)
    elif isinstance(after, Mapping) and after and before is _NOTHING and len(path) < _DEEPEST:
        yield from _walk({}, after, path)
    elif type(before) is not type(after) or before != after:
        yield FieldChange(path, _text(before), _text(after))


def _text(value: Any) -> str | None:
    if value is _NOTHING:
        return None
    text = f"“{value}”" if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
