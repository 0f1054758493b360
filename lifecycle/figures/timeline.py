"""The iterations of a project along the calendar: phases, gates, what was live, what sent it round again."""

import calendar
import datetime as dt
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from lifecycle.figures.ring import GATE_CLASSES, PHASE_CLASSES
from lifecycle.figures.shapes import Scale, diamond, num, triangle

Moment = dt.datetime
ROOM_FOR_CODE = 34  # units that a box needs to hold its phase's code
MOST_STEPS = 12
DECEMBER = 12
WEEKLY_FROM = 20  # days
QUIET = 2.5  # as many times the busy time as the whole may last before what is quiet is cut short
LEFT_OF_QUIET = 1.3  # then as many times the busy time are drawn


@dataclass(frozen=True)
class TimelinePhase:
    """A phase from begin to end; `state` as in the ring, "planned" draws a dashed box."""

    code: str
    begin: Moment
    end: Moment
    state: str = "done"


@dataclass(frozen=True)
class TimelineGate:
    """A gate's decision; `state` as in the ring."""

    at: Moment
    state: str = "passed"


@dataclass(frozen=True)
class TimelineSpan:
    """A version in production."""

    name: str
    begin: Moment
    end: Moment | None = None


@dataclass(frozen=True)
class TimelineMark:
    """A trigger that fired."""

    at: Moment
    name: str


@dataclass(frozen=True)
class TimelineRow:
    """One iteration."""

    name: str
    note: str = ""
    phases: tuple[TimelinePhase, ...] = ()
    gates: tuple[TimelineGate, ...] = ()
    live: tuple[TimelineSpan, ...] = ()
    triggers: tuple[TimelineMark, ...] = ()


@dataclass(frozen=True)
class IterationTimeline:
    """All iterations, `today` as the ink line. At least one row must have a phase."""

    rows: tuple[TimelineRow, ...]
    today: Moment

    template: ClassVar[str] = "components/figures/timeline.svg"
    LEFT: ClassVar[float] = 178
    RIGHT: ClassVar[float] = 1250
    ROW: ClassVar[float] = 46
    TOP: ClassVar[float] = 38

    @property
    def label(self) -> str:
        parts = [
            _("%(name)s from %(begin)s: %(passed)s gates passed")
            % {
                "name": row.name,
                "begin": _day(min(phase.begin for phase in row.phases)),
                "passed": sum(gate.state in ("passed", "conditional") for gate in row.gates),
            }
            + "".join(_(", %s live") % span.name for span in row.live)
            for row in self.rows
            if row.phases
        ]
        return "; ".join(parts) or _("No iteration has begun")

    @cached_property
    def _ends(self) -> tuple[float, float, bool]:
        """The first moment drawn, the last one, and whether the quiet time until today is cut short."""
        moments = [self.today]
        for row in self.rows:
            moments += [m for phase in row.phases for m in (phase.begin, phase.end)]
            moments += [m for span in row.live for m in (span.begin, span.end or self.today)]
            moments += [gate.at for gate in row.gates] + [mark.at for mark in row.triggers]
        first, last = min(moments).timestamp(), max(moments).timestamp()
        busy = max((m for m in moments if m < self.today), default=self.today).timestamp() - first
        cut = max(moments) == self.today and busy > 0 and last - first > busy * QUIET
        return first, first + busy * LEFT_OF_QUIET if cut else last, cut

    @property
    def cut_short(self) -> bool:
        """Whether nothing happened for so long that the time until today is not to scale."""
        return self._ends[2]

    @cached_property
    def scale(self) -> Scale:
        first, last, _cut = self._ends
        air = max(last - first, 10.0) * 0.03
        return Scale(first - air, last + air, self.LEFT, self.RIGHT)

    def x(self, moment: Moment) -> float:
        return self.scale.clamped(moment.timestamp())

    @property
    def height(self) -> float:
        return self.TOP + self.ROW * len(self.rows) + 16

    @property
    def view_box(self) -> str:
        return f"0 0 1272 {num(self.height)}"

    @property
    def grid(self) -> list[tuple[str, str, str]]:
        """(path, text x, text) of each step of the calendar: months, weeks, days or hours, whichever fits."""
        low = dt.datetime.fromtimestamp(self.scale.low, dt.UTC)
        high = dt.datetime.fromtimestamp(self.scale.high, dt.UTC)
        bottom = num(self.height - 24)
        return [
            (f"M{num(self.x(moment))} 22V{bottom}", num(self.x(moment) + 5), text)
            for moment, text in _calendar_steps(low, high)
        ]

    @property
    def drawn(self) -> list[dict[str, object]]:
        """Every row with its boxes, diamonds, lines and triangles."""
        return [self._row(row, self.TOP + self.ROW * index) for index, row in enumerate(self.rows)]

    def _row(self, row: TimelineRow, top: float) -> dict[str, object]:
        middle = top + 9
        return {
            "name": row.name,
            "note": row.note,
            "name_y": num(top + 8),
            "note_y": num(top + 24),
            "phases": [self._phase(phase, top) for phase in row.phases],
            "gates": [(diamond(self.x(g.at), middle, 8), GATE_CLASSES[g.state]) for g in row.gates],
            "live": [self._span(span, middle) for span in row.live],
            "triggers": [
                {
                    "path": triangle(self.x(m.at) - 13, middle, 8),
                    "x": num(self.x(m.at) - 26),
                    "y": num(middle + 4),
                    "text": m.name,
                }
                for m in row.triggers
            ],
        }

    def _phase(self, phase: TimelinePhase, top: float) -> dict[str, str]:
        begin, end = self.x(phase.begin), self.x(phase.end)
        width = max(end - begin - 1.5, 2.0)
        planned = phase.state == "planned"
        return {
            "x": num(begin),
            "y": num(top),
            "width": num(width),
            "css": "ph-line" if planned else PHASE_CLASSES[phase.state],
            "text": phase.code if width > ROOM_FOR_CODE else "",
            "text_x": num(begin + width / 2),
            "text_y": num(top + 13),
            "text_css": "t-on" if phase.state in ("done", "now") else "",
            "dash": "3 3" if planned else "",
        }

    def _span(self, span: TimelineSpan, middle: float) -> dict[str, str]:
        begin, end = self.x(span.begin) + 10, self.x(span.end or self.today)
        stop = f"M{num(end)} {num(middle - 5)}v10" if span.end else ""
        line = f"M{num(begin)} {num(middle)}H{num(max(end, begin + 2))}"
        return {
            "path": f"{line}M{num(begin)} {num(middle - 5)}v10{stop}",
            "x": num(begin + 6),
            "y": num(middle - 5),
            "text": _("%s live") % span.name,
        }

    @property
    def today_path(self) -> str:
        return f"M{self.today_x} 22V{num(self.height - 18)}"

    @property
    def today_x(self) -> str:
        return num(self.x(self.today))

    @property
    def today_text(self) -> str:
        return _("today")

    @property
    def gap_x(self) -> str:
        """Where the dots stand that say that time is left out."""
        return num(self.x(self.today) - 30)

    @property
    def today_y(self) -> str:
        return num(self.height - 4)


def _day(moment: Moment) -> str:
    return date_format(moment.date(), "j M", use_l10n=False)


def _calendar_steps(low: Moment, high: Moment) -> list[tuple[Moment, str]]:
    """Round moments between two, about six to fourteen of them, with their texts."""
    span = high - low
    if span > dt.timedelta(days=75):
        every = next((n for n in (1, 2, 3, 6) if span.days / 30 / n <= MOST_STEPS), 12)
        return _months(low, high, every)
    if span > dt.timedelta(days=2):
        step = dt.timedelta(days=max(1, 7 if span.days > WEEKLY_FROM else span.days // 8))
        first = (low + dt.timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
        return [(moment, _day(moment)) for moment in _every(first, high, step)]
    minutes = next((m for m in (1, 5, 15, 60, 180, 360) if span / dt.timedelta(minutes=m) <= MOST_STEPS), 720)
    first = low.replace(minute=0, second=0, microsecond=0)
    step = dt.timedelta(minutes=minutes)
    return [(moment, f"{moment:%H:%M}") for moment in _every(first, high, step) if moment >= low]


def _every(first: Moment, high: Moment, step: dt.timedelta) -> list[Moment]:
    count = int((high - first) / step)
    return [first + step * index for index in range(count + 1)] if high >= first else []


def _months(low: Moment, high: Moment, every: int) -> list[tuple[Moment, str]]:
    steps = []
    year, month = low.year, low.month
    while (moment := dt.datetime(year, month, 1, tzinfo=dt.UTC)) <= high:
        if moment >= low and (month - 1) % every == 0:
            name = calendar.month_abbr[month]
            steps.append((moment, f"{name} {year}" if month == 1 else name))
        year, month = (year + 1, 1) if month == DECEMBER else (year, month + 1)
    return steps
