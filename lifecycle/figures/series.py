"""One or two numbers over windows of time, with their limits and what happened."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from django.utils.translation import gettext as _

from lifecycle.figures.shapes import (
    Scale,
    apart,
    diamond,
    disc,
    nice_ticks,
    num,
    octagon,
    points,
    tick_text,
    triangle,
)


@dataclass(frozen=True)
class Series:
    """One line. `limit` marks its points; `worse` says on which side of it harm lies."""

    name: str
    values: Sequence[float | None]
    limit: float | None = None
    worse: str = "below"

    def is_bad(self, value: float) -> bool:
        if self.limit is None:
            return False
        return value < self.limit if self.worse == "below" else value > self.limit

    @property
    def last(self) -> float | None:
        return next((value for value in reversed(self.values) if value is not None), None)


@dataclass(frozen=True)
class SeriesLimit:
    """A dashed line with its name at the right."""

    value: float
    name: str


@dataclass(frozen=True)
class SeriesEvent:
    """Something that happened at a window. `kind`: deployment (diamond below) or trigger (triangle above)."""

    window: int
    name: str
    kind: str = "deployment"


@dataclass(frozen=True)
class SeriesChart:
    """`windows` are the texts below the axis, as many as each series has values.

    `wide` is for the whole page's width (1272 units), otherwise half of it (620) with smaller margins.
    """

    title: str
    windows: Sequence[str]
    series: tuple[Series, ...]
    limits: tuple[SeriesLimit, ...] = ()
    events: tuple[SeriesEvent, ...] = ()
    digits: int = 3
    wide: bool = True
    from_zero: bool = False

    template: ClassVar[str] = "components/figures/series.svg"
    LEFT: ClassVar[float] = 48
    TOP: ClassVar[float] = 26
    BASE: ClassVar[float] = 190
    HEIGHT: ClassVar[float] = 216

    @property
    def width(self) -> float:
        return 1272 if self.wide else 620

    @property
    def view_box(self) -> str:
        return f"0 0 {num(self.width)} {num(self.HEIGHT)}"

    @property
    def right(self) -> float:
        return self.width - 112

    @property
    def label(self) -> str:
        parts = []
        for line in self.series:
            known = [value for value in line.values if value is not None]
            bad = sum(line.is_bad(value) for value in known)
            last = f"{line.last:.{self.digits}f}" if line.last is not None else _("nothing measured")
            text = _("%(name)s: last %(last)s") % {"name": line.name, "last": last}
            if line.limit is not None:
                text += _(", outside its limit in %(bad)s of %(all)s windows") % {
                    "bad": bad,
                    "all": len(known),
                }
            parts.append(text)
        return f"{self.title}. " + "; ".join(parts)

    @cached_property
    def x(self) -> Scale:
        return Scale(0, max(len(self.windows) - 1, 1), self.LEFT, self.right)

    @cached_property
    def y(self) -> Scale:
        values = [value for line in self.series for value in line.values if value is not None]
        values += [limit.value for limit in self.limits]
        values += [0.0] if self.from_zero or not values else []
        low, high = min(values), max(values)
        air = (high - low or abs(high) or 1.0) * 0.12
        return Scale(0.0 if self.from_zero and low >= 0 else low - air, high + air, self.BASE, self.TOP)

    @property
    def grid(self) -> list[tuple[str, str, str]]:
        """(path, text y, text) of each horizontal line."""
        ticks = nice_ticks(self.y.low, self.y.high)
        return [
            (f"M{num(self.LEFT)} {num(self.y(t))}H{num(self.right)}", num(self.y(t) + 4), tick_text(t, ticks))
            for t in ticks
        ]

    @property
    def windows_below(self) -> list[tuple[str, str, str]]:
        """(x, anchor, text): the first, the last and a few between, never closer than 90 units."""
        count = len(self.windows)
        every = max(1, round(count / max((self.right - self.LEFT) // 110, 1)))
        shown = sorted({*range(0, count, every), count - 1}) if count else []
        if shown[1:-1] and shown[-1] - shown[-2] < every * 0.75:
            shown.pop(-2)
        anchors = {0: "start", count - 1: "end"}
        return [(num(self.x(i)), anchors.get(i, "middle"), self.windows[i]) for i in shown]

    @property
    def lines(self) -> list[dict[str, object]]:
        """Each series: its stretches, its points beyond the limit, its last point and its name."""
        return [self._line(line, number) for number, line in enumerate(self.series)]

    def _line(self, line: Series, number: int) -> dict[str, object]:
        stretches: list[list[tuple[float, float]]] = [[]]
        for index, value in enumerate(line.values):
            if value is None:
                stretches.append([])
            else:
                stretches[-1].append((self.x(index), self.y(value)))
        known = [(index, value) for index, value in enumerate(line.values) if value is not None]
        end = (
            ""
            if not known or line.is_bad(known[-1][1])
            else disc(self.x(known[-1][0]), self.y(known[-1][1]), 4.5)
        )
        return {
            "stretches": [points(stretch) for stretch in stretches if len(stretch) > 1],
            "css": "now-line" if number == 0 else "second-line",
            "bad": [octagon(self.x(i), self.y(v), 4.6) for i, v in known if line.is_bad(v)],
            "end": end,
        }

    @property
    def limit_lines(self) -> list[str]:
        return [f"M{num(self.LEFT)} {num(self.y(limit.value))}H{num(self.right)}" for limit in self.limits]

    @property
    def names(self) -> list[dict[str, str]]:
        """What stands at the ends of lines and limits, moved apart at the right edge."""
        edge: list[tuple[float, str, str]] = [(self.y(limit.value), limit.name, "") for limit in self.limits]
        inside = []
        for line in self.series:
            known = [index for index, value in enumerate(line.values) if value is not None]
            if line.last is None or not known:
                continue
            css = "t-bad" if line.is_bad(line.last) else "t-strong"
            text = f"{line.name} {line.last:.{self.digits}f}"
            if known[-1] == len(self.windows) - 1:
                edge.append((self.y(line.last), text, css))
            else:
                place = {"x": num(self.x(known[-1]) + 10), "y": num(self.y(line.last) + 4)}
                inside.append({**place, "text": text, "css": css})
        edge.sort(key=lambda item: item[0])
        heights = apart([y for y, _text, _css in edge], 14)
        x = num(self.right + 10)
        placed = zip(heights, edge, strict=True)
        return inside + [{"x": x, "y": num(y + 4), "text": text, "css": css} for y, (_y, text, css) in placed]

    @property
    def event_marks(self) -> list[dict[str, str]]:
        """Dotted lines with a diamond at the foot (deployment) or a triangle at the head (trigger).

        A name that would run into the next mark is left out: the table beside the chart has it.
        """
        return [
            self._mark(kind, x, text) for kind in ("deployment", "trigger") for x, text in self._told(kind)
        ]

    def _told(self, kind: str) -> list[tuple[float, str]]:
        """Where the events of a kind stand, each with its name if it has room before the next one."""
        places = sorted((self.x(event.window), event.name) for event in self.events if event.kind == kind)
        nexts = [*(x for x, _name in places[1:]), float("inf")][: len(places)]
        return [
            (x, name if x + 24 + 6.4 * len(name) < after else "")
            for (x, name), after in zip(places, nexts, strict=True)
        ]

    def _mark(self, kind: str, x: float, text: str) -> dict[str, str]:
        deployed = kind == "deployment"
        flip = x > self.right - 160
        return {
            "line": f"M{num(x)} 16V{num(self.BASE)}",
            "shape": diamond(x, self.BASE, 6) if deployed else triangle(x, 16, 8),
            "css": "now halo" if deployed else "warn",
            "x": num(x - 11 if flip else x + 11),
            "anchor": "end" if flip else "start",
            "y": num(self.BASE - 6 if deployed else 20),
            "text": text,
            "text_css": "t-strong" if deployed else "t-warn",
        }
