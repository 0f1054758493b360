"""What was open and in use when, and the decisions on it: the picture of the executive page."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import altair as alt
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from reports.charts.figures import AnyChart, Figure, Rows, themed
from reports.charts.marks import data, drawn, labels, millis, points, when
from reports.charts.multiples import Series, cell, scale_of
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


def timeline(
    lanes: Sequence[Lane],
    *,
    until: datetime,
    live: Series | None = None,
    palette: Palette = PRINT,
    width: int = WIDTH,
) -> Figure | None:
    """Bars from opening to closing (or `until`), decisions as marks; below, a `live` measure on these dates.

    Shows the latest twelve lanes; None without lanes.
    """
    shown = list(lanes)[-MOST:]
    if not shown:
        return None
    first = min(lane.start for lane in shown)
    length = max(until - first, timedelta(hours=1))
    domain = [millis(first - length * 0.03), millis(until + length * 0.24)]
    chart: AnyChart = _lanes(shown, length, domain, palette, width - 124)
    alt_text, note = (
        _alt(shown),
        _("Grey: work. Ink: in use. A mark is a decision, its shape as in the contents."),
    )
    if live is not None:
        chart = alt.vconcat(chart, _live(live, domain, palette, width - 124), spacing=10)
        alt_text += " " + live.words()
        note += " " + _("Below: %(title)s by window, with its limit.") % {"title": live.title}
    return Figure(spec=themed(chart, palette), alt=alt_text, conclusion=_conclusion(shown), note=note)


def _lanes(
    shown: Sequence[Lane], length: timedelta, domain: list[int], palette: Palette, width: int
) -> AnyChart:
    format_ = (
        "%-d %b %H:%M"
        if length < timedelta(days=3)
        else "%-d %b"
        if length < timedelta(days=120)
        else "%b %Y"
    )
    x = when("a", domain, format=format_, orient="top", labelFlush=False, tickCount=6)
    captions = ", ".join(f"'{n}': {json.dumps(lane.label)}" for n, lane in enumerate(shown))
    label = f"({{{captions}}})[datum.value]"
    look = alt.Axis(labelFontSize=10.5, labelColor=palette.text, labelLimit=112, labelExpr=label)
    y = alt.Y("lane:N", sort=[str(n) for n in range(len(shown))], title=None, axis=look)
    bars: Rows = []
    marks: Rows = []
    words: Rows = []
    for n, lane in enumerate(shown):
        end = millis(max(lane.end, lane.start + length * 0.004))
        bars.append(
            {
                "lane": str(n),
                "a": millis(lane.start),
                "b": end,
                "fill": palette.measured if lane.live else palette.line,
            }
        )
        marks += [
            drawn({"lane": str(n), "a": millis(event.at)}, event.mark.state, palette) for event in lane.events
        ]
        if lane.events:
            words.append(
                {"lane": str(n), "a": max(end, millis(lane.events[-1].at)), "text": lane.events[-1].text}
            )
    layers = [
        alt.Chart(data(bars))
        .mark_bar(height=14, opacity=1)
        .encode(x=x, x2="b:T", y=y, color=alt.Color("fill:N", scale=None))
    ]
    layers += [points(marks, x, y, 120)] if marks else []
    layers += [labels(words, x, y, dx=9, limit=170)] if words else []
    return alt.layer(*layers).properties(width=width, height=27 * len(shown))


def _live(series: Series, domain: list[int], palette: Palette, width: int) -> AnyChart:
    """The measure of what is in use, on the same dates as the lanes."""
    return cell(series, width=width, height=96, domain=scale_of(series), times=domain, palette=palette)


def _alt(lanes: Sequence[Lane]) -> str:
    parts = []
    for lane in lanes:
        events = "; ".join(f"{e.text} ({e.mark.word}), {e.at:%Y-%m-%d}" for e in lane.events)
        parts.append(
            f"{lane.label}: {lane.start:%Y-%m-%d} – {lane.end:%Y-%m-%d}"
            + (f", {events}" if events else "")
            + "."
        )
    return " ".join(parts)


def _conclusion(lanes: Sequence[Lane]) -> str:
    live = [lane for lane in lanes if lane.live]
    work = [lane for lane in lanes if not lane.live]
    if live:
        one = "%(n)d iteration of work led to what is in use."
        said = ngettext(one, "%(n)d iterations of work led to what is in use.", len(work))
    else:
        one = "Nothing is in use; %(n)d iteration has been opened."
        said = ngettext(one, "Nothing is in use; %(n)d iterations have been opened.", len(work))
    return said % {"n": len(work)}
