"""What was open and in use when, and the decisions on it: the picture of the executive page."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import altair as alt
from django.utils.translation import gettext as _

from reports.charts.figures import Figure, Rows, themed
from reports.charts.marks import data, drawn, labels, millis, points, when
from reports.charts.palette import PRINT, WIDTH, Palette
from reports.documents.states import Mark

MOST = 12  # lanes


@dataclass(frozen=True, kw_only=True)
class Event:
    """A decision on a lane."""

    at: datetime
    text: str
    mark: Mark


@dataclass(frozen=True, kw_only=True)
class Lane:
    """Something that lasted. `live` lanes are drawn in ink: this is in use."""

    label: str
    start: datetime
    end: datetime
    live: bool = False
    events: tuple[Event, ...] = ()


def timeline(lanes: Sequence[Lane], *, until: datetime, palette: Palette = PRINT, width: int = WIDTH) -> Figure | None:
    """Bars from opening to closing (or to `until`), decisions as state marks. The latest twelve lanes; None without lanes."""
    shown = list(lanes)[-MOST:]
    if not shown:
        return None
    first = min(lane.start for lane in shown)
    length = max(until - first, timedelta(hours=1))
    domain = [millis(first - length * 0.03), millis(until + length * 0.24)]
    short = length < timedelta(days=3)
    x = when("a", domain, format="%-d %b %H:%M" if short else "%-d %b" if length < timedelta(days=120) else "%b %Y", orient="top", labelFlush=False, tickCount=6)
    names = [f"{n}" for n, _lane in enumerate(shown)]
    captions = "{" + ", ".join(f"'{n}': {json.dumps(lane.label)}" for n, lane in enumerate(shown)) + "}"
    look = alt.Axis(labelFontSize=10.5, labelColor=palette.text, labelLimit=112, labelExpr=f"({captions})[datum.value]")
    y = alt.Y("lane:N", sort=names, title=None, axis=look)
    bars: Rows = [
        {"lane": str(n), "a": millis(lane.start), "b": millis(max(lane.end, lane.start + length * 0.004)), "fill": palette.measured if lane.live else palette.line}
        for n, lane in enumerate(shown)
    ]
    marks = [drawn({"lane": str(n), "a": millis(e.at)}, e.mark.state, palette) for n, lane in enumerate(shown) for e in lane.events]
    words: Rows = [
        {"lane": str(n), "a": millis(max(lane.end, lane.events[-1].at)), "text": lane.events[-1].text} for n, lane in enumerate(shown) if lane.events
    ]
    layers = [alt.Chart(data(bars)).mark_bar(height=14, opacity=1).encode(x=x, x2="b:T", y=y, color=alt.Color("fill:N", scale=None))]
    layers += [points(marks, x, y, 120)] if marks else []
    layers += [labels(words, x, y, dx=9, limit=170)] if words else []
    chart = alt.layer(*layers).properties(width=width - 124, height=27 * len(shown))
    note = _("Grey: work. Ink: in use. A mark is a decision: circle approved, square refused, triangle attention, diamond waived.")
    return Figure(spec=themed(chart, palette), alt=_alt(shown), conclusion=_conclusion(shown), note=note)


def _alt(lanes: Sequence[Lane]) -> str:
    parts = []
    for lane in lanes:
        events = "; ".join(f"{e.text} ({e.mark.word}), {e.at:%Y-%m-%d}" for e in lane.events)
        parts.append(f"{lane.label}: {lane.start:%Y-%m-%d} – {lane.end:%Y-%m-%d}" + (f", {events}" if events else "") + ".")
    return " ".join(parts)


def _conclusion(lanes: Sequence[Lane]) -> str:
    live = [lane for lane in lanes if lane.live]
    work = [lane for lane in lanes if not lane.live]
    if live:
        return _("%(work)d iterations of work led to what is in use: %(names)s.") % {
            "work": len(work),
            "names": ", ".join(lane.label for lane in live[:3]),
        }
    return _("Nothing is in use; %(n)d iterations have been opened.") % {"n": len(work)}
