"""Counts as labelled bars: plain SVG, no statistics."""

from collections.abc import Sequence
from dataclasses import dataclass

from reports.charts.drawings import shape, svg, tag, text
from reports.charts.palette import PRINT, WIDTH, Palette
from reports.documents.states import State

MOST = 14
STEP = 19


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One line: a label, a number, and its words at the end of the bar. `state` gives it a mark."""

    label: str
    value: float
    words: str
    state: State | None = None


def bars(found: Sequence[Bar], *, palette: Palette = PRINT, width: int = WIDTH) -> str:
    """The first fourteen, on one scale from zero."""
    shown = list(found)[:MOST]
    top = max((bar.value for bar in shown), default=0) or 1
    left, room = 190, width - 190 - 150
    body = ""
    for n, bar in enumerate(shown):
        y = 4 + n * STEP
        length = max(room * bar.value / top, 1.5 if bar.value else 0)
        colour = palette.measured if bar.state is None else palette.mark(bar.state)
        body += text(0, y + 10.5, _cut(bar.label), size=9.6, fill=palette.text)
        body += tag("rect", x=left, y=y + 2, width=round(length, 1), height=10, fill=colour)
        at = left + length + 7
        if bar.state is not None:
            body += shape(bar.state, at + 4, y + 7, 4, palette)
            at += 13
        body += text(at, y + 10.5, bar.words, size=9.6, fill=palette.text, weight=600)
    body += tag("path", d=f"M{left} 2V{4 + len(shown) * STEP}", stroke=palette.quiet, stroke_width=0.8)
    return svg(width, 8 + len(shown) * STEP, body)


def _cut(label: str) -> str:
    return label if len(label) <= 36 else label[:35] + "…"
