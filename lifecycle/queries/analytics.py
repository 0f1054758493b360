"""How work flows: lead times, waiting and working, returns, rework, gate rounds, who holds what.

pandas is imported where it is used: a web process that shows no analytics starts without it.
All times are seconds.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from lifecycle.figures.times import TimeBar, TimeBars
from lifecycle.models import Handoff, Project, User
from lifecycle.queries.analytics_rows import GateRounds, HandoffTime, Holding, Loop, PhaseTime, WorkTime
from lifecycle.queries.flow import MOST, Flow, flow_among, flow_of

if TYPE_CHECKING:
    import pandas as pd

WORKING = frozenset({"instantiated", "risks_identified", "mitigating", "risks_accepted"})
_PASSED = ("passed", "passed_with_conditions")


@dataclass(frozen=True)
class Analytics:
    """All tables, each perhaps empty."""

    phases: list[PhaseTime] = field(default_factory=list)
    work: list[WorkTime] = field(default_factory=list)
    handoffs: list[HandoffTime] = field(default_factory=list)
    holders: list[Holding] = field(default_factory=list)
    loops: list[Loop] = field(default_factory=list)
    gates: list[GateRounds] = field(default_factory=list)
    projects: int = 0
    cut: bool = False

    @property
    def empty(self) -> bool:
        return not (self.phases or self.handoffs or self.gates or self.loops)

    @property
    def return_rate(self) -> float | None:
        offered = sum(each.offered for each in self.handoffs)
        return sum(each.returned for each in self.handoffs) / offered if offered else None

    @property
    def lead_chart(self) -> TimeBars | None:
        bars = [TimeBar(each.name, each.median, (each.slow or each.median) - each.median)
                for each in self.phases if each.median is not None]  # fmt: skip
        return TimeBars(tuple(bars), _("Lead time")) if bars else None

    @property
    def work_chart(self) -> TimeBars | None:
        bars = tuple(TimeBar(each.name, each.working, each.waiting) for each in self.work)
        return TimeBars(bars, _("Working and waiting")) if bars else None

    @property
    def holder_chart(self) -> TimeBars | None:
        bars = tuple(TimeBar(each.name, each.held) for each in self.holders if each.kind == "person")
        return TimeBars(bars[:12], _("Time in hand")) if bars else None


def analytics_of(project: Project) -> Analytics:
    """How work flows in one project. 3 queries."""
    return _analytics(flow_of(project), names=True)


def analytics_among(projects: QuerySet[Project], *, days: int | None, most: int = MOST) -> Analytics:
    """How work flows in many projects, over the last `days` (None: ever). 3 queries.

    Of `most` entries, the newest.
    """
    since = timezone.now() - dt.timedelta(days=days) if days else None
    return _analytics(flow_among(projects, since=since, most=most), names=False)


def _analytics(flow: Flow, *, names: bool) -> Analytics:
    if not flow.moves and not flow.opened:
        return Analytics()
    frame = _frame(flow)
    words = {key: name for (kind, key), name in flow.names.items() if kind == "phase"}
    return Analytics(
        phases=_phases(frame[frame["kind"] == "phase"], words),
        work=_work(frame[frame["kind"] == "task"], words) if names else [],
        handoffs=_handoffs(frame[frame["kind"] == "handoff"], flow),
        holders=_holders(frame[frame["kind"] == "handoff"]),
        loops=_loops(flow),
        gates=_gates(frame[frame["kind"] == "gate"], flow),
        projects=len(flow.projects),
        cut=flow.cut,
    )


def _frame(flow: Flow) -> pd.DataFrame:
    """The moves as a table, each with `seconds` until the record moved on, its iteration ended, or now.

    A move that changed nothing adds to the state before it. `last` marks the state that a record is in.
    """
    import pandas as pd  # noqa: PLC0415 - heavy; see the module

    columns = [
        "kind",
        "record",
        "key",
        "to",
        "at",
        "project",
        "iteration",
        "action",
        "giver",
        "taker",
    ]
    frame = pd.DataFrame([move[: len(columns)] for move in flow.moves], columns=columns)
    frame["at"] = pd.to_datetime(frame["at"], utc=True)
    ends = [flow.closed.get((move.project, move.iteration)) for move in flow.moves]
    limit = pd.to_datetime(pd.Series(ends, index=frame.index, dtype="object"), utc=True).dt.as_unit("us")
    limit = limit.fillna(pd.Timestamp(timezone.now()))
    following = frame.groupby(["kind", "record"], sort=False)["at"].shift(-1)
    frame["last"] = following.isna()
    frame["over"] = [end is not None for end in ends]
    until = following.fillna(limit)
    frame["seconds"] = (until - frame["at"]).dt.total_seconds().clip(lower=0)
    return frame


def _phases(moves: pd.DataFrame, words: dict[str, str]) -> list[PhaseTime]:
    found = []
    for key, rows in sorted(moves.groupby("key"), key=lambda pair: str(pair[0])):
        starts = rows[rows["action"] == "phase.started"]
        begun = starts.groupby("record")["at"].min()
        passed = rows[rows["to"].isin(_PASSED)].groupby("record")["at"].max()
        lead = (passed - begun).dt.total_seconds().dropna()
        open_now = rows[rows["last"] & ~rows["over"] & ~rows["to"].isin((*_PASSED, "stopped", "inherited"))]
        if begun.empty:
            continue
        found.append(
            PhaseTime(
                key=str(key), name=words.get(str(key), str(key)), passed=len(lead), running=len(open_now),
                starts=len(starts), median=_median(lead), slow=_quantile(lead),
                review=_sum(rows, ("in_review", "on_hold")),
            )
        )  # fmt: skip
    return found


def _work(moves: pd.DataFrame, words: dict[str, str]) -> list[WorkTime]:
    rows = sorted(moves[moves["key"] != ""].groupby("key"), key=lambda pair: str(pair[0]))
    return [
        WorkTime(
            key=str(key), name=words.get(str(key), str(key)), tasks=int(part["record"].nunique()),
            working=_sum(part, WORKING), verification=_sum(part, ("evidence_attached",)),
            blocked=_sum(part, ("blocked", "reopened")),
        )
        for key, part in rows
    ]  # fmt: skip


def _handoffs(moves: pd.DataFrame, flow: Flow) -> list[HandoffTime]:
    found = []
    for key, rows in sorted(moves.groupby("key"), key=lambda pair: str(pair[0])):
        offers = rows[rows["action"] == "handoff.offered"]
        if offers.empty:
            continue
        found.append(
            HandoffTime(
                key=str(key), name=flow.names.get(("handoff", str(key)), str(key)), offered=len(offers),
                accepted=int((rows["to"] == "accepted").sum()),
                returned=int((rows["to"] == "returned").sum()),
                median=_median(offers[~offers["last"]]["seconds"]),
            )
        )  # fmt: skip
    return sorted(found, key=lambda each: (-each.rate, each.key))


def _holders(moves: pd.DataFrame) -> list[Holding]:
    """The taker holds an offer; the giver holds what came back or was withdrawn. 2 queries."""
    held = moves[moves["to"].isin(("offered", "returned", "planned"))].copy()
    if held.empty:
        return []
    held["person"] = held["taker"].where(held["to"] == "offered", held["giver"])
    held = held[held["person"].notna()]
    keys = sorted({int(each) for each in held["person"]})
    people = {user.pk: str(user) for user in User.objects.filter(pk__in=keys)}
    held["name"] = [people.get(int(each), f"user:{int(each)}") for each in held["person"]]
    ids = sorted({int(each) for each in held["record"]})
    roles = {
        str(pk): (givers, takers)
        for pk, givers, takers in Handoff.objects.filter(pk__in=ids)
        .order_by()
        .values_list("pk", "giver_roles", "taker_roles")
    }
    held["role"] = [
        ", ".join(roles.get(str(record), ([], []))[to == "offered"]) or "–"
        for record, to in zip(held["record"], held["to"], strict=True)
    ]
    made = [_holding(kind, str(name), rows) for kind, column in (("person", "name"), ("role", "role"))
            for name, rows in held.groupby(column)]  # fmt: skip
    return sorted(made, key=lambda each: (each.kind, -each.held, each.name))


def _holding(kind: str, name: str, rows: pd.DataFrame) -> Holding:
    return Holding(
        kind=kind, name=name, handoffs=int(rows["record"].nunique()), held=float(rows["seconds"].sum()),
        longest=float(rows["seconds"].max()), now=int((rows["last"] & ~rows["over"]).sum()),
    )  # fmt: skip


def _loops(flow: Flow) -> list[Loop]:
    """Phases that were opened again, and iterations after the first. The newest first."""
    again = [
        Loop("phase", move.project, move.iteration, move.key, move.at, move.reason)
        for move in flow.moves
        if move.kind == "phase" and move.to == "reopened"
    ]
    more = [
        Loop("iteration", project, number, start, None, reason)
        for project, number, start, _fired, reason in flow.opened
        if number > 1
    ]
    return [*more[::-1], *again[::-1]]


def _gates(moves: pd.DataFrame, flow: Flow) -> list[GateRounds]:
    found = []
    for key, rows in sorted(moves.groupby("key"), key=lambda pair: str(pair[0])):
        opened = rows[rows["action"] == "gate.opened"]
        decided = rows[rows["action"] == "gate.decided"]
        good = int(decided["to"].isin((*_PASSED, "conditional")).sum())
        taken = decided.groupby("record")["at"].max() - opened.groupby("record")["at"].min()
        found.append(
            GateRounds(
                key=str(key), name=flow.names.get(("gate", str(key)), str(key)), opened=len(opened),
                passed=good, refused=len(decided) - good, median=_median(taken.dt.total_seconds().dropna()),
            )
        )  # fmt: skip
    return found


def _sum(rows: pd.DataFrame, states: Any) -> float:
    return float(rows[rows["to"].isin(tuple(states))]["seconds"].sum())


def _median(values: pd.Series[float]) -> float | None:
    return float(values.median()) if len(values) else None


def _quantile(values: pd.Series[float]) -> float | None:
    """The time within which nine of ten were done."""
    return float(values.quantile(0.9)) if len(values) else None
