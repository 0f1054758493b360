"""Small drawings that are not charts: the seal of the cover, the path of phases, a bullet for one
criterion.
"""

import textwrap
from collections.abc import Sequence
from html import escape

from reports.charts.palette import FONT, PRINT, WIDTH, Palette
from reports.documents.iterations import Iteration
from reports.documents.measures import Bound
from reports.documents.process import PhaseDefinition
from reports.documents.states import State

MOST_ITERATIONS = 6
MOST_PHASES = 8


def tag(name: str, inner: str = "", /, **attributes: object) -> str:
    """One SVG element. Underscores in attribute names become hyphens; numbers get two decimals at most."""
    parts = []
    for key, value in attributes.items():
        said = f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
        parts.append(f' {key.replace("_", "-")}="{escape(said)}"')
    return f"<{name}{''.join(parts)}>{inner}</{name}>"


def svg(width: float, height: float, body: str) -> str:
    """A standalone drawing in CSS pixels."""
    return tag(
        "svg",
        body,
        xmlns="http://www.w3.org/2000/svg",
        width=width,
        height=height,
        viewBox=f"0 0 {width} {height}",
        font_family=FONT,
    )


def text(
    x: float,
    y: float,
    words: str,
    *,
    size: float = 10,
    fill: str,
    anchor: str = "start",
    weight: int = 400,
) -> str:
    """One line of text, escaped."""
    look = {"font_size": size, "fill": fill, "text_anchor": anchor, "font_weight": weight}
    return tag("text", escape(words), x=x, y=y, **look)


def shape(state: State, x: float, y: float, r: float, palette: Palette) -> str:
    """The mark of a state: circle, square, triangle, diamond, ring."""
    colour = palette.mark(state)
    if state is State.BAD:
        side = r * 1.72
        return tag("rect", x=x - side / 2, y=y - side / 2, width=side, height=side, fill=colour)
    if state is State.WARN:
        half = r * 1.15
        return tag("path", d=f"M{x:.2f} {y - r:.2f}l{half:.2f} {2 * r:.2f}h{-2 * half:.2f}Z", fill=colour)
    if state is State.WAIVED:
        d = f"{r * 1.15:.2f}"
        return tag("path", d=f"M{x:.2f} {y - float(d):.2f}l{d} {d}l-{d} {d}l-{d} -{d}Z", fill=colour)
    if state is State.IDLE:
        ring = {"fill": palette.ground, "stroke": colour, "stroke_width": 1.3}
        return tag("circle", cx=x, cy=y, r=r * 0.88, **ring)
    return tag("circle", cx=x, cy=y, r=r, fill=colour)


SIGNS = {
    State.OK: "M40 61l14 15l27-31",
    State.BAD: "M43 43l34 34M77 43l-34 34",
    State.WARN: "M60 36v30M60 80v2",
    State.WAIVED: "M36 62q12-16 24 0t24 0",
    State.IDLE: "M42 60h36",
}


def seal(state: State, *, palette: Palette = PRINT) -> str:
    """The state at a glance, for the cover."""
    colour = palette.mark(state)
    ring = tag("circle", cx=60, cy=60, r=56, fill="none", stroke=colour, stroke_width=2.5)
    ticks = "".join(
        tag("path", d="M60 7v6", stroke=colour, stroke_width=1.6, transform=f"rotate({angle} 60 60)")
        for angle in range(0, 360, 10)
    )
    disc = tag("circle", cx=60, cy=60, r=42, fill=colour)
    pen = {"stroke_width": 8, "stroke_linecap": "round", "stroke_linejoin": "round"}
    sign = tag("path", d=SIGNS[state], fill="none", stroke=palette.ground, **pen)
    return svg(120, 120, ring + ticks + disc + sign)


def bullet(*, value: float | None, limit: float, bound: Bound, state: State, palette: Palette = PRINT) -> str:
    """Observed against limit on their own scale from zero. Grey band: where the criterion is met."""
    top = max(abs(limit), abs(value or 0.0)) * 1.25 or 1.0
    low = -top if min(limit, value or 0.0) < 0 else 0.0

    def px(number: float) -> float:
        return 150 * (number - low) / (top - low)

    left, right = (px(limit), 150.0) if bound is Bound.AT_LEAST else (0.0, px(limit))
    body = tag("path", d="M0 7H150", stroke=palette.line)
    body += tag("rect", x=left, y=1, width=right - left, height=12, fill=palette.grid)
    if value is not None:
        colour = palette.measured if state is State.OK else palette.mark(state)
        start, end = sorted((px(0), px(value)))
        body += tag("rect", x=start, y=4.5, width=end - start, height=5, fill=colour)
    return svg(150, 14, body + tag("path", d=f"M{px(limit):.1f} 0V14", stroke=palette.limit, stroke_width=2))


def phase_path(
    phases: Sequence[PhaseDefinition], iterations: Sequence[Iteration], *, palette: Palette = PRINT
) -> str:
    """The phases as a path, and under it each iteration's way along it with the state of each phase."""
    shown = list(phases)[:MOST_PHASES]
    step = (WIDTH - 10) / len(shown)
    body = "".join(_arrow(n, phase, step, palette) for n, phase in enumerate(shown))
    latest = list(iterations)[-MOST_ITERATIONS:]
    for row, iteration in enumerate(latest):
        body += _way(iteration, 96 + 42 * row, shown, step, palette)
    return svg(WIDTH, 70 + 42 * len(latest), body)


def _arrow(n: int, phase: PhaseDefinition, step: float, palette: Palette) -> str:
    x, w = 2 + n * step, step - 3
    fill = palette.beyond if n % 2 else palette.grid
    d = f"M{x:.1f} 4h{w - 10:.1f}l10 26l-10 26h{10 - w:.1f}l10-26Z"
    body = tag("path", d=d, fill=fill)
    body += text(x + 15, 16, str(phase.number), size=9, fill=palette.quiet, weight=600)
    for i, line in enumerate(
        textwrap.wrap(phase.name, max(8, int((step - 24) / 4.9)), max_lines=3, placeholder="…")
    ):
        body += text(x + 15, 27 + 10.5 * i, line, size=9.2, fill=palette.text, weight=600)
    return body


def _way(
    iteration: Iteration, y: float, phases: Sequence[PhaseDefinition], step: float, palette: Palette
) -> str:
    places = {phase.number: n for n, phase in enumerate(phases)}
    begun = [p for p in iteration.phases if p.number in places and p.opened_at is not None]
    end = 2 + step * (max((places[p.number] for p in begun), default=-1) + 1)
    start = 2 + step * min((places[p.number] for p in begun), default=0)
    body = text(2, y - 10, f"{iteration.number}", size=10, fill=palette.text, weight=600)
    if begun:
        line = {"stroke": palette.measured, "stroke_width": 2, "fill": "none"}
        body += tag("path", d=f"M{start:.1f} {y}H{end - 14:.1f}", **line)
    for phase in iteration.phases:
        if phase.number not in places:
            continue
        x = 2 + step * (places[phase.number] + 1) - 14
        body += shape(phase.mark.state, x, y, 6.2, palette)
        if phase.closed_at:
            body += text(
                x + 6, y + 17, f"{phase.closed_at:%d.%m.%Y}", size=8.6, fill=palette.quiet, anchor="end"
            )
    return body
