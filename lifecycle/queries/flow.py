"""What moved when, read from the ledger: phases, tasks, handoffs, gates and iterations, step by step."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from django.db.models import QuerySet

from ledger.models import Entry
from lifecycle.models import Project

MOST = 20_000
"""So many of the newest entries are looked at."""

_FLOW = (
    "iteration.opened", "iteration.completed", "iteration.stopped", "phase.started",
    "phase.requirements_agreed", "phase.review_requested", "phase.decided", "phase.reopened",
    "phase.halted", "phase.resumed", "handoff.offered", "handoff.accepted", "handoff.returned",
    "handoff.withdrawn", "handoff.cancelled", "gate.opened", "gate.decided", "gate.withdrawn",
)  # fmt: skip
_TASKS = (
    "task.started", "task.risks_identified", "task.risks_accepted", "task.verified", "task.excluded",
    "task.reopened", "task.blocked", "evidence.attached", "evidence.rejected", "risk.assessed",
    "quality_action.chosen",
)  # fmt: skip


class Move(NamedTuple):
    """A record came into a state. `kind` is phase, task, handoff or gate; `key` what the process calls it.

    `giver` and `taker` are ids of people, of handoffs only; `reason` and `target` are those of a decision.
    """

    kind: str
    record: str
    key: str
    to: str
    at: dt.datetime
    project: str
    iteration: int
    action: str
    giver: int | None = None
    taker: int | None = None
    reason: str = ""
    target: str = ""


@dataclass
class Flow:
    """Moves in the order in which they happened, and what closes them.

    `names` are the words for keys, by (kind, key); `closed` when an iteration ended, by project and number.
    `cut` says that older entries exist beyond `MOST`.
    """

    moves: list[Move] = field(default_factory=list)
    names: dict[tuple[str, str], str] = field(default_factory=dict)
    closed: dict[tuple[str, int], dt.datetime] = field(default_factory=dict)
    opened: list[tuple[str, int, str, bool, str]] = field(default_factory=list)
    cut: bool = False

    @property
    def projects(self) -> list[str]:
        """The projects in which anything moved, by short name."""
        return sorted({each[0] for each in self.opened} | {move.project for move in self.moves})


def flow_of(project: Project) -> Flow:
    """All that moved in a project, tasks included. 1 query."""
    return _flow(Entry.objects.filter(project=project.slug, action__in=[*_FLOW, *_TASKS]))


def flow_among(projects: QuerySet[Project], *, since: dt.datetime | None = None, most: int = MOST) -> Flow:
    """All that moved in these projects since a moment, without the tasks. 1 query."""
    found = Entry.objects.filter(
        action__in=_FLOW, project__in=projects.select_related(None).order_by().values("slug")
    )
    return _flow(found.filter(recorded_at__gte=since) if since else found, most)


def _flow(found: QuerySet[Entry], most: int = MOST) -> Flow:
    rows = list(
        found.order_by("-index").values_list(
            "recorded_at", "action", "subject_type", "subject_id", "project", "payload__body"
        )[: most + 1]
    )
    flow = Flow(cut=len(rows) > most)
    for at, action, subject_type, subject_id, project, body in reversed(rows[:most]):
        content = json.loads(body) if body else {}
        detail = content.get("detail") or {}
        step = _Step(at, action, subject_type.rpartition(".")[2], subject_id, project, detail)
        flow.moves.extend(step.moves())
        step.close(flow)
        if (key := step.key()) and subject_type.rpartition(".")[2] in ("phase", "handoff", "gate"):
            flow.names[subject_type.rpartition(".")[2], key] = str(content.get("subject") or key)
    return flow


class _Step(NamedTuple):
    """One entry with its parsed detail."""

    at: dt.datetime
    action: str
    kind: str
    subject: str
    project: str
    detail: dict[str, Any]

    @property
    def iteration(self) -> int:
        number = self.detail.get("iteration")
        return number if isinstance(number, int) else 0

    def key(self) -> str:
        detail = self.detail
        if self.kind == "gate":
            return str(detail.get("gate") or "")
        return str((detail.get("key") if self.kind == "handoff" else detail.get("phase")) or "")

    def moves(self) -> Iterator[Move]:
        """The record itself, and others that the same change moved along."""
        detail = self.detail
        to = detail.get("to") if self.action != "gate.opened" else "open"
        if self.kind == "evidence":
            if isinstance(to, str) and detail.get("task"):
                yield self._move("task", str(detail["task"]), str(detail.get("phase") or ""), to)
            return
        if self.kind in ("phase", "handoff", "gate", "task") and isinstance(to, str):
            record = f"{self.project} {self.iteration} {self.key()}" if self.kind == "phase" else self.subject
            yield self._move(self.kind, record, self.key(), to)
        for key, state in _pairs(detail.get("phases") if self.kind == "phase" else None):
            yield self._move("phase", f"{self.project} {self.iteration} {key}", key, state)
        phase = str(detail.get("phase") or "")
        for task, state in _pairs(detail.get("tasks") if self.kind == "phase" else None):
            yield self._move("task", task, phase, state)

    def close(self, flow: Flow) -> None:
        """Note that an iteration began or ended."""
        detail = self.detail
        if self.action == "iteration.opened":
            start, fired = str(detail.get("start_phase") or ""), detail.get("firing") is not None
            flow.opened.append((self.project, self.iteration, start, fired, str(detail.get("reason") or "")))
        elif self.kind == "iteration":
            flow.closed[self.project, self.iteration] = self.at

    def _move(self, kind: str, record: str, key: str, to: str) -> Move:
        detail = self.detail
        return Move(
            kind, record, key, to, self.at, self.project, self.iteration, self.action,
            detail.get("giver"), detail.get("taker"), str(detail.get("reason") or ""),
            str(detail.get("target_phase") or ""),
        )  # fmt: skip


def _pairs(value: object) -> list[tuple[str, str]]:
    if not isinstance(value, dict):
        return []
    return [(str(key), state) for key, state in value.items() if isinstance(state, str)]
