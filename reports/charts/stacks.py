"""Parts of a whole as stacked lines: each part with its shape, colour and count. Plain SVG."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from reports.charts.drawings import shape, svg, tag, text
from reports.charts.palette import PRINT, WIDTH, Palette
from reports.documents.states import State

MOST = 16
STEP = 19
LEFT, RIGHT = 226, 62
ROOM_FOR_MARK, ROOM_FOR_COUNT = 13, 27


@dataclass(frozen=True, kw_only=True)
class Stack:
    """One line: a label, its parts in order, and words at its end. Its length is the sum of its parts."""

    label: str
    parts: tuple[tuple[State, int], ...]
    words: str

    @property
    def total(self) -> int:
        """All parts together."""
        return sum(count for _state, count in self.parts)


def stacks(found: Sequence[Stack], *, palette: Palette = PRINT, width: int = WIDTH) -> str:
    """The first sixteen, on one scale from zero."""
    shown = list(found)[:MOST]
    top = max((line.total for line in shown), default=0) or 1
    room = width - LEFT - RIGHT
    body = ""
    for n, line in enumerate(shown):
        y = 3 + n * STEP
        body += text(0, y + 11, _cut(line.label), size=9.6, fill=palette.text)
        at = float(LEFT)
        for state, count in line.parts:
            length = room * count / top
            body += _part(state, count, at, y, length, palette)
            at += length
        body += text(at + 7, y + 11, line.words, size=9.6, fill=palette.text, weight=600)
    body += tag("path", d=f"M{LEFT} 1V{3 + len(shown) * STEP}", stroke=palette.quiet, stroke_width=0.8)
    return svg(width, 6 + len(shown) * STEP, body)


def _part(state: State, count: int, x: float, y: float, length: float, palette: Palette) -> str:
    """A part as a box of its colour; its mark and count stand in it where there is room."""
    hollow = state is State.IDLE
    colour = palette.mark(state)
    look = {"fill": palette.ground if hollow else colour, "stroke": colour if hollow else palette.ground}
    body = tag("rect", x=x + 0.5, y=y, width=max(length - 1.0, 0.6), height=14, stroke_width=0.9, **look)
    ink = colour if hollow else palette.ground
    if length >= ROOM_FOR_MARK:
        body += _sign(state, x + 7.5, y + 7, ink, palette)
    if length >= ROOM_FOR_COUNT:
        body += text(x + 14, y + 10.6, str(count), size=9, fill=ink, weight=600)
    return body


def _sign(state: State, x: float, y: float, ink: str, palette: Palette) -> str:
    """The mark of a state in the colour that stands out of its box."""
    inks = replace(palette, marks=tuple((each, ink) for each in State))
    return shape(state, x, y, 3.6, inks)


def _cut(label: str) -> str:
    return label if len(label) <= 46 else label[:45] + "…"
