"""Paths and scales that the figures share.

Coordinates are SVG user units, y downwards; angles are degrees clockwise from the top.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass


def num(value: float) -> str:
    """A coordinate with one decimal at most, always with a point: templates must not localise it."""
    text = f"{value:.1f}"
    return text.removesuffix(".0") if text != "-0.0" else "0"


def polar(cx: float, cy: float, radius: float, angle: float) -> tuple[float, float]:
    """The point at an angle (0 is up, clockwise) on a circle."""
    turn = math.radians(angle)
    return cx + radius * math.sin(turn), cy - radius * math.cos(turn)


def diamond(cx: float, cy: float, r: float) -> str:
    """A gate or a deployment."""
    return (
        f"M{num(cx)} {num(cy - r)}L{num(cx + r)} {num(cy)}L{num(cx)} {num(cy + r)}L{num(cx - r)} {num(cy)}z"
    )


def octagon(cx: float, cy: float, r: float) -> str:
    """A value outside its limit."""
    k = r * 0.42
    corners = ((-k, -r), (k, -r), (r, -k), (r, k), (k, r), (-k, r), (-r, k), (-r, -k))
    return "M" + "L".join(f"{num(cx + x)} {num(cy + y)}" for x, y in corners) + "z"


def triangle(cx: float, cy: float, r: float) -> str:
    """A trigger that fired, or a value near its limit."""
    return f"M{num(cx)} {num(cy - r)}L{num(cx + r * 0.92)} {num(cy + r * 0.75)}H{num(cx - r * 0.92)}z"


def disc(cx: float, cy: float, r: float) -> str:
    """A value inside its limit."""
    half = f"a{num(r)} {num(r)} 0 1 1"
    return f"M{num(cx - r)} {num(cy)}{half} {num(2 * r)} 0{half} {num(-2 * r)} 0z"


def tick(cx: float, cy: float) -> str:
    """The tick inside a passed gate, about 12 wide."""
    return f"M{num(cx - 5.5)} {num(cy + 0.5)}l4 4l7.5-8.5"


def wave(cx: float, cy: float) -> str:
    """The wave inside a gate passed with conditions, about 11 wide."""
    return f"M{num(cx - 5.5)} {num(cy + 1)}c1.8-2.6 3.7-2.6 5.5-1s3.7 1.6 5.5-1"


def band(cx: float, cy: float, outer: float, inner: float, *, start: float, end: float) -> str:
    """A piece of a ring between two angles, less than half of it."""
    (ax, ay), (bx, by) = polar(cx, cy, outer, start), polar(cx, cy, outer, end)
    (dx, dy), (ex, ey) = polar(cx, cy, inner, end), polar(cx, cy, inner, start)
    return (
        f"M{num(ax)} {num(ay)}A{num(outer)} {num(outer)} 0 0 1 {num(bx)} {num(by)}"
        f"L{num(dx)} {num(dy)}A{num(inner)} {num(inner)} 0 0 0 {num(ex)} {num(ey)}z"
    )


def points(pairs: Sequence[tuple[float, float]]) -> str:
    """The points attribute of a polyline."""
    return " ".join(f"{num(x)},{num(y)}" for x, y in pairs)


TINY = 1e-9


@dataclass(frozen=True)
class Scale:
    """A straight line from values to coordinates. A scale of one value puts everything in the middle."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        if self.high == self.low:
            return (self.start + self.end) / 2
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)

    def clamped(self, value: float) -> float:
        """The coordinate, held inside the drawing."""
        return self(min(max(value, self.low), self.high))


def nice_ticks(low: float, high: float, wanted: int = 5) -> list[float]:
    """Round values (1, 2, 2.5 or 5 times a power of ten) from `low` to `high`, about as many as wanted."""
    if high <= low:
        return [low]
    power = 10.0 ** math.floor(math.log10((high - low) / wanted))
    steps = [factor * power for factor in (1, 2, 2.5, 5, 10)]
    step = min(steps, key=lambda each: abs((high - low) / each - wanted))
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(index * step, 12) for index in range(first, last + 1)]


def tick_text(value: float, ticks: Sequence[float]) -> str:
    """A tick with just as many decimals as its axis needs."""
    for digits in range(5):
        if all(abs(round(tick, digits) - tick) < TINY for tick in ticks):
            return f"{value:,.{digits}f}".replace(",", "\u202f")
    return f"{value:g}"


def apart(places: Sequence[float], gap: float) -> list[float]:
    """Sorted places moved until neighbours are `gap` apart; a group stays round its middle."""
    groups: list[list[float]] = []
    for place in places:
        groups.append([place])
        while len(groups) > 1 and _bottom(groups[-2], gap) + gap > _top(groups[-1], gap):
            groups[-2:] = [groups[-2] + groups[-1]]
    return [_top(group, gap) + gap * index for group in groups for index in range(len(group))]


def _top(group: Sequence[float], gap: float) -> float:
    return sum(group) / len(group) - gap * (len(group) - 1) / 2


def _bottom(group: Sequence[float], gap: float) -> float:
    return _top(group, gap) + gap * (len(group) - 1)
