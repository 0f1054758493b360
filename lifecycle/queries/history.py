"""What the ledger says of a record, in words."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db import models

from ledger.actions import known_actions
from ledger.models import Entry
from ledger.queries import entries_of_project, entries_of_subject
from lifecycle.models import Project


@dataclass(frozen=True)
class HistoryLine:
    """One entry as people read it. After the erasure of its payload `who` is the key of the actor."""

    index: int
    at: dt.datetime
    actor: str
    who: str
    action: str
    label: str
    subject: str
    detail: dict[str, Any]

    @property
    def reason(self) -> str:
        return str(self.detail.get("reason") or "")


def history_of(subject: models.Model) -> list[HistoryLine]:
    """Everything that the ledger holds on one record, newest first. 1 query."""
    return _lines(list(entries_of_subject(subject).order_by("-index")))


def history_of_project(project: Project, *, limit: int = 50) -> list[HistoryLine]:
    """The last entries of a project, newest first. 1 query."""
    return _lines(list(entries_of_project(project.slug).order_by("-index")[:limit]))


def _lines(entries: list[Entry]) -> list[HistoryLine]:
    actions = known_actions()
    return [_line(entry, actions[entry.action].label if entry.action in actions else "") for entry in entries]


def _line(entry: Entry, label: str) -> HistoryLine:
    content = entry.payload.content
    return HistoryLine(
        index=entry.index,
        at=entry.recorded_at,
        actor=entry.actor,
        who=str(content.get("actor", entry.actor)),
        action=entry.action,
        label=label or entry.action,
        subject=str(content.get("subject", "")),
        detail=dict(content.get("detail", {})),
    )
