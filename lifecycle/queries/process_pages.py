"""What the pages of a draft, of a difference and of a publication show of a process."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from lifecycle.definitions import Change, ProcessDocument
from lifecycle.models import ProcessVersion
from lifecycle.process_parts import KINDS, PartKind

_SHOWN = 90


@dataclass(frozen=True)
class PartLine:
    """One item of a list, in the words of a draft's outline."""

    key: str
    name: str
    note: str = ""
    first: bool = False
    last: bool = False


@dataclass(frozen=True)
class PartGroup:
    """The items of a list that belong to one phase, or all of them."""

    key: str
    title: str
    lines: list[PartLine] = field(default_factory=list)


@dataclass(frozen=True)
class ChangeGroup:
    """The changes in one list of the document."""

    title: str
    glyph: str
    changes: list[Change]


def part_groups(doc: ProcessDocument, kind: PartKind) -> list[PartGroup]:
    """The items of a list, by phase where they have one. No query."""
    items = list(getattr(doc, kind.name))
    if not kind.phased:
        return [PartGroup("", str(kind.title), _lines(doc, kind, items))]
    return [
        PartGroup(
            phase.key, f"{phase.key} {phase.name}",
            _lines(doc, kind, [item for item in items if item.phase == phase.key]),
        )
        for phase in doc.phases
    ]  # fmt: skip


def change_groups(changes: Iterable[Change]) -> list[ChangeGroup]:
    """Changes by the list that they are in, in the document's order. No query."""
    return [
        ChangeGroup(
            str(KINDS[part].title) if part in KINDS else _("The process itself"),
            KINDS[part].glyph if part in KINDS else "doc", list(found),
        )
        for part, found in groupby(changes, key=lambda each: each.part)
    ]  # fmt: skip


def counts(doc: ProcessDocument) -> list[tuple[PartKind, int]]:
    """How many items each list has. No query."""
    return [(kind, len(getattr(doc, kind.name))) for kind in KINDS.values()]


def last_published(version: ProcessVersion) -> ProcessVersion | None:
    """The version that was in force before this one. 1 query."""
    others = ProcessVersion.objects.filter(process=version.process_id).exclude(pk=version.pk)
    published = others.exclude(state=ProcessVersion.State.DRAFT).order_by("-published_at", "-number")
    return published.select_related("process").first()


def versions() -> list[ProcessVersion]:
    """Every version of every process, newest first, without documents. 1 query."""
    found = ProcessVersion.objects.select_related("process").defer("document")
    return list(found.order_by("process__name", "process_id", "-number"))


def drafts() -> list[ProcessVersion]:
    """Every draft, newest first, without documents. 1 query."""
    found = ProcessVersion.objects.filter(state=ProcessVersion.State.DRAFT).defer("document")
    return list(found.select_related("process", "created_by").order_by("-created_at", "-pk"))


def _lines(doc: ProcessDocument, kind: PartKind, items: list[Any]) -> list[PartLine]:
    last = len(items) - 1
    return [
        PartLine(
            _key(item), _name(item), _NOTES.get(kind.name, _nothing)(doc, item), number == 0, number == last
        )
        for number, item in enumerate(items)
    ]


def _key(item: Any) -> str:
    return str(getattr(item, "key", "") or getattr(item, "code", "") or item.id)


def _name(item: Any) -> str:
    return str(getattr(item, "name", "") or getattr(item, "title", "") or item.text)


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def _nothing(doc: ProcessDocument, item: Any) -> str:
    return ""


def _of_phase(doc: ProcessDocument, phase: Any) -> str:
    number = len(doc.tasks_of(phase.key))
    tasks = ngettext("%d task", "%d tasks", number) % number
    return _("%(tasks)s, ends with %(gate)s") % {"tasks": tasks, "gate": phase.gate} if phase.gate else tasks


def _of_task(doc: ProcessDocument, task: Any) -> str:
    words = [task.owner, _("due after %d days") % task.due_days]
    words += [_("optional")] if task.optional else []
    words += [_("after %s") % ", ".join(task.after)] if task.after else []
    return " · ".join([*words, ", ".join(each.kind.value for each in task.proof.evidence)])


def _of_risk(doc: ProcessDocument, risk: Any) -> str:
    score = _("%(score)d of 25") % {"score": risk.severity * risk.occurrence}
    return " · ".join(
        filter(None, [risk.category.value, score, ", ".join(risk.tasks), ", ".join(risk.methods)])
    )


def _of_handoff(doc: ProcessDocument, handoff: Any) -> str:
    way = f"{', '.join(handoff.givers)} → {', '.join(handoff.takers)}"
    number = len(handoff.criteria)
    return " · ".join(
        [
            way,
            ngettext("%d criterion", "%d criteria", number) % number,
            _("due after %d days") % handoff.due_days,
        ]
    )


def _of_trigger(doc: ProcessDocument, trigger: Any) -> str:
    words = [trigger.kind.value, trigger.cron or "", trigger.mode.value, trigger.action.value]
    return " · ".join(word.replace("_", " ") for word in words if word)


def _of_gate(doc: ProcessDocument, gate: Any) -> str:
    criteria, signed = len(gate.criteria), gate.signatures.required
    return " · ".join(
        [
            ngettext("%d criterion", "%d criteria", criteria) % criteria,
            ngettext("%d signature", "%d signatures", signed) % signed,
            " → ".join(gate.between),
        ]
    )


_NOTES: dict[str, Callable[[ProcessDocument, Any], str]] = {
    "phases": _of_phase, "tasks": _of_task, "risks": _of_risk, "handoffs": _of_handoff,
    "triggers": _of_trigger, "gates": _of_gate,
    "methods": lambda _doc, item: _short(item.text),
    "loops": lambda _doc, item: f"{', '.join(item.from_refs)} → {', '.join(item.to_refs) or '×'}",
    "sources": lambda _doc, item: item.citation,
}  # fmt: skip
