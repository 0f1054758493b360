"""A few weeks of one number, small enough for a table row."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from django.utils.translation import gettext as _

from lifecycle.figures.shapes import Scale, disc, num, octagon, points, triangle

WIDTH, HEIGHT, PAD = 104.0, 24.0, 3.0


@dataclass(frozen=True)
class Sparkline:
    """Values in order of time (None where nothing was measured), with a limit. `worse`: above or below it."""

    values: Sequence[float | None]
    limit: float | None = None
    worse: str = "above"
    name: str = ""
    digits: int = 2
    near: float = 0.1

    template: ClassVar[str] = "components/figures/spark.svg"

    @property
    def last(self) -> float | None:
        known = [value for value in self.values if value is not None]
        return known[-1] if known else None

    @property
    def state(self) -> str:
        """Beyond the limit bad, warn within a tenth (`near`) of it, else ok."""
        if self.last is None or self.limit is None:
            return "ok"
        beyond = (self.last - self.limit) if self.worse == "above" else (self.limit - self.last)
        if beyond > 0:
            return "bad"
        return "warn" if beyond > -abs(self.limit) * self.near else "ok"

    @property
    def label(self) -> str:
        if self.last is None:
            return _("%s: nothing measured") % self.name if self.name else _("Nothing measured")
        last = f"{self.last:.{self.digits}f}"
        text = f"{self.name}: {last}" if self.name else _("Last value %s") % last
        return text + (_(", limit %s") % f"{self.limit:.{self.digits}f}" if self.limit is not None else "")

    @cached_property
    def _scales(self) -> tuple[Scale, Scale]:
        known = [value for value in self.values if value is not None]
        known += [self.limit] if self.limit is not None else []
        low, high = (min(known), max(known)) if known else (0.0, 1.0)
        return (
            Scale(0, max(len(self.values) - 1, 1), PAD, WIDTH - 9),
            Scale(low, high, HEIGHT - 4, 4),
        )

    @property
    def limit_path(self) -> str:
        return f"M0 {num(self._scales[1](self.limit))}H{num(WIDTH)}" if self.limit is not None else ""

    @property
    def lines(self) -> list[str]:
        """One polyline for each unbroken stretch."""
        x, y = self._scales
        stretches: list[list[tuple[float, float]]] = [[]]
        for index, value in enumerate(self.values):
            if value is None:
                stretches.append([])
            else:
                stretches[-1].append((x(index), y(value)))
        return [points(stretch) for stretch in stretches if len(stretch) > 1]

    @property
    def marker(self) -> str:
        """The last value, by its state: disc, triangle or octagon."""
        if self.last is None:
            return ""
        x, y = self._scales
        place = max(index for index, value in enumerate(self.values) if value is not None)
        shape = {"ok": disc, "warn": triangle, "bad": octagon}[self.state]
        return shape(x(place), y(self.last), 3 if self.state == "ok" else 4.2)

    @property
    def marker_css(self) -> str:
        return {"ok": "now", "warn": "warn", "bad": "bad"}[self.state]
