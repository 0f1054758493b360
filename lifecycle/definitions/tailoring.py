"""A smaller process made from a larger one, with nothing left that refers to what was dropped."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from lifecycle.definitions.document import ProcessDocument
from lifecycle.definitions.flow import Handoff, OpensOn
from lifecycle.definitions.text import parse
from lifecycle.definitions.work import Task


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

    Phases without a task go, and with them their risks, gates and handoffs; a risk stays while one of its
    tasks stays; a method stays while a risk names it; a task that followed a dropped one follows what that
    one followed. `drop_criteria` holds `gate/criterion` pairs such as `G3/rerun-proven`. Raises KeyError
    for keys that are not in the document and `Invalid` if what is left makes no process.
    """
    _refuse_unknown(doc, keep_tasks, keep_handoffs, keep_triggers, keep_gates, drop_criteria)
    tasks = _tasks(doc, set(keep_tasks))
    kept = {task.key for task in tasks}
    phases = {task.phase for task in tasks}
    gates = {
        gate.key
        for gate in doc.gates
        if phases.intersection(gate.between) and (keep_gates is None or gate.key in keep_gates)
    }
    triggers = {t.key for t in doc.triggers if keep_triggers is None or t.key in keep_triggers}
    handoffs = [
        handoff.model_copy(update={"to_phase": handoff.to_phase if handoff.to_phase in phases else None})
        for handoff in doc.handoffs
        if (keep_handoffs is None or handoff.key in keep_handoffs)
        and handoff.phase in phases
        and _can_open(handoff, phases, kept, gates, triggers)
    ]
    risks = [
        risk.model_copy(update={"tasks": tuple(task for task in risk.tasks if task in kept)})
        for risk in doc.risks
        if risk.phase in phases and (not risk.tasks or kept.intersection(risk.tasks))
    ]
    methods = {method for risk in risks for method in risk.methods}
    smaller = doc.model_copy(
        update={
            "key": key or doc.key,
            "name": name or doc.name,
            "summary": summary or doc.summary,
            "phases": tuple(
                phase.model_copy(update={"gate": phase.gate if phase.gate in gates else None})
                for phase in doc.phases
                if phase.key in phases
            ),
            "tasks": tuple(tasks),
            "risks": tuple(risks),
            "methods": tuple(method for method in doc.methods if method.key in methods),
            "loops": _loops(doc, phases | kept),
            "handoffs": tuple(handoffs),
            "triggers": tuple(
                trigger.model_copy(update={"reopens": _within(trigger.reopens, phases | kept)})
                for trigger in doc.triggers
                if trigger.key in triggers
            ),
            "gates": _gates(doc, gates, phases, drop_criteria),
        }
    )
    return parse(smaller.model_dump(mode="json"))


def _refuse_unknown(doc: ProcessDocument, *wanted: Collection[str] | None) -> None:
    criteria = {f"{gate.key}/{criterion.key}" for gate in doc.gates for criterion in gate.criteria}
    lists: tuple[Any, ...] = (doc.tasks, doc.handoffs, doc.triggers, doc.gates)
    known = [*({part.key for part in parts} for parts in lists), criteria]
    for keys, there in zip(wanted, known, strict=True):
        missing = sorted(set(keys or ()) - there)
        if missing:
            raise KeyError(missing[0])


def _tasks(doc: ProcessDocument, keep: set[str]) -> list[Task]:
    after = {task.key: task.after for task in doc.tasks}

    def nearest(keys: tuple[str, ...]) -> dict[str, None]:
        found: dict[str, None] = {}
        for key in keys:
            found.update({key: None} if key in keep else nearest(after[key]))
        return found

    return [
        task.model_copy(update={"after": tuple(nearest(task.after))})
        for task in doc.tasks
        if task.key in keep
    ]


def _can_open(
    handoff: Handoff, phases: set[str], tasks: set[str], gates: set[str], triggers: set[str]
) -> bool:
    there = {
        OpensOn.PHASE_STARTED: phases,
        OpensOn.GATE_PASSED: gates,
        OpensOn.TASK_VERIFIED: tasks,
        OpensOn.TRIGGER: triggers,
    }
    return handoff.opens.ref in there[handoff.opens.event]


def _within(keys: tuple[str, ...], known: set[str]) -> tuple[str, ...]:
    return tuple(key for key in keys if key in known)


def _loops(doc: ProcessDocument, known: set[str]) -> tuple[Any, ...]:
    loops = []
    for loop in doc.loops:
        starts, ends = _within(loop.from_refs, known), _within(loop.to_refs, known)
        if starts and (ends or loop.may_stop):
            loops.append(loop.model_copy(update={"from_refs": starts, "to_refs": ends}))
    return tuple(loops)


def _gates(doc: ProcessDocument, keep: set[str], phases: set[str], drop: Collection[str]) -> tuple[Any, ...]:
    return tuple(
        gate.model_copy(
            update={
                "between": _within(gate.between, phases),
                "criteria": tuple(c for c in gate.criteria if f"{gate.key}/{c.key}" not in drop),
            }
        )
        for gate in doc.gates
        if gate.key in keep
    )
