"""Small drawings that are not charts: the seal of the cover, the path of phases, a bullet for one criterion."""

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


def svg(width: float, height: float, body: str) -> str:
    """A standalone drawing in CSS pixels."""
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    return f'{head} font-family="{FONT}">{body}</svg>'


def text(x: float, y: float, words: str, *, size: float = 10, fill: str, anchor: str = "start", weight: int = 400) -> str:
    """One line of text, escaped."""
    look = f'font-size="{size}" fill="{fill}" text-anchor="{anchor}" font-weight="{weight}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" {look}>{escape(words)}</text>'


def shape(state: State, x: float, y: float, r: float, palette: Palette) -> str:
    """The mark of a state: circle, square, triangle, diamond, ring."""
    colour = palette.mark(state)
    if state is State.BAD:
        return f'<rect x="{x - r * 0.86:.2f}" y="{y - r * 0.86:.2f}" width="{r * 1.72:.2f}" height="{r * 1.72:.2f}" fill="{colour}"/>'
    if state is State.WARN:
        return f'<path d="M{x:.2f} {y - r * 1.1:.2f}l{r * 1.15:.2f} {r * 2:.2f}h{-r * 2.3:.2f}Z" fill="{colour}"/>'
    if state is State.WAIVED:
        d = r * 1.15
        return f'<path d="M{x:.2f} {y - d:.2f}l{d:.2f} {d:.2f}l{-d:.2f} {d:.2f}l{-d:.2f} {-d:.2f}Z" fill="{colour}"/>'
    if state is State.IDLE:
        return f'<circle cx="{x:.2f}" cy="{y:.2f}" r="{r * 0.88:.2f}" fill="{palette.ground}" stroke="{colour}" stroke-width="1.3"/>'
    return f'<circle cx="{x:.2f}" cy="{y:.2f}" r="{r:.2f}" fill="{colour}"/>'


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
    ticks = "".join(f'<path d="M60 7v6" stroke="{colour}" stroke-width="1.6" transform="rotate({a} 60 60)"/>' for a in range(0, 360, 10))
    sign = f'<path d="{SIGNS[state]}" fill="none" stroke="{palette.ground}" stroke-width="8" stroke-linecap="round" stroke-linejoin="round"/>'
    disc = f'<circle cx="60" cy="60" r="42" fill="{colour}"/>'
    return svg(120, 120, f'<circle cx="60" cy="60" r="56" fill="none" stroke="{colour}" stroke-width="2.5"/>{ticks}{disc}{sign}')


def bullet(*, value: float | None, limit: float, bound: Bound, state: State, palette: Palette = PRINT) -> str:
    """Observed against limit on their own scale from zero. Grey band: where the criterion is met."""
    top = max(abs(limit), abs(value or 0.0)) * 1.25 or 1.0
    low = -top if min(limit, value or 0.0) < 0 else 0.0

    def px(number: float) -> float:
        return 150 * (number - low) / (top - low)

    band = (px(limit), 150.0) if bound is Bound.AT_LEAST else (0.0, px(limit))
    body = f'<path d="M0 7H150" stroke="{palette.line}"/>'
    body += f'<rect x="{band[0]:.1f}" y="1" width="{band[1] - band[0]:.1f}" height="12" fill="{palette.grid}"/>'
    if value is not None:
        colour = palette.measured if state is State.OK else palette.mark(state)
        left, right = sorted((px(0), px(value)))
        body += f'<rect x="{left:.1f}" y="4.5" width="{right - left:.1f}" height="5" fill="{colour}"/>'
    return svg(150, 14, body + f'<path d="M{px(limit):.1f} 0V14" stroke="{palette.limit}" stroke-width="2"/>')


def phase_path(phases: Sequence[PhaseDefinition], iterations: Sequence[Iteration], *, palette: Palette = PRINT) -> str:
    """The phases as a path, and under it each iteration's way along it with the state of each phase."""
    shown = list(phases)[:MOST_PHASES]
    step = (WIDTH - 10) / len(shown)
    body = "".join(_arrow(n, phase, step, palette) for n, phase in enumerate(shown))
    latest = list(iterations)[-MOST_ITERATIONS:]
    for row, iteration in enumerate(latest):
        body += _way(iteration, 92 + 42 * row, shown, step, palette)
    return svg(WIDTH, 66 + 42 * len(latest), body)


def _arrow(n: int, phase: PhaseDefinition, step: float, palette: Palette) -> str:
    x, w = 2 + n * step, step - 3
    fill = palette.beyond if n % 2 else palette.grid
    body = f'<path d="M{x:.1f} 4h{w - 10:.1f}l10 24l-10 24h{10 - w:.1f}l10-24Z" fill="{fill}"/>'
    body += text(x + 15, 16, str(phase.number), size=9, fill=palette.quiet, weight=600)
    for i, line in enumerate(textwrap.wrap(phase.name, max(8, int((step - 24) / 4.9)), max_lines=2, placeholder="…")):
        body += text(x + 15, 28 + 11 * i, line, size=9.4, fill=palette.text, weight=600)
    return body


def _way(iteration: Iteration, y: float, phases: Sequence[PhaseDefinition], step: float, palette: Palette) -> str:
    places = {phase.number: n for n, phase in enumerate(phases)}
    begun = [p for p in iteration.phases if p.number in places and p.opened_at is not None]
    end = 2 + step * (max((places[p.number] for p in begun), default=-1) + 1)
    start = 2 + step * min((places[p.number] for p in begun), default=0)
    body = text(2, y - 10, f"{iteration.number}", size=10, fill=palette.text, weight=600)
    if begun:
        body += f'<path d="M{start:.1f} {y}H{end - 14:.1f}" stroke="{palette.measured}" stroke-width="2" fill="none"/>'
    for phase in iteration.phases:
        if phase.number not in places:
            continue
        x = 2 + step * (places[phase.number] + 1) - 14
        body += shape(phase.mark.state, x, y, 6.2, palette)
        if phase.closed_at:
            body += text(x + 6, y + 17, f"{phase.closed_at:%d.%m.%Y}", size=8.6, fill=palette.quiet, anchor="end")
    return body
