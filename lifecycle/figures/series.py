"""One or two numbers over windows of time, with their limits and what happened."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from django.utils.translation import gettext as _

from lifecycle.figures.shapes import Scale, diamond, disc, nice_ticks, num, octagon, points, tick_text, triangle


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
                text += _(", outside its limit in %(bad)s of %(all)s windows") % {"bad": bad, "all": len(known)}
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
        if len(shown) > 2 and shown[-1] - shown[-2] < every * 0.75:
            shown.pop(-2)
        anchors = {0: "start", count - 1: "end"}
        return [(num(self.x(i)), anchors.get(i, "middle"), self.windows[i]) for i in shown]

    @property
    def lines(self) -> list[dict[str, object]]:
        """Each series: its stretches, its points beyond the limit, its last point and its name."""
        names = self._name_places()
        return [self._line(line, number, names[number]) for number, line in enumerate(self.series)]

    def _line(self, line: Series, number: int, name_y: float) -> dict[str, object]:
        stretches: list[list[tuple[float, float]]] = [[]]
        for index, value in enumerate(line.values):
            if value is None:
                stretches.append([])
            else:
                stretches[-1].append((self.x(index), self.y(value)))
        known = [(index, value) for index, value in enumerate(line.values) if value is not None]
        bad = [octagon(self.x(i), self.y(v), 4.6) for i, v in known if line.is_bad(v)]
        ends_bad = bool(known) and line.is_bad(known[-1][1])
        end = "" if not known or ends_bad else disc(self.x(known[-1][0]), self.y(known[-1][1]), 4.5)
        return {
            "stretches": [points(stretch) for stretch in stretches if len(stretch) > 1],
            "css": "now-line" if number == 0 else "second-line",
            "bad": bad,
            "end": end,
            "text": f"{line.name} {line.last:.{self.digits}f}" if line.last is not None else line.name,
            "text_css": "t-bad" if ends_bad else "t-strong",
            "x": num(self.x(known[-1][0]) + 10 if known else self.LEFT),
            "y": num(name_y),
        }

    def _name_places(self) -> list[float]:
        """Where the names stand at the right: at their lines' ends, but never over one another."""
        places = [self.y(line.last) + 4 if line.last is not None else self.TOP for line in self.series]
        taken: list[float] = []
        for index in sorted(range(len(places)), key=places.__getitem__):
            if taken and places[index] < taken[-1] + 14:
                places[index] = taken[-1] + 14
            taken.append(places[index])
        return places

    @property
    def limit_lines(self) -> list[dict[str, str]]:
        """Dashed lines; each name stands at the left above its line, out of the way of the series' names."""
        return [
            {
                "path": f"M{num(self.LEFT)} {num(self.y(limit.value))}H{num(self.right)}",
                "y": num(self.y(limit.value) - 5), "x": num(self.LEFT + 6), "text": limit.name,
            }
            for limit in self.limits
        ]

    @property
    def event_marks(self) -> list[dict[str, str]]:
        """Dotted lines with a diamond at the foot (deployment) or a triangle at the head (trigger)."""
        marks = []
        for event in self.events:
            x = self.x(event.window)
            deployed = event.kind == "deployment"
            flip = x > self.right - 160
            marks.append(
                {
                    "line": f"M{num(x)} 16V{num(self.BASE)}",
                    "shape": diamond(x, self.BASE, 6) if deployed else triangle(x, 16, 8),
                    "css": "now halo" if deployed else "warn",
                    "x": num(x - 11 if flip else x + 11),
                    "anchor": "end" if flip else "start",
                    "y": num(self.BASE - 6 if deployed else 20),
                    "text": event.name,
                    "text_css": "t-strong" if deployed else "t-warn",
                }
            )
        return marks
