"""The process document: everything that a published process version says, in one value."""

from typing import Literal, TypeVar

from pydantic import Field

from lifecycle.definitions.base import Name, Part, Slug, Text
from lifecycle.definitions.flow import Handoff, Loop, Trigger
from lifecycle.definitions.gates import Gate, MaterialChange, SignedChange
from lifecycle.definitions.work import Method, Phase, Risk, Role, Source, Stage, Task

P = TypeVar("P", Phase, Task, Risk, Method, Handoff, Trigger, Gate)


class ProcessDocument(Part):
    """A process definition. Lists keep their order; parts refer to each other by key."""

    format: Literal["gatebook-process/1"]
    key: Slug
    name: Name
    summary: Text
    sources: tuple[Source, ...] = ()
    roles: tuple[Role, ...] = Field(min_length=1)
    stages: tuple[Stage, ...] = ()
    phases: tuple[Phase, ...] = Field(min_length=1)
    tasks: tuple[Task, ...] = Field(min_length=1)
    risks: tuple[Risk, ...] = ()
    methods: tuple[Method, ...] = ()
    loops: tuple[Loop, ...] = ()
    handoffs: tuple[Handoff, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    gates: tuple[Gate, ...] = ()
    material_changes: tuple[MaterialChange, ...] = ()

    def phase(self, key: str) -> Phase:
        """The phase with this key; KeyError if there is none. `task`, `gate` and so on likewise."""
        return _by_key(self.phases, key)

    def task(self, key: str) -> Task:
        return _by_key(self.tasks, key)

    def risk(self, key: str) -> Risk:
        return _by_key(self.risks, key)

    def method(self, key: str) -> Method:
        return _by_key(self.methods, key)

    def handoff(self, key: str) -> Handoff:
        return _by_key(self.handoffs, key)

    def trigger(self, key: str) -> Trigger:
        return _by_key(self.triggers, key)

    def gate(self, key: str) -> Gate:
        return _by_key(self.gates, key)

    def is_material(self, change: SignedChange) -> bool:
        """Whether this change makes a signature stale; one that the table does not name does."""
        return all(each.material for each in self.material_changes if each.key == change)

    def tasks_of(self, phase: str) -> tuple[Task, ...]:
        """The tasks of a phase in the document's order."""
        return tuple(task for task in self.tasks if task.phase == phase)

    def risks_of(self, task: str) -> tuple[Risk, ...]:
        """The risks that concern a task: its own, then those of its whole phase."""
        own = tuple(risk for risk in self.risks if task in risk.tasks)
        phase = self.task(task).phase
        return own + tuple(risk for risk in self.risks if not risk.tasks and risk.phase == phase)


def _by_key(parts: tuple[P, ...], key: str) -> P:
    for part in parts:
        if part.key == key:
            return part
    raise KeyError(key)
