"""What can be filled in for each part of a process: one table, from which all its forms are made.

Whether a field is needed and what it holds when nothing is said comes from the document's models.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.utils.translation import gettext_lazy as _
from pydantic import BaseModel

from lifecycle.definitions import (
    Criterion,
    EvidenceKind,
    EvidenceRequest,
    Gate,
    Handoff,
    Loop,
    MaterialChange,
    Method,
    OpensOn,
    Outcome,
    Phase,
    ProcessDocument,
    Provability,
    Risk,
    RiskCategory,
    RiskClass,
    Role,
    Seat,
    SignedChange,
    Source,
    Stage,
    Task,
    Trigger,
    TriggerAction,
    TriggerKind,
    TriggerMode,
)


@dataclass(frozen=True)
class Entry:
    """One field. `name` is its path in the part (`signatures.required`).

    `kind`: line, text, lines, number, flag, choice (of the enum `of`), key or keys (of the document's `of`),
    gate or trigger (a CEL expression), params, rows (each with the fields `rows` of `model`).
    """

    name: str
    label: Any
    kind: str = "line"
    of: str | type[StrEnum] = ""
    hint: Any = ""
    model: type[BaseModel] | None = None
    rows: tuple[Entry, ...] = ()


@dataclass(frozen=True)
class PartKind:
    """One list of a document: its words, the model of an item, the fields of its form."""

    name: str
    title: Any
    one: Any
    about: Any
    model: type[BaseModel]
    entries: tuple[Entry, ...]
    glyph: str = "doc"

    @property
    def phased(self) -> bool:
        """Whether each item belongs to a phase."""
        return "phase" in self.model.model_fields


def needed(model: type[BaseModel], path: str) -> bool:
    """Whether a part is wrong without this field."""
    return bool(_info(model, path).is_required())


def default(model: type[BaseModel], path: str) -> Any:
    """What a field holds when nothing is said, as JSON has it; None if it has to be said."""
    info = _info(model, path)
    value = None if info.is_required() else info.get_default(call_default_factory=True)
    return [str(each) for each in value] if isinstance(value, tuple) else value


def _info(model: type[BaseModel], path: str) -> Any:
    first, _dot, rest = path.partition(".")
    info = model.model_fields[first]
    if not rest:
        return info
    inner = info.annotation
    assert isinstance(inner, type)
    assert issubclass(inner, BaseModel)
    return _info(inner, rest)


_KEY = Entry(
    "key", _("Key"), hint=_("Short and lasting: letters, digits, dots and hyphens. It never changes.")
)
_CODE = Entry("code", _("Code"), hint=_("Short and lasting, such as DS. It never changes."))
_NAME = Entry("name", _("Name"))
_PHASE = Entry("phase", _("Phase"), "key", "phases")
_SOURCES = Entry(
    "sources", _("Sources"), "lines",
    hint=_("One a line: “own”, or the citation of one of the document's sources and the place in it."),
)  # fmt: skip
_ONE_A_LINE = _("One a line.")

_EVIDENCE = (
    Entry("kind", _("Kind"), "choice", EvidenceKind),
    Entry("asks", _("What it has to show"), "text"),
    Entry("fields", _("Fields that it must hold"), "lines", hint=_ONE_A_LINE),
)
_CRITERIA = (
    Entry("key", _("Key"), hint=_("Small letters, digits and hyphens, such as tasks-verified.")),
    Entry("words", _("In words"), "text"),
    Entry("expression", _("Expression (CEL)"), "gate"),
    Entry("blocking", _("Blocks the gate while it is not met"), "flag"),
    Entry("why", _("Why"), "text"),
)

_SEATS = (
    Entry("roles", _("Who may fill it"), "keys", "signers"),
    Entry("required", _("People"), "number"),
)

HEAD = PartKind(
    "head", _("Name and summary"), _("Process"), "", ProcessDocument,
    (_NAME, Entry("summary", _("Summary"), "text")),
)  # fmt: skip

_ALL = (
    PartKind(
        "phases", _("Phases"), _("Phase"), _("The stretches of the cycle; a gate may end each."), Phase,
        (
            _KEY, _NAME, Entry("aliases", _("Other names"), "lines", hint=_ONE_A_LINE),
            Entry("purpose", _("Purpose"), "text"), Entry("starts_when", _("Starts when"), "text"),
            Entry("ends_when", _("Ends when"), "text"),
            Entry("gate", _("Gate that ends it"), "key", "gates"), _SOURCES,
        ),
        "loop",
    ),
    PartKind(
        "tasks", _("Tasks"), _("Task"), _("What has to be done, by whom, and what proves it."), Task,
        (
            _KEY, _NAME, _PHASE, Entry("summary", _("What is to be done"), "text"),
            Entry("owner", _("Role that does it"), "key", "roles"),
            Entry("support", _("Roles that help"), "keys", "roles"),
            Entry("due_days", _("Due, days after the phase starts"), "number"),
            Entry("optional", _("May be left out"), "flag"),
            Entry("after", _("Comes after"), "keys", "tasks"),
            Entry("proof.provability", _("Proven by"), "choice", Provability),
            Entry("proof.evidence", _("Evidence"), "rows", model=EvidenceRequest, rows=_EVIDENCE),
            Entry("inputs", _("Needs"), "lines", hint=_ONE_A_LINE),
            Entry("outputs", _("Makes"), "lines", hint=_ONE_A_LINE),
            Entry("requirements", _("Must be fixed"), "lines", hint=_ONE_A_LINE),
            Entry("stage", _("Stage"), "key", "stages"),
            Entry("plain_step", _("Step of the plain view, 1 to 8"), "number"), _SOURCES,
        ),
    ),
    PartKind(
        "risks", _("Risks"), _("Risk"), _("What may go wrong; the methods lower it."), Risk,
        (
            _KEY, Entry("text", _("What may go wrong")), _PHASE,
            Entry("tasks", _("Tasks"), "keys", "tasks", _("Without any it concerns the whole phase.")),
            Entry("category", _("Kind"), "choice", RiskCategory),
            Entry("severity", _("Severity, 1 to 5"), "number"),
            Entry("occurrence", _("Occurrence, 1 to 5"), "number"),
            Entry("methods", _("Methods that lower it"), "keys", "methods"), _SOURCES,
        ),
        "warn",
    ),
    PartKind(
        "methods", _("Methods"), _("Method"), _("Quality assurance that lowers risks."), Method,
        (_KEY, _NAME, Entry("text", _("What is done"), "text"), _SOURCES), "ok",
    ),
    PartKind(
        "handoffs", _("Handoffs"), _("Handoff"), _("What goes from whom to whom, and what is ticked."),
        Handoff,
        (
            _KEY, _NAME, Entry("phase", _("Leaves phase"), "key", "phases"),
            Entry("to_phase", _("Arrives in phase"), "key", "phases"),
            Entry("givers", _("From"), "keys", "roles"), Entry("takers", _("To"), "keys", "roles"),
            Entry("deliverables", _("Deliverables"), "lines", hint=_ONE_A_LINE),
            Entry("criteria", _("Acceptance criteria"), "lines", hint=_("One a line; the taker ticks each.")),
            Entry("opens.event", _("Arises when"), "choice", OpensOn),
            Entry("opens.ref", _("of"), "key", "openings"),
            Entry("due_days", _("Due, days after that"), "number"),
            Entry("stage_pair", _("Stages"), "keys", "stages"), _SOURCES,
        ),
        "handoff",
    ),
    PartKind(
        "triggers", _("Triggers"), _("Trigger"), _("When this happens, work begins again."), Trigger,
        (
            _KEY, _NAME, Entry("kind", _("Listens to"), "choice", TriggerKind),
            Entry("signal", _("What is noticed"), "text"),
            Entry("condition", _("Condition (CEL)"), "trigger"),
            Entry("params", _("Parameters"), "params", hint=_("One a line: name = value.")),
            Entry("cron", _("Cron line, only for schedule"), hint=_("0 6 * * 1 is every Monday at 6.")),
            Entry("timezone", _("Time zone of the cron line")),
            Entry("cooldown_hours", _("Quiet after firing, hours"), "number"),
            Entry("consecutive", _("In so many windows running"), "number"),
            Entry("mode", _("Starts by itself, or asks"), "choice", TriggerMode),
            Entry("action", _("Action"), "choice", TriggerAction),
            Entry("reopens", _("Reopens"), "keys", "work"),
            Entry("fallback", _("What happens meanwhile"), "text"), _SOURCES,
        ),
        "trigger",
    ),
    PartKind(
        "gates", _("Gates"), _("Gate"), _("What must hold, and who signs."), Gate,
        (
            _KEY, _NAME, Entry("question", _("Question"), "text"),
            Entry("between", _("Between"), "keys", "phases", _("The phase left and the one entered.")),
            Entry("authorizes", _("A pass lets a model version be deployed"), "flag"),
            Entry("must_see", _("What the reviewer must see"), "lines", hint=_ONE_A_LINE),
            Entry("criteria", _("Criterion"), "rows", model=Criterion, rows=_CRITERIA),
            Entry("signatures.required", _("Signatures needed"), "number"),
            Entry("signatures.roles", _("Who may sign"), "keys", "signers"),
            Entry("signatures.seats", _("Seat"), "rows", model=Seat, rows=_SEATS),
            Entry("signatures.in_order", _("Seats are filled in this order"), "flag"),
            Entry("signatures.meaning", _("What a signature means"), "text"),
            Entry("validity_days", _("A pass is good for, days"), "number"),
            Entry(
                "every_days", _("Comes due again, days after the decision"), "number",
                hint=_("Empty: it ends its phase once and for all."),
            ),
            Entry("risk_classes", _("Holds for"), "keys", RiskClass, _("Without any it holds for all.")),
            Entry("outcomes", _("What may come out"), "keys", Outcome), _SOURCES,
        ),
        "gate",
    ),
    PartKind(
        "material_changes", _("Changes after signing"), _("Change after signing"),
        _("Which changes make a signature stale. What is not named here does."), MaterialChange,
        (
            Entry("key", _("Change"), "choice", SignedChange),
            Entry("material", _("Makes signatures stale"), "flag"), Entry("why", _("Why"), "text"),
        ),
        "pen",
    ),
    PartKind(
        "loops", _("Loops"), _("Loop"), _("Ways back to earlier work."), Loop,
        (
            _KEY, _NAME, Entry("from_refs", _("From"), "keys", "work"),
            Entry("to_refs", _("Back to"), "keys", "work"),
            Entry("may_stop", _("May end the project"), "flag"),
            Entry("condition", _("When"), "text"), _SOURCES,
        ),
        "cube",
    ),
    PartKind(
        "roles", _("Roles"), _("Role"), _("Who does what, before anybody is named."), Role,
        (_CODE, _NAME), "person",
    ),
    PartKind(
        "stages", _("Stages"), _("Stage"), _("Broad groups of tasks beside the phases."), Stage,
        (_CODE, _NAME), "half",
    ),
    PartKind(
        "sources", _("Sources"), _("Source"), _("What the process rests on."), Source,
        (
            Entry("id", _("Short name"), hint=_("It never changes.")), Entry("title", _("Title")),
            Entry("citation", _("Citation"), hint=_("What the sources of other parts begin with.")),
            Entry("url", _("Address")),
        ),
    ),
)  # fmt: skip

KINDS = {kind.name: kind for kind in _ALL}
"""The lists of a document in the order in which people look at them."""
