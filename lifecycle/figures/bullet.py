"""A value against its limit: hatch is forbidden ground, the thick tick the limit, the disc this version."""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from django.utils.translation import gettext as _

from lifecycle.figures.shapes import Scale, disc, num, octagon


@dataclass(frozen=True)
class Bullet:
    """`operator` is one of >=, >, <=, <: on which side of the limit the value must be. All numbers in `unit`.

    `before` is the last approved version's value; `low` and `high` bound the observed one's 95 % interval.
    The axis does not begin at zero; what counts is the bar between the limit and the value, the margin.
    """

    limit: float
    operator: str = ">="
    observed: float | None = None
    before: float | None = None
    low: float | None = None
    high: float | None = None
    unit: str = ""
    digits: int = 3

    template: ClassVar[str] = "components/figures/bullet.svg"
    hatched: ClassVar[bool] = True
    LEFT: ClassVar[float] = 2
    RIGHT: ClassVar[float] = 206

    @property
    def at_least(self) -> bool:
        return self.operator in (">=", ">")

    @property
    def sign(self) -> str:
        """The operator as people write it."""
        return {">=": "≥", ">": ">", "<=": "≤", "<": "<"}[self.operator]

    @property
    def met(self) -> bool | None:
        """Whether the value keeps the limit; None when there is no value."""
        if self.observed is None:
            return None
        return {
            ">=": self.observed >= self.limit,
            ">": self.observed > self.limit,
            "<=": self.observed <= self.limit,
            "<": self.observed < self.limit,
        }[self.operator]

    @property
    def label(self) -> str:
        words = {">=": _("at least"), ">": _("more than"), "<=": _("at most"), "<": _("less than")}
        seen = self.text(self.observed) if self.observed is not None else _("nothing")
        verdict = {True: _("met"), False: _("not met"), None: _("not measured")}[self.met]
        text = _("Observed %(seen)s, limit %(word)s %(limit)s: %(verdict)s") % {
            "seen": seen,
            "word": words[self.operator],
            "limit": self.text(self.limit),
            "verdict": verdict,
        }
        if self.before is not None:
            text += _(", before %s") % self.text(self.before)
        return text

    def text(self, value: float) -> str:
        """A value with its unit."""
        return f"{value:.{self.digits}f} {self.unit}".strip()

    @cached_property
    def scale(self) -> Scale:
        """Wide enough for everything drawn, with air at both ends and the limit never at the edge."""
        values = [v for v in (self.limit, self.observed, self.before, self.low, self.high) if v is not None]
        span = max(max(values) - min(values), abs(self.limit) * 0.08, 1e-9)
        return Scale(min(values) - span * 0.35, max(values) + span * 0.35, self.LEFT, self.RIGHT)

    @property
    def limit_x(self) -> str:
        return num(self.scale(self.limit))

    @property
    def limit_path(self) -> str:
        return f"M{self.limit_x} 2v20"

    @property
    def hatch(self) -> tuple[str, str]:
        """(x, width) of the ground that is not allowed."""
        edge = self.scale(self.limit)
        return (
            (num(self.LEFT), num(edge - self.LEFT)) if self.at_least else (num(edge), num(self.RIGHT - edge))
        )

    @property
    def margin(self) -> tuple[str, str] | None:
        """(x, width) of the bar between limit and value."""
        if self.observed is None:
            return None
        a, b = sorted((self.scale(self.limit), self.scale(self.observed)))
        return num(a), num(b - a)

    @property
    def marker(self) -> str:
        """The value's shape: a disc when met, an octagon when not."""
        if self.observed is None:
            return ""
        x = self.scale(self.observed)
        return disc(x, 12, 4.5) if self.met else octagon(x, 12, 5)

    @property
    def interval(self) -> str:
        """The bracket of the 95 % interval above the track."""
        if self.low is None or self.high is None:
            return ""
        a, b = num(self.scale(self.low)), num(self.scale(self.high))
        return f"M{a} 4v3M{a} 4.5H{b}M{b} 4v3"

    @property
    def before_path(self) -> str:
        return disc(self.scale(self.before), 12, 3.5) if self.before is not None else ""
