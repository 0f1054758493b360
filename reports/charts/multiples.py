"""Small multiples over time: one measure a cell, with its limit and the windows beyond it marked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import altair as alt
from django.utils.translation import gettext as _

from reports.charts.figures import AnyChart, span
from reports.charts.marks import data, drawn, labels, limit_ground, millis, points, when
from reports.charts.palette import Palette
from reports.documents.measures import Bound, limit_words, number
from reports.documents.states import State


@dataclass(frozen=True, kw_only=True)
class Point:
    """One window of a series. `event` is a trigger that it fired."""

    at: datetime
    value: float
    state: State = State.IDLE
    event: str = ""


@dataclass(frozen=True, kw_only=True)
class Series:
    """One measure over windows."""

    title: str
    points: tuple[Point, ...]
    limit: float | None = None
    bound: Bound = Bound.AT_LEAST
    digits: int = 3
    unit: str = ""

    def words(self) -> str:
        """The series as a sentence for a reader who does not see it: range, limit, last value, windows
        beyond.
        """
        values = [p.value for p in self.points]
        beyond = [p for p in self.points if p.state in (State.BAD, State.WARN)]
        said = _("%(title)s: %(n)d windows from %(low)s to %(high)s, last %(last)s") % {
            "title": self.title,
            "n": len(values),
            "low": number(min(values), self.digits, self.unit),
            "high": number(max(values), self.digits, self.unit),
            "last": number(values[-1], self.digits, self.unit),
        }
        if self.limit is not None:
            said += ", " + _("limit %(limit)s") % {
                "limit": limit_words(self.limit, self.bound, self.digits, self.unit)
            }
        if beyond:
            said += ", " + _("beyond it: %(windows)s") % {
                "windows": ", ".join(f"{p.at:%Y-%m-%d} {number(p.value, self.digits)}" for p in beyond[:12])
            }
        return said + "."


def cell(
    series: Series, *, width: float, height: float, domain: list[float], times: list[int], palette: Palette
) -> AnyChart:
    """One small chart: ground beyond the limit, line, marks where a limit was crossed or a trigger fired."""
    rows = [
        {"a": millis(p.at), "v": p.value, "text": number(p.value, series.digits), "event": p.event}
        for p in series.points
    ]
    states = [p.state for p in series.points]
    few = max(2, min(4, int(width / 60)))
    x = when("a", times, format="%-d %b", tickCount=few, labelFontSize=9, labelFlush=True)
    ticks = [domain[0], *([] if series.limit is None else [series.limit]), domain[1]]
    look = alt.Axis(values=ticks, format=f".{min(series.digits, 2)}f", labelFontSize=9, grid=False)
    y = alt.Y("v:Q", title=None, scale=alt.Scale(domain=domain, nice=False, zero=False), axis=look)
    layers: list[alt.Chart] = []
    if series.limit is not None:
        layers += limit_ground(series.limit, series.bound, domain, y, palette)
    layers.append(alt.Chart(data(rows)).mark_line(color=palette.measured, strokeWidth=1.8).encode(x=x, y=y))
    if len(rows) < 30:
        layers.append(
            alt.Chart(data(rows))
            .mark_point(filled=True, size=14, opacity=1, color=palette.measured)
            .encode(x=x, y=y)
        )
    marked = [
        drawn(row, s, palette)
        for row, s in zip(rows, states, strict=True)
        if s in (State.BAD, State.WARN, State.WAIVED)
    ]
    fired = [{**row, "text": row["event"]} for row in rows if row["event"]]
    layers += [points(marked, x, y, 80)] if marked else []
    if fired:
        layers.append(
            alt.Chart(data(fired)).mark_rule(color=palette.mark(State.WARN), strokeWidth=1).encode(x=x)
        )
        layers.append(labels(fired, x, alt.Y(value=6), dx=-4, align="right", fontSize=9, fontWeight=600))
    layers.append(labels(rows[-1:], x, y, dx=5, fontWeight=600))
    title = alt.TitleParams(series.title, limit=width)
    return alt.layer(*layers).properties(width=width, height=height, title=title)


def small_multiples(
    series: Sequence[Series],
    *,
    across: int,
    palette: Palette,
    width: float,
    shared: bool = False,
    height: float = 66,
) -> alt.VConcatChart:
    """Cells in rows of `across`. `shared` gives all one scale, so that they may be compared."""
    times = [millis(p.at) for s in series for p in s.points]
    edges = [min(times), max(times) if max(times) > min(times) else min(times) + 86_400_000]
    every = [v for s in series for v in _values(s)]
    columns = min(across, len(series))
    inner = width / columns - 66
    cells = [
        cell(
            s,
            width=inner,
            height=height,
            domain=_domain(every if shared else _values(s), s),
            times=edges,
            palette=palette,
        )
        for s in series
    ]
    rows = [alt.hconcat(*cells[i : i + columns], spacing=14) for i in range(0, len(cells), columns)]
    return alt.vconcat(*rows, spacing=12)


def scale_of(series: Series) -> list[float]:
    """The scale of one series by itself: its values and its limit, with air."""
    return _domain(_values(series), series)


def _values(series: Series) -> list[float]:
    return [p.value for p in series.points] + ([] if series.limit is None else [series.limit])


def _domain(values: list[float], series: Series) -> list[float]:
    low, high = span(values, 0.15)
    if min(values) >= 0:
        low = max(0.0, low)
    if series.bound is Bound.AT_MOST and min(values) >= 0:
        low = 0.0
    step = 10 ** -min(series.digits, 2)
    return [_down(low, step), _down(high, step) + step]


def _down(value: float, step: float) -> float:
    return round(value // step * step, 6)
