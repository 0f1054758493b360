"""The events of a project as an object-centric event log, OCEL 2.0 in JSON (https://www.ocel-standard.org/).

Objects are the project, its iterations, phases, tasks, handoffs, runs, gates, models, and the keys of people
(`user:7`, no names). Events are the entries of the ledger; a relation goes only to an object that is there.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ledger.models import Entry
from ledger.queries import head
from lifecycle.models import Handoff, Iteration, ModelVersion, Phase, Project, Run, Task

_FIRST = "1970-01-01T00:00:00Z"  # the standard's time of a value that holds from the beginning
_CHUNK = 500
OBJECT_TYPES: dict[str, tuple[str, ...]] = {
    "project": ("name",),
    "iteration": ("number",),
    "phase": ("key", "name"),
    "task": ("key", "name"),
    "handoff": ("key", "name"),
    "run": ("kind",),
    "gate": ("key",),
    "model": ("number", "digest"),
    "person": (),
}
_EVENT_ATTRIBUTES = ("index", "from", "to")
_SUBJECTS = {"lifecycle": frozenset({"project", "iteration", "phase", "task", "handoff", "run"}),
             "governance": frozenset({"gate"})}  # fmt: skip


def ocel_of(project: Project) -> Iterator[str]:
    """The log in pieces of JSON text, objects before events, in the order of the ledger. 11 queries.

    It holds the entries that were there when it began.
    """
    size = head().size
    log = _Log(project)
    entries = Entry.objects.filter(project=project.slug, index__lt=size)
    actions = sorted(entries.order_by().values_list("action", flat=True).distinct())
    yield '{"objectTypes":' + _text([_type(name, parts) for name, parts in OBJECT_TYPES.items()])
    yield ',"eventTypes":' + _text([_type(name, _EVENT_ATTRIBUTES) for name in actions])
    yield ',"objects":['
    yield from _listed(log.objects(entries))
    yield '],"events":['
    found = entries.select_related("payload").order_by("index")
    yield from _listed(log.event(entry) for entry in found.iterator(chunk_size=_CHUNK))
    yield "]}"


@dataclass
class _Log:
    """What is known of the objects while the log is written."""

    project: Project
    known: set[str] = field(default_factory=set)
    iterations: dict[int, str] = field(default_factory=dict)
    phases: dict[tuple[int, str], str] = field(default_factory=dict)
    gates: dict[tuple[int, str], str] = field(default_factory=dict)
    models: dict[str, str] = field(default_factory=dict)

    def objects(self, entries: Any) -> Iterator[dict[str, Any]]:
        """Every object with what it belongs to."""
        mine = self.project
        home = f"project:{mine.pk}"
        yield self._object("project", mine.pk, {"name": mine.name})
        for each in Iteration.objects.filter(project=mine).order_by("number"):
            self.iterations[each.number] = f"iteration:{each.pk}"
            yield self._object("iteration", each.pk, {"number": each.number}, {"of": home})
        for phase in Phase.objects.filter(iteration__project=mine).select_related("iteration").order_by("pk"):
            self.phases[phase.iteration.number, phase.key] = f"phase:{phase.pk}"
            words = {"key": phase.key, "name": phase.name}
            yield self._object("phase", phase.pk, words, {"of": f"iteration:{phase.iteration_id}"})
        for task in Task.objects.filter(phase__iteration__project=mine).order_by("pk").iterator(_CHUNK):
            words = {"key": task.key, "name": task.name}
            yield self._object("task", task.pk, words, {"of": f"phase:{task.phase_id}"})
        yield from self._made(mine, home)
        yield from self._people(entries, mine)
        yield from self._gates(entries)

    def _made(self, mine: Project, home: str) -> Iterator[dict[str, Any]]:
        for each in Handoff.objects.filter(iteration__project=mine).order_by("pk").iterator(_CHUNK):
            words = {"key": each.key, "name": each.title}
            yield self._object("handoff", each.pk, words, {"of": f"iteration:{each.iteration_id}"})
        for model in ModelVersion.objects.filter(project=mine).order_by("pk"):
            self.models[model.digest] = f"model:{model.pk}"
            words = {"number": str(model.number), "digest": model.digest}
            yield self._object("model", model.pk, words, {"of": home})
        runs = Run.objects.filter(project=mine).order_by("pk")
        for run in runs.only("pk", "kind", "iteration_id", "task_id", "model_version_id").iterator(_CHUNK):
            belongs = {
                "of": f"iteration:{run.iteration_id}", "for": f"task:{run.task_id}",
                "model": f"model:{run.model_version_id}",
            }  # fmt: skip
            yield self._object("run", run.pk, {"kind": run.kind}, belongs)

    def _people(self, entries: Any, mine: Project) -> Iterator[dict[str, Any]]:
        """The keys of everybody who did something or is party of a handoff; machines are among them."""
        keys = set(entries.order_by().values_list("actor", flat=True).distinct())
        parties = Handoff.objects.filter(iteration__project=mine).order_by()
        for pair in parties.values_list("giver_id", "taker_id").distinct():
            keys.update(f"user:{pk}" for pk in pair if pk)
        for key in sorted(keys):
            self.known.add(key)
            yield {"id": key, "type": "person", "attributes": [], "relationships": []}

    def _gates(self, entries: Any) -> Iterator[dict[str, Any]]:
        opened = entries.filter(action="gate.opened").select_related("payload").order_by("index")
        for entry in opened.iterator(chunk_size=_CHUNK):
            detail = _detail(entry)
            belongs = {"of": self.iterations.get(_number(detail.get("iteration")), "")}
            yield self._object("gate", entry.subject_id, {"key": detail.get("gate") or ""}, belongs)

    def _object(
        self, kind: str, pk: object, words: Mapping[str, object], belongs: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """One object; relations to what is not there are left out."""
        name = f"{kind}:{pk}"
        self.known.add(name)
        return {
            "id": name,
            "type": kind,
            "attributes": [
                {"name": key, "time": _FIRST, "value": str(value)} for key, value in words.items()
            ],
            "relationships": _relations((belongs or {}).items(), self.known),
        }

    def event(self, entry: Entry) -> dict[str, Any]:
        """One entry with the objects that it speaks of."""
        detail = _detail(entry)
        app, _dot, kind = entry.subject_type.partition(".")
        number = _number(detail.get("iteration"))
        if entry.action == "gate.opened":
            self.gates[number, str(detail.get("gate"))] = f"gate:{entry.subject_id}"
        related = [
            ("subject", f"{kind}:{entry.subject_id}" if kind in _SUBJECTS.get(app, ()) else ""),
            ("in project", f"project:{self.project.pk}"),
            ("in iteration", self.iterations.get(number, "")),
            ("in phase", self.phases.get((number, str(detail.get("phase"))), "")),
            ("at gate", self.gates.get((number, str(detail.get("gate"))), "")),
            ("model", self.models.get(str(detail.get("model")), "")),
            *((name, f"{name}:{detail[name]}") for name in ("task", "handoff", "run") if detail.get(name)),
            *((name, f"user:{detail[name]}") for name in ("giver", "taker") if detail.get(name)),
            ("by", entry.actor),
        ]
        values = {"index": entry.index, "from": detail.get("from"), "to": detail.get("to")}
        return {
            "id": f"entry:{entry.index}",
            "type": entry.action,
            "time": entry.recorded_at.isoformat().replace("+00:00", "Z"),
            "attributes": [
                {"name": name, "value": str(value)}
                for name, value in values.items()
                if isinstance(value, str | int)
            ],
            "relationships": _relations(related, self.known),
        }


def _relations(pairs: Iterable[tuple[str, str]], known: set[str]) -> list[dict[str, str]]:
    """Each object once, under the first word that names it."""
    first: dict[str, str] = {}
    for word, name in pairs:
        if name in known:
            first.setdefault(name, word)
    return [{"objectId": name, "qualifier": word} for name, word in first.items()]


def _detail(entry: Entry) -> dict[str, Any]:
    detail = entry.payload.content.get("detail")
    return detail if isinstance(detail, dict) else {}


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _type(name: str, attributes: Iterable[str]) -> dict[str, Any]:
    return {"name": name, "attributes": [{"name": each, "type": "string"} for each in attributes]}


def _listed(parts: Iterable[dict[str, Any]]) -> Iterator[str]:
    for place, part in enumerate(parts):
        yield f"{',' if place else ''}\n{_text(part)}"


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
