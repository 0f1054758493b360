"""Bars: drift of each feature against its limit, and days in a phase against what is usual."""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from django.utils.translation import gettext as _

from lifecycle.figures.shapes import Scale, disc, num, octagon, triangle


@dataclass(frozen=True)
class PsiBar:
    """One feature's population stability index."""

    name: str
    value: float | None
    note: str = ""


@dataclass(frozen=True)
class PsiBars:
    """Features by their drift, the largest first, with the limit as one line through all."""

    bars: tuple[PsiBar, ...]
    limit: float = 0.2
    near: float = 0.1

    template: ClassVar[str] = "components/figures/psi.svg"
    hatched: ClassVar[bool] = True
    WIDTH: ClassVar[float] = 640
    LEFT: ClassVar[float] = 196
    RIGHT: ClassVar[float] = 560
    ROW: ClassVar[float] = 26
    TOP: ClassVar[float] = 26

    @property
    def label(self) -> str:
        over = [bar for bar in self.bars if bar.value is not None and bar.value > self.limit]
        if not over:
            return _("None of %(all)s features is over the limit of %(limit)s") % {
                "all": len(self.bars),
                "limit": f"{self.limit:g}",
            }
        names = ", ".join(f"{bar.name} {bar.value:.2f}" for bar in over)
        return _("%(n)s of %(all)s features are over the limit of %(limit)s: %(names)s") % {
            "n": len(over),
            "all": len(self.bars),
            "limit": f"{self.limit:g}",
            "names": names,
        }

    @property
    def height(self) -> str:
        return num(self.TOP + self.ROW * len(self.bars) + 8)

    @cached_property
    def scale(self) -> Scale:
        largest = max((bar.value for bar in self.bars if bar.value is not None), default=0.0)
        return Scale(0, max(self.limit * 1.6, largest * 1.08), self.LEFT, self.RIGHT)

    @property
    def limit_x(self) -> str:
        return num(self.scale(self.limit))

    @property
    def limit_path(self) -> str:
        return f"M{self.limit_x} {num(self.TOP - 6)}V{num(self.TOP + self.ROW * len(self.bars))}"

    @property
    def limit_text(self) -> str:
        return _("limit %s") % f"{self.limit:g}"

    @property
    def axis_end(self) -> str:
        return num(self.TOP + self.ROW * len(self.bars))

    @property
    def hatch_width(self) -> str:
        return num(self.RIGHT - self.scale(self.limit))

    @property
    def hatch_height(self) -> str:
        return num(self.ROW * len(self.bars))

    @property
    def rows(self) -> list[dict[str, str]]:
        """Name, bar, marker and number of each feature, sorted by drift."""
        ordered = sorted(self.bars, key=lambda bar: -1.0 if bar.value is None else bar.value, reverse=True)
        return [self._row(bar, self.TOP + self.ROW * place) for place, bar in enumerate(ordered)]

    def _row(self, bar: PsiBar, y: float) -> dict[str, str]:
        middle = y + self.ROW / 2
        row = {"name": _short(bar.name, 31), "full": bar.name, "note": bar.note, "y": num(middle + 4)}
        if bar.value is None:
            return row | {"text": _("not measured"), "css": "t-faint"}
        x = self.scale.clamped(bar.value)
        bad, near = bar.value > self.limit, bar.value > self.limit * (1 - self.near)
        shape, css, word = (
            (octagon, "bad", "t-bad")
            if bad
            else (triangle, "warn", "t-warn")
            if near
            else (disc, "now", "t-strong")
        )
        return row | {
            "bar_y": num(middle - 2.5),
            "bar_width": num(x - self.LEFT),
            "bar_css": "bad" if bad else "now",
            "marker": shape(x, middle, 7 if shape is triangle else 5),
            "marker_css": css,
            "text": f"{bar.value:.2f}",
            "css": word,
        }


@dataclass(frozen=True)
class AgeBar:
    """Days in a phase; a full bar is the usual time, what is over it stands apart."""

    days: float
    usual: float

    template: ClassVar[str] = "components/figures/age.svg"

    @property
    def label(self) -> str:
        return _("%(days)s days in the phase, usual are %(usual)s") % {
            "days": f"{self.days:g}",
            "usual": f"{self.usual:g}",
        }

    @property
    def inside(self) -> str:
        return num(100 * min(self.days, self.usual) / max(self.days, self.usual, 1e-9))

    @property
    def over(self) -> str:
        """Width of what is over the usual time; empty when nothing is."""
        return num(100 * (self.days - self.usual) / self.days) if self.days > self.usual else ""


def _short(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
