"""Where an iteration stands: its phases and gates as a ring, and the same as a strip for a table row."""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from django.utils.translation import gettext as _

from lifecycle.figures.shapes import band, diamond, num, polar, tick, wave

HALF_TURN = 180
COVERS_CODE = 0.62  # from this share on the code stands on the fill
ONE_LINE = 14  # characters beside the ring
GATE_CLASSES = {
    "passed": "gate-pass",
    "conditional": "gate-cond",
    "open": "gate-now",
    "refused": "gate-bad",
    "todo": "gate-todo",
}
PHASE_CLASSES = {"done": "ph-done", "now": "ph-now", "redo": "ph-redo", "part": "ph-part", "todo": "ph-todo"}


@dataclass(frozen=True)
class RingPhase:
    """One phase. `state`: done, now, redo (reopened), part (begun ahead of its turn) or todo.

    `gate_state`: passed, conditional, open, refused or todo; an empty `gate` draws none.
    `lines` is the name as it is set beside the ring, a line each; from `name` when empty.
    """

    code: str
    name: str
    done: int = 0
    total: int = 0
    state: str = "todo"
    gate: str = ""
    gate_state: str = "todo"
    lines: tuple[str, ...] = ()
    url: str = ""

    @property
    def share(self) -> float:
        """How much of the phase is verified, 0 to 1; a phase that is done is full."""
        if self.state == "done":
            return 1.0
        return self.done / self.total if self.total else 0.0


@dataclass(frozen=True)
class RingLoop:
    """One way back, from one phase's code to an earlier one's (an arrow inside the ring, numbered)."""

    source: str
    target: str


@dataclass(frozen=True)
class DrawnPhase:
    """A phase with its paths."""

    phase: RingPhase
    track: str
    fill: str
    css: str
    code_x: str
    code_y: str
    on_dark: bool
    anchor: str
    texts: tuple[tuple[str, str, str, str], ...]
    gate_path: str
    gate_css: str
    gate_tick: str
    gate_x: str
    gate_y: str


@dataclass(frozen=True)
class DrawnLoop:
    """A way back with its paths."""

    number: int
    path: str
    head: str
    x: str
    y: str
    text_y: str


@dataclass(frozen=True)
class PhaseRing:
    """The ring of one iteration. `top`, `big`, `sub` are the three lines in its middle."""

    phases: tuple[RingPhase, ...]
    top: str = ""
    big: str = ""
    sub: str = ""
    loops: tuple[RingLoop, ...] = ()

    template: ClassVar[str] = "components/figures/ring.svg"
    CX: ClassVar[float] = 261
    CY: ClassVar[float] = 205
    OUTER: ClassVar[float] = 152
    INNER: ClassVar[float] = 110
    GAP: ClassVar[float] = 3.2

    @property
    def label(self) -> str:
        parts = []
        for phase in self.phases:
            part = _("%(code)s %(name)s: %(done)s of %(total)s tasks") % {
                "code": phase.code,
                "name": phase.name,
                "done": phase.done,
                "total": phase.total,
            }
            if phase.gate:
                part += _(", gate %(gate)s %(state)s") % {
                    "gate": phase.gate,
                    "state": _gate_word(phase.gate_state),
                }
            parts.append(part)
        parts += [_("back from %(a)s to %(b)s") % {"a": loop.source, "b": loop.target} for loop in self.loops]
        return f"{self.top} {self.big}. ".lstrip() + ". ".join(parts) + "."

    @cached_property
    def drawn(self) -> tuple[DrawnPhase, ...]:
        """The phases clockwise from the top."""
        step = 360 / max(len(self.phases), 1)
        return tuple(self._phase(phase, index * step, step) for index, phase in enumerate(self.phases))

    def _phase(self, phase: RingPhase, start: float, step: float) -> DrawnPhase:
        begin, end, middle = start + self.GAP, start + step - self.GAP, start + step / 2
        share = min(max(phase.share, 0.0), 1.0)
        code_x, code_y = polar(self.CX, self.CY, (self.OUTER + self.INNER) / 2, middle)
        gate_x, gate_y = polar(self.CX, self.CY, (self.OUTER + self.INNER) / 2, start + step)
        css = PHASE_CLASSES[phase.state if phase.state != "todo" or not share else "part"]
        anchor, texts = self._texts(phase, middle)
        signs = {"passed": tick, "conditional": wave}
        return DrawnPhase(
            phase=phase,
            track=self._piece(begin, end),
            fill=self._piece(begin, begin + (end - begin) * share) if share else "",
            css=css,
            code_x=num(code_x),
            code_y=num(code_y + 5),
            on_dark=share >= COVERS_CODE and css in ("ph-done", "ph-now"),
            anchor=anchor,
            texts=texts,
            gate_path=diamond(gate_x, gate_y, 17) if phase.gate else "",
            gate_css=GATE_CLASSES[phase.gate_state],
            gate_tick=signs[phase.gate_state](gate_x, gate_y) if phase.gate_state in signs else "",
            gate_x=num(gate_x),
            gate_y=num(gate_y + 4.5),
        )

    def _piece(self, start: float, end: float) -> str:
        return band(self.CX, self.CY, self.OUTER, self.INNER, start=start, end=end)

    def _texts(self, phase: RingPhase, middle: float) -> tuple[str, tuple[tuple[str, str, str, str], ...]]:
        """(anchor, lines as x, y, class, text) beside the ring, away from its middle."""
        x, y = polar(self.CX, self.CY, self.OUTER + 20, middle)
        anchor = "start" if x > self.CX + 1 else "end"
        lines = list(phase.lines or _two_lines(phase.name))
        count = _("%(done)s of %(total)s tasks") % {"done": phase.done, "total": phase.total}
        height = 17 * len(lines)
        offset = -height if y < self.CY - 60 else 8 if y > self.CY + 60 else 6 - height / 2
        rows = [(num(x), num(y + offset + 17 * i), "ring-name", line) for i, line in enumerate(lines)]
        return anchor, (*rows, (num(x), num(y + offset + height), "ring-sub", count))

    @cached_property
    def drawn_loops(self) -> tuple[DrawnLoop, ...]:
        """The ways back, each a dashed arc against the clock with an arrow head and its number."""
        index = {phase.code: place for place, phase in enumerate(self.phases)}
        return tuple(
            self._loop(number, index[loop.source], index[loop.target])
            for number, loop in enumerate(self.loops, 1)
            if loop.source in index and loop.target in index
        )

    def _loop(self, number: int, source: int, target: int) -> DrawnLoop:
        step = 360 / len(self.phases)
        radius = 92.0 - 13.0 * ((number - 1) % 3)
        start, end = (source + 0.42) * step, (target + 0.58) * step
        if end >= start:
            end -= 360
        large = 1 if start - end > HALF_TURN else 0
        (ax, ay), (bx, by) = polar(self.CX, self.CY, radius, start), polar(self.CX, self.CY, radius, end)
        (hx, hy) = polar(self.CX, self.CY, radius, end - 8)
        (ix, iy), (ox, oy) = (
            polar(self.CX, self.CY, radius - 5.5, end),
            polar(self.CX, self.CY, radius + 5.5, end),
        )
        nx, ny = polar(self.CX, self.CY, radius, (start + end) / 2)
        return DrawnLoop(
            number=number,
            path=f"M{num(ax)} {num(ay)}A{num(radius)} {num(radius)} 0 {large} 0 {num(bx)} {num(by)}",
            head=f"M{num(hx)} {num(hy)}L{num(ix)} {num(iy)}L{num(ox)} {num(oy)}z",
            x=num(nx),
            y=num(ny),
            text_y=num(ny + 4),
        )


@dataclass(frozen=True)
class PhaseStrip:
    """The phases in one line of a table: done, the one in work, what is to come, and the gates."""

    phases: tuple[RingPhase, ...]

    template: ClassVar[str] = "components/figures/strip.svg"

    @property
    def label(self) -> str:
        for number, phase in enumerate(self.phases, 1):
            if phase.state in ("now", "redo"):
                return _("In phase %(n)s of %(all)s, %(name)s") % {
                    "n": number,
                    "all": len(self.phases),
                    "name": phase.name,
                }
        done = sum(phase.state == "done" for phase in self.phases)
        return _("%(n)s of %(all)s phases done") % {"n": done, "all": len(self.phases)}

    @cached_property
    def cells(self) -> tuple[dict[str, str], ...]:
        """Box, gate and number of each phase."""
        cells = []
        for number, phase in enumerate(self.phases):
            x, here = 1 + 28 * number, phase.state in ("now", "redo")
            cells.append(
                {
                    "x": num(x),
                    "y": "3" if here else "6",
                    "height": "16" if here else "10",
                    "css": PHASE_CLASSES[phase.state],
                    "gate": diamond(x + 23.5, 11, 3.5),
                    "gate_css": GATE_CLASSES[phase.gate_state],
                    "text_x": num(x + 10),
                    "text": str(number + 1) if here else "",
                }
            )
        return tuple(cells)


def _gate_word(state: str) -> str:
    words = {
        "passed": _("passed"),
        "conditional": _("passed with conditions"),
        "open": _("open"),
        "refused": _("refused"),
        "todo": _("not open"),
    }
    return words[state]


def _two_lines(name: str) -> list[str]:
    """A long name broken near its middle."""
    words = name.split()
    if len(name) <= ONE_LINE or len(words) == 1:
        return [name]
    cut = min(range(1, len(words)), key=lambda i: abs(len(" ".join(words[:i])) - len(" ".join(words[i:]))))
    return [" ".join(words[:cut]), " ".join(words[cut:])]
