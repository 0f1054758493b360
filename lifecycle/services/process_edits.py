"""Edits of a draft, one part at a time: each sends the whole new document through `change_draft`.

`part` is a list of the document (`tasks`), `key` one of its items. `seen` is the digest of the draft that the
editor looked at: if it is another one by now, the edit is refused with what changed since, in words.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from ledger.queries import entries_of_subject
from lifecycle import rules
from lifecycle.actions import LifecycleAction
from lifecycle.definitions import Problem, ProcessDocument, parse, problems_in, tailored
from lifecycle.errors import Invalid, Refused
from lifecycle.models import ProcessVersion, User
from lifecycle.services.processes import change_draft, draft_process
from lifecycle.services.steps import allow, locked

PARTS = (
    "sources", "roles", "stages", "phases", "tasks", "risks", "methods", "loops", "handoffs", "triggers",
    "gates",
)  # fmt: skip
"""The lists of a document, in its order."""

_KEYS = {"sources": "id", "roles": "code", "stages": "code"}
_NAMED_BY = {
    "roles": (("tasks", "support"), ("handoffs", "givers"), ("handoffs", "takers")),
    "stages": (("tasks", "stage"), ("handoffs", "stage_pair")),
    "methods": (("risks", "methods"),),
}
_REMEMBERED = 100

Data = dict[str, Any]


class Unfit(Invalid):
    """The document would be wrong after the edit. `place` is where the edited part stands in `document`."""

    def __init__(self, problems: list[Problem], place: str = "", document: Data | None = None) -> None:
        super().__init__(problems[0].code, "\n".join(map(str, problems)), problems[0].where)
        self.problems = problems
        self.place = place
        self.document = document or {}


class Overtaken(Refused):
    """Somebody else changed the draft since. `changes` says what, `digest` names the draft as it is now."""

    def __init__(self, changes: list[str], digest: str) -> None:
        text = _("Somebody else changed this draft since you opened it. Nothing of yours was saved.")
        super().__init__("changed_meanwhile", text)
        self.changes = changes
        self.digest = digest


@transaction.atomic
def draft_from(*, document: ProcessDocument, actor: User, key: str = "", name: str = "") -> ProcessVersion:
    """A new draft with this document, under a key and a name of its own if they are given."""
    own = {field: value for field, value in (("key", key), ("name", name)) if value}
    data = document.model_dump(mode="json") | own
    problems = problems_in(data)
    if problems:
        raise Unfit(problems)
    return draft_process(document=parse(data), actor=actor)


@transaction.atomic
def save_head(*, version: ProcessVersion, data: Mapping[str, Any], seen: str, actor: User) -> ProcessVersion:
    """Change name and summary of the process."""
    version = _current(version, seen, actor)
    return _change(version, {**version.document, **data}, actor)


@transaction.atomic
def save_part(
    *, version: ProcessVersion, part: str, key: str | None, data: Mapping[str, Any], seen: str, actor: User
) -> ProcessVersion:
    """Add a part (`key` None) or put `data` in the place of the one with this key, which stays.

    Raises `Unfit` with every problem, `Overtaken`, `Refused("gone")` for a key that is not there.
    """
    version = _current(version, seen, actor)
    document, number = with_part(version.document, part, key, data)
    return _change(version, document, actor, f"{part}[{number}]")


@transaction.atomic
def add_phase(
    *, version: ProcessVersion, data: Mapping[str, Any], first: Mapping[str, Any], seen: str, actor: User
) -> ProcessVersion:
    """Add a phase at the end together with its first task: a phase without any is refused."""
    version = _current(version, seen, actor)
    document, number = with_part(version.document, "phases", None, data)
    document, _place = with_part(document, "tasks", None, first)
    return _change(version, document, actor, f"phases[{number}]")


@transaction.atomic
def move_part(
    *, version: ProcessVersion, part: str, key: str, down: bool, seen: str, actor: User
) -> ProcessVersion:
    """Let a part change places with its neighbour, of the same phase where it has one."""
    version = _current(version, seen, actor)
    return _change(version, moved(version.document, part, key, down=down), actor)


@transaction.atomic
def retire_part(*, version: ProcessVersion, part: str, key: str, seen: str, actor: User) -> ProcessVersion:
    """Take a part out, and with it what makes no sense without it: see `without_part`."""
    version = _current(version, seen, actor)
    return _change(version, without_part(version.document, part, key), actor)


def changes_since(version: ProcessVersion, seen: str) -> list[str]:
    """What changed in a draft since it had the digest `seen`, in words; empty if that is unknown. 1 query."""
    words: list[str] = []
    history = entries_of_subject(version).filter(action=LifecycleAction.PROCESS_CHANGED)
    for entry in history.order_by("-index")[:_REMEMBERED]:
        detail = entry.payload.content.get("detail", {})
        words = [*detail.get("changes", []), *words]
        if detail.get("digest_before") == seen:
            return words
    return []


def key_of(part: str, item: Mapping[str, Any]) -> str:
    """What names an item of a list: its key, a role's code, a source's id."""
    return str(item[key_field(part)])


def key_field(part: str) -> str:
    """The field that holds the key of a list's items."""
    return _KEYS.get(part, "key")


def place_of(document: Mapping[str, Any], part: str, key: str) -> int:
    """Where in its list an item stands; `Refused("gone")` if it does not."""
    for number, item in enumerate(document.get(part, ())):
        if key_of(part, item) == key:
            return number
    raise Refused("gone", _("“%(key)s” is not in this draft any more.") % {"key": key})


def with_part(document: Data, part: str, key: str | None, data: Mapping[str, Any]) -> tuple[Data, int]:
    """The document with one part added or replaced, and where that stands; the given one stays as it is."""
    items = list(document.get(part, ()))
    if key is None:
        last = [
            n for n, item in enumerate(items, 1) if "phase" in data and item.get("phase") == data["phase"]
        ]
        number = last[-1] if last else len(items)
        items.insert(number, dict(data))
    else:
        number = place_of(document, part, key)
        items[number] = {**data, key_field(part): key}
    return {**document, part: items}, number


def moved(document: Data, part: str, key: str, *, down: bool) -> Data:
    """The document with a part and its neighbour in each other's place; the same at an end of the list."""
    items, number = list(document.get(part, ())), place_of(document, part, key)
    step = 1 if down else -1
    others = range(number + step, len(items) if down else -1, step)
    for other in others:
        if items[other].get("phase") == items[number].get("phase"):
            items.insert(other, items.pop(number))
            break
    return {**document, part: items}


def without_part(document: Data, part: str, key: str) -> Data:
    """The document without a part, not checked.

    With a phase, task, handoff, trigger or gate goes what could not be without it: see `tailored`. A role,
    stage or method vanishes from the lists that name it; where it is the only one, a problem is left.
    """
    number = place_of(document, part, key)
    if part in ("phases", "tasks", "handoffs", "triggers", "gates"):
        return _tailored(parse(document), part, key)
    items = [item for n, item in enumerate(document[part]) if n != number]
    lists: dict[str, list[Data]] = {}
    for name, field in _NAMED_BY.get(part, ()):
        named = lists.get(name) or document.get(name, [])
        lists[name] = [_forgetting(item, field, key) for item in named]
    return {**document, **lists, part: items}


def _forgetting(item: Data, field: str, key: str) -> Data:
    value = item.get(field)
    if value == key:
        return {name: each for name, each in item.items() if name != field}
    return {**item, field: [each for each in value if each != key]} if isinstance(value, list) else item


def _tailored(doc: ProcessDocument, part: str, key: str) -> Data:
    gone = (
        {key} if part == "tasks" else {task.key for task in doc.tasks_of(key)} if part == "phases" else set()
    )
    try:
        smaller = tailored(
            doc,
            keep_tasks=[task.key for task in doc.tasks if task.key not in gone],
            keep_handoffs=_others(doc.handoffs, key) if part == "handoffs" else None,
            keep_triggers=_others(doc.triggers, key) if part == "triggers" else None,
            keep_gates=_others(doc.gates, key) if part == "gates" else None,
        )
    except Invalid as no:
        raise Unfit([Problem(no.code, no.where, no.text)]) from no
    kept = smaller.model_copy(update={"methods": doc.methods})
    return kept.model_dump(mode="json", exclude_defaults=True)


def _others(items: Iterable[Any], key: str) -> list[str]:
    return [item.key for item in items if item.key != key]


def _current(version: ProcessVersion, seen: str, actor: User) -> ProcessVersion:
    version = locked(version, "process")
    allow(rules.can_manage_processes(actor), _("Only process owners and administrators change a draft."))
    if version.state == ProcessVersion.State.DRAFT and version.digest != seen:
        raise Overtaken(changes_since(version, seen), version.digest)
    return version


def _change(version: ProcessVersion, document: Data, actor: User, place: str = "") -> ProcessVersion:
    problems = problems_in(document)
    if problems:
        raise Unfit(problems, place, document)
    return change_draft(version=version, document=parse(document), actor=actor)
