"""A smaller process made from a larger one, with nothing left that refers to what was dropped."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from lifecycle.definitions.document import ProcessDocument
from lifecycle.definitions.flow import Handoff, Loop, OpensOn, Trigger
from lifecycle.definitions.gates import Gate
from lifecycle.definitions.text import parse
from lifecycle.definitions.work import Phase, Risk, Task

_QUOTED = re.compile(r"[\"']([^\"']*)[\"']")


def tailored(
    doc: ProcessDocument,
    *,
    keep_tasks: Collection[str],
    key: str | None = None,
    name: str | None = None,
    summary: str | None = None,
    keep_handoffs: Collection[str] | None = None,
    keep_triggers: Collection[str] | None = None,
    keep_gates: Collection[str] | None = None,
    drop_criteria: Collection[str] = (),
) -> ProcessDocument:
    """A checked document with only these tasks and what belongs to them.

    Phases without a task go, and with them their risks, gates and handoffs. A risk stays while one of its
    tasks stays, a trigger while something is left that it reopens, a method while a risk names it. A task
    that followed a dropped one follows what that one followed. A criterion that names a dropped phase, task
    or handoff could never be met and goes too; a gate without criteria goes. `drop_criteria` holds
    `gate/criterion` pairs such as `G3/rerun-proven`. Raises KeyError for keys that are not in
    the document and `Invalid` if what is left makes no process.
    """
    _refuse_unknown(doc, keep_tasks, keep_handoffs, keep_triggers, keep_gates, drop_criteria)
    kept = _Kept(doc, set(keep_tasks), keep_triggers)
    gates = _gates(doc, kept, keep_gates, keep_handoffs, drop_criteria)
    kept.gates = {gate.key for gate in gates}
    risks = _risks(doc, kept)
    named = {method for risk in risks for method in risk.methods}
    update = {
        "key": key or doc.key,
        "name": name or doc.name,
        "summary": summary or doc.summary,
        "phases": _phases(doc, kept),
        "tasks": _tasks(doc, kept),
        "risks": risks,
        "methods": tuple(method for method in doc.methods if method.key in named),
        "loops": _loops(doc, kept),
        "handoffs": _handoffs(doc, kept, keep_handoffs),
        "triggers": _triggers(doc, kept),
        "gates": gates,
    }
    return parse(doc.model_copy(update=update).model_dump(mode="json"))


class _Kept:
    """The keys that stay."""

    def __init__(self, doc: ProcessDocument, tasks: set[str], triggers: Collection[str] | None) -> None:
        self.tasks = tasks
        self.phases = {task.phase for task in doc.tasks if task.key in tasks}
        self.work = self.phases | tasks
        self.gates: set[str] = set()
        self.triggers = {
            trigger.key
            for trigger in doc.triggers
            if (triggers is None or trigger.key in triggers)
            and (not trigger.reopens or self.work.intersection(trigger.reopens))
        }

    def opens(self, handoff: Handoff) -> bool:
        there = {
            OpensOn.PHASE_STARTED: self.phases,
            OpensOn.GATE_PASSED: self.gates,
            OpensOn.TASK_VERIFIED: self.tasks,
            OpensOn.TRIGGER: self.triggers,
        }
        return handoff.phase in self.phases and handoff.opens.ref in there[handoff.opens.event]


def _refuse_unknown(doc: ProcessDocument, *wanted: Collection[str] | None) -> None:
    criteria = {f"{gate.key}/{criterion.key}" for gate in doc.gates for criterion in gate.criteria}
    lists: tuple[Any, ...] = (doc.tasks, doc.handoffs, doc.triggers, doc.gates)
    known = [*({part.key for part in parts} for parts in lists), criteria]
    for keys, there in zip(wanted, known, strict=True):
        missing = sorted(set(keys or ()) - there)
        if missing:
            raise KeyError(missing[0])


def _within(keys: tuple[str, ...], known: set[str]) -> tuple[str, ...]:
    return tuple(key for key in keys if key in known)


def _phases(doc: ProcessDocument, kept: _Kept) -> tuple[Phase, ...]:
    return tuple(
        phase.model_copy(update={"gate": phase.gate if phase.gate in kept.gates else None})
        for phase in doc.phases
        if phase.key in kept.phases
    )


def _tasks(doc: ProcessDocument, kept: _Kept) -> tuple[Task, ...]:
    after = {task.key: task.after for task in doc.tasks}

    def nearest(keys: tuple[str, ...]) -> dict[str, None]:
        found: dict[str, None] = {}
        for key in keys:
            found.update({key: None} if key in kept.tasks else nearest(after[key]))
        return found

    return tuple(
        task.model_copy(update={"after": tuple(nearest(task.after))})
        for task in doc.tasks
        if task.key in kept.tasks
    )


def _risks(doc: ProcessDocument, kept: _Kept) -> tuple[Risk, ...]:
    return tuple(
        risk.model_copy(update={"tasks": _within(risk.tasks, kept.tasks)})
        for risk in doc.risks
        if risk.phase in kept.phases and (not risk.tasks or kept.tasks.intersection(risk.tasks))
    )


def _loops(doc: ProcessDocument, kept: _Kept) -> tuple[Loop, ...]:
    loops = []
    for loop in doc.loops:
        starts, ends = _within(loop.from_refs, kept.work), _within(loop.to_refs, kept.work)
        if starts and (ends or loop.may_stop):
            loops.append(loop.model_copy(update={"from_refs": starts, "to_refs": ends}))
    return tuple(loops)


def _handoffs(doc: ProcessDocument, kept: _Kept, keep: Collection[str] | None) -> tuple[Handoff, ...]:
    return tuple(
        handoff.model_copy(update={"to_phase": handoff.to_phase if handoff.to_phase in kept.phases else None})
        for handoff in doc.handoffs
        if (keep is None or handoff.key in keep) and kept.opens(handoff)
    )


def _triggers(doc: ProcessDocument, kept: _Kept) -> tuple[Trigger, ...]:
    return tuple(
        trigger.model_copy(update={"reopens": _within(trigger.reopens, kept.work)})
        for trigger in doc.triggers
        if trigger.key in kept.triggers
    )


def _gates(
    doc: ProcessDocument,
    kept: _Kept,
    keep: Collection[str] | None,
    handoffs: Collection[str] | None,
    drop: Collection[str],
) -> tuple[Gate, ...]:
    gone = {phase.key for phase in doc.phases} | {task.key for task in doc.tasks}
    gone -= kept.work
    gone |= {
        handoff.key
        for handoff in doc.handoffs
        if handoff.phase not in kept.phases or (handoffs is not None and handoff.key not in handoffs)
    }
    gates = []
    for gate in doc.gates:
        between = _within(gate.between, kept.phases)
        criteria = tuple(
            criterion
            for criterion in gate.criteria
            if f"{gate.key}/{criterion.key}" not in drop
            and not gone.intersection(_QUOTED.findall(criterion.expression))
        )
        if between and criteria and (keep is None or gate.key in keep):
            gates.append(gate.model_copy(update={"between": between, "criteria": criteria}))
    return tuple(gates)
