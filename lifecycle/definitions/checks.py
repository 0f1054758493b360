"""What the shape of a document cannot say: unique keys, references that lead somewhere, no circles."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from croniter import CroniterBadCronError, CroniterBadDateError, CroniterError, croniter
from django.utils.translation import gettext as _

from lifecycle.definitions.document import ProcessDocument
from lifecycle.definitions.event_fields import missing_field
from lifecycle.definitions.expressions import GATE_VARIABLES, TRIGGER_VARIABLES, problem_of
from lifecycle.definitions.flow import OpensOn, Trigger, TriggerAction, TriggerKind
from lifecycle.definitions.gates import PROJECT_ROLES, Gate

OWN = "own"
"""The source tag of what no published source says."""

_CRON_COLUMNS = 5
_A_MOMENT = datetime(2024, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a document: a stable code, the place (`tasks[3].owner`), the words."""

    code: str
    where: str
    text: str

    def __str__(self) -> str:
        return f"{self.where}: {self.text}" if self.where else self.text


def problems(doc: ProcessDocument) -> list[Problem]:
    """Everything that is wrong with a document whose shape is right; empty if it may be published."""
    names = _Names(doc)
    return [
        *_duplicates(doc),
        *_phases(doc, names),
        *_tasks(doc, names),
        *_circles(doc),
        *_risks(doc, names),
        *_flow(doc, names),
        *_triggers(doc, names),
        *_gates(doc, names),
        *_sources(doc),
    ]


class _Sourced(Protocol):
    @property
    def sources(self) -> tuple[str, ...]: ...


class _Names:
    """The keys that references may lead to."""

    def __init__(self, doc: ProcessDocument) -> None:
        self.phases = {phase.key for phase in doc.phases}
        self.tasks = {task.key: task.phase for task in doc.tasks}
        self.work = self.phases | set(self.tasks)
        self.methods = {method.key for method in doc.methods}
        self.gates = {gate.key for gate in doc.gates}
        self.triggers = {trigger.key for trigger in doc.triggers}
        self.roles = {role.code for role in doc.roles}
        self.stages = {stage.code for stage in doc.stages}


def _known(where: str, kind: str, key: str | None, known: Iterable[str]) -> Iterator[Problem]:
    if key is not None and key not in known:
        text = _("unknown %(kind)s “%(key)s”") % {"kind": kind, "key": key}
        yield Problem("unknown_reference", where, text)


def _all_known(where: str, kind: str, keys: Sequence[str], known: Iterable[str]) -> Iterator[Problem]:
    for number, key in enumerate(keys):
        yield from _known(f"{where}[{number}]", kind, key, known)
    yield from _repeated(where, keys)


def _repeated(where: str, keys: Sequence[str], field: str = "") -> Iterator[Problem]:
    first: dict[str, int] = {}
    for number, key in enumerate(keys):
        if key in first:
            text = _("“%(key)s” is already used at %(first)s") % {
                "key": key,
                "first": f"{where}[{first[key]}]",
            }
            yield Problem("duplicate_key", f"{where}[{number}]{field}", text)
        first.setdefault(key, number)


def _duplicates(doc: ProcessDocument) -> Iterator[Problem]:
    yield from _repeated("sources", [source.id for source in doc.sources], ".id")
    yield from _repeated("roles", [role.code for role in doc.roles], ".code")
    yield from _repeated("stages", [stage.code for stage in doc.stages], ".code")
    yield from _repeated("phases", [phase.key for phase in doc.phases], ".key")
    yield from _repeated("tasks", [task.key for task in doc.tasks], ".key")
    yield from _repeated("risks", [risk.key for risk in doc.risks], ".key")
    yield from _repeated("methods", [method.key for method in doc.methods], ".key")
    yield from _repeated("loops", [loop.key for loop in doc.loops], ".key")
    yield from _repeated("handoffs", [handoff.key for handoff in doc.handoffs], ".key")
    yield from _repeated("triggers", [trigger.key for trigger in doc.triggers], ".key")
    yield from _repeated("gates", [gate.key for gate in doc.gates], ".key")
    yield from _repeated("material_changes", [each.key for each in doc.material_changes], ".key")
    for number, task in enumerate(doc.tasks):
        if task.key in {phase.key for phase in doc.phases}:
            text = _("“%(key)s” is also the key of a phase") % {"key": task.key}
            yield Problem("duplicate_key", f"tasks[{number}].key", text)


def _phases(doc: ProcessDocument, names: _Names) -> Iterator[Problem]:
    for number, phase in enumerate(doc.phases):
        yield from _known(f"phases[{number}].gate", _("gate"), phase.gate, names.gates)
        if phase.key not in names.tasks.values():
            text = _("phase “%(key)s” has no task") % {"key": phase.key}
            yield Problem("empty_phase", f"phases[{number}]", text)


def _tasks(doc: ProcessDocument, names: _Names) -> Iterator[Problem]:
    for number, task in enumerate(doc.tasks):
        where = f"tasks[{number}]"
        yield from _known(f"{where}.phase", _("phase"), task.phase, names.phases)
        yield from _known(f"{where}.stage", _("stage"), task.stage, names.stages)
        yield from _known(f"{where}.owner", _("role"), task.owner, names.roles)
        yield from _all_known(f"{where}.support", _("role"), task.support, names.roles)
        yield from _all_known(f"{where}.after", _("task"), task.after, names.tasks)
        for place, key in enumerate(task.after):
            if names.tasks.get(key, task.phase) != task.phase:
                text = _("task “%(key)s” belongs to phase %(phase)s; the order is within a phase") % {
                    "key": key,
                    "phase": names.tasks[key],
                }
                yield Problem("other_phase", f"{where}.after[{place}]", text)


def _circles(doc: ProcessDocument) -> Iterator[Problem]:
    """The first circle in the order of tasks, named task by task. Iterative: documents may be long."""
    after = {task.key: task.after for task in doc.tasks}
    numbers = {task.key: number for number, task in enumerate(doc.tasks)}
    done: set[str] = set()
    for start, first in after.items():
        path, waiting = [start], [iter(first)]
        while path:
            key = next(waiting[-1], None)
            if key is None:
                waiting.pop()
                done.add(path.pop())
            elif key in path:
                circle = " → ".join([*path[path.index(key) :], key])
                text = _("tasks wait for each other in a circle: %(circle)s") % {"circle": circle}
                yield Problem("circle", f"tasks[{numbers[key]}].after", text)
                return
            elif key in after and key not in done:
                path.append(key)
                waiting.append(iter(after[key]))


def _risks(doc: ProcessDocument, names: _Names) -> Iterator[Problem]:
    for number, risk in enumerate(doc.risks):
        where = f"risks[{number}]"
        yield from _known(f"{where}.phase", _("phase"), risk.phase, names.phases)
        yield from _all_known(f"{where}.tasks", _("task"), risk.tasks, names.tasks)
        yield from _all_known(f"{where}.methods", _("method"), risk.methods, names.methods)
        for place, key in enumerate(risk.tasks):
            if names.tasks.get(key, risk.phase) != risk.phase:
                text = _("task “%(key)s” belongs to phase %(phase)s, the risk to %(other)s") % {
                    "key": key,
                    "phase": names.tasks[key],
                    "other": risk.phase,
                }
                yield Problem("other_phase", f"{where}.tasks[{place}]", text)


def _flow(doc: ProcessDocument, names: _Names) -> Iterator[Problem]:
    for number, loop in enumerate(doc.loops):
        where = f"loops[{number}]"
        yield from _all_known(f"{where}.from_refs", _("phase or task"), loop.from_refs, names.work)
        yield from _all_known(f"{where}.to_refs", _("phase or task"), loop.to_refs, names.work)
        if not loop.to_refs and not loop.may_stop:
            text = _("leads nowhere: name a phase or task in to_refs, or set may_stop")
            yield Problem("leads_nowhere", f"{where}.to_refs", text)
    opens = {
        OpensOn.PHASE_STARTED: (_("phase"), names.phases),
        OpensOn.GATE_PASSED: (_("gate"), names.gates),
        OpensOn.TASK_VERIFIED: (_("task"), set(names.tasks)),
        OpensOn.TRIGGER: (_("trigger"), names.triggers),
    }
    for number, handoff in enumerate(doc.handoffs):
        where = f"handoffs[{number}]"
        yield from _known(f"{where}.phase", _("phase"), handoff.phase, names.phases)
        yield from _known(f"{where}.to_phase", _("phase"), handoff.to_phase, names.phases)
        yield from _all_known(f"{where}.stage_pair", _("stage"), handoff.stage_pair, names.stages)
        yield from _all_known(f"{where}.givers", _("role"), handoff.givers, names.roles)
        yield from _all_known(f"{where}.takers", _("role"), handoff.takers, names.roles)
        yield from _known(f"{where}.opens.ref", opens[handoff.opens.event][0], handoff.opens.ref,
                          opens[handoff.opens.event][1])  # fmt: skip


def _triggers(doc: ProcessDocument, names: _Names) -> Iterator[Problem]:
    for number, trigger in enumerate(doc.triggers):
        where = f"triggers[{number}]"
        yield from _all_known(f"{where}.reopens", _("phase or task"), trigger.reopens, names.work)
        wrong = problem_of(trigger.condition, TRIGGER_VARIABLES)
        if wrong:
            text = _("condition of trigger “%(key)s”: %(wrong)s") % {"key": trigger.key, "wrong": wrong}
            yield Problem("expression", f"{where}.condition", text)
        if trigger.action is TriggerAction.REOPEN_PHASE and not trigger.reopens:
            text = _("the action reopen_phase needs a phase or task in reopens")
            yield Problem("leads_nowhere", f"{where}.reopens", text)
        yield from _schedule(where, trigger)
        yield from [] if wrong else _fields(where, trigger)


def _fields(where: str, trigger: Trigger) -> Iterator[Problem]:
    missing = missing_field(trigger.condition, trigger.kind, trigger.params)
    if missing:
        text = _("condition of trigger “%(key)s”: %(wrong)s") % {"key": trigger.key, "wrong": missing}
        yield Problem("unknown_field", f"{where}.condition", text)


def _schedule(where: str, trigger: Trigger) -> Iterator[Problem]:
    if (trigger.kind is TriggerKind.SCHEDULE) != (trigger.cron is not None):
        text = _("cron belongs to triggers of kind schedule, and they need one")
        yield Problem("cron", f"{where}.cron", text)
    try:
        ZoneInfo(trigger.timezone)
    except (KeyError, ValueError, OSError):
        text = _("unknown time zone “%(zone)s”") % {"zone": trigger.timezone}
        yield Problem("time_zone", f"{where}.timezone", text)
    if trigger.cron is not None:
        wrong = cron_problem(trigger.cron)
        if wrong:
            yield Problem("cron", f"{where}.cron", wrong)


def cron_problem(line: str) -> str | None:
    """What is wrong with a cron line of five columns; None if it can be read and will fire some day."""
    columns = len(line.split())
    if columns != _CRON_COLUMNS:
        return _("a cron line has five columns, “%(line)s” has %(columns)d") % {
            "line": line,
            "columns": columns,
        }
    try:
        croniter(line, _A_MOMENT).get_next(datetime)
    except CroniterBadDateError:
        return _("the cron line “%(line)s” never fires: no such date comes") % {"line": line}
    except (CroniterBadCronError, CroniterError, ValueError) as error:
        return _("the cron line “%(line)s” cannot be read: %(error)s") % {"line": line, "error": error}
    return None


def _gates(doc: ProcessDocument, names: _Names) -> Iterator[Problem]:
    for number, gate in enumerate(doc.gates):
        where = f"gates[{number}]"
        yield from _all_known(f"{where}.between", _("phase"), gate.between, names.phases)
        signers = names.roles | set(PROJECT_ROLES)
        yield from _all_known(f"{where}.signatures.roles", _("role"), gate.signatures.roles, signers)
        for place, seat in enumerate(gate.signatures.seats):
            yield from _all_known(f"{where}.signatures.seats[{place}].roles", _("role"), seat.roles, signers)
        yield from _repeated(f"{where}.risk_classes", gate.risk_classes)
        yield from _criteria(where, gate)
        if gate.signatures.required < 1:
            text = _("a gate needs at least one signature, not %(count)d") % {
                "count": gate.signatures.required
            }
            yield Problem("signatures", f"{where}.signatures.required", text)


def _criteria(where: str, gate: Gate) -> Iterator[Problem]:
    yield from _repeated(f"{where}.criteria", [criterion.key for criterion in gate.criteria], ".key")
    for number, criterion in enumerate(gate.criteria):
        wrong = problem_of(criterion.expression, GATE_VARIABLES)
        if wrong:
            text = _("criterion “%(key)s” of gate “%(gate)s”: %(wrong)s") % {
                "key": criterion.key,
                "gate": gate.key,
                "wrong": wrong,
            }
            yield Problem("expression", f"{where}.criteria[{number}].expression", text)


def _sources(doc: ProcessDocument) -> Iterator[Problem]:
    citations = tuple(source.citation for source in doc.sources)
    lists: dict[str, Sequence[_Sourced]] = {
        "phases": doc.phases, "tasks": doc.tasks, "risks": doc.risks, "methods": doc.methods,
        "loops": doc.loops, "handoffs": doc.handoffs, "triggers": doc.triggers, "gates": doc.gates,
    }  # fmt: skip
    for name, parts in lists.items():
        for number, part in enumerate(parts):
            for place, source in enumerate(part.sources):
                if source != OWN and not source.startswith(citations):
                    where = f"{name}[{number}].sources[{place}]"
                    text = _("“%(source)s” begins with no citation of the document's sources") % {
                        "source": source
                    }
                    yield Problem("unknown_reference", where, text)
