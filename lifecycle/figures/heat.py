"""Drift of every feature in every window at a glance: a row a feature, a column a window."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from django.utils.translation import gettext as _

from lifecycle.figures.shapes import num

NAME, ROW, TOP, WIDTH = 176.0, 28.0, 8.0, 1196.0
_WIDEST, _NARROWEST = 88.0, 40.0


@dataclass(frozen=True)
class HeatCell:
    """A value, or in a word why there is none."""

    value: float | None
    note: str = ""


@dataclass(frozen=True)
class HeatRow:
    """A feature over the windows."""

    name: str
    cells: tuple[HeatCell, ...]


@dataclass(frozen=True)
class HeatMap:
    """`windows` are the texts below the columns. From `near` on a cell is tinted, from `limit` on it is bad.

    Each cell has its number, so that colour is never alone; what was not scored is hatched.
    """

    title: str
    windows: Sequence[str]
    rows: tuple[HeatRow, ...]
    near: float
    limit: float

    template: ClassVar[str] = "components/figures/heat.svg"
    hatched: ClassVar[bool] = True

    @property
    def label(self) -> str:
        over = sum(self._state(cell) == "bad" for row in self.rows for cell in row.cells)
        words = _(
            "%(title)s: %(features)d features in %(windows)d windows, %(over)d times at the limit or over"
        )
        return words % {
            "title": self.title, "features": len(self.rows), "windows": len(self.windows), "over": over,
        }  # fmt: skip

    @property
    def _cell(self) -> float:
        return max(_NARROWEST, min(_WIDEST, (WIDTH - NAME) / max(len(self.windows), 1)))

    @property
    def width(self) -> str:
        return num(NAME + self._cell * len(self.windows))

    @property
    def height(self) -> str:
        return num(TOP + ROW * len(self.rows) + 24)

    def _state(self, cell: HeatCell) -> str:
        if cell.value is None:
            return "none"
        return "bad" if cell.value >= self.limit else "warn" if cell.value >= self.near else "ok"

    @property
    def lines(self) -> list[dict[str, object]]:
        """Each feature with its cells."""
        return [
            {"name": _short(row.name), "full": row.name, "y": num(TOP + ROW * place + ROW / 2 + 4),
             "cells": [self._drawn(row.name, cell, column, place) for column, cell in enumerate(row.cells)]}
            for place, row in enumerate(self.rows)
        ]  # fmt: skip

    def _drawn(self, name: str, cell: HeatCell, column: int, place: int) -> dict[str, str]:
        x, y = NAME + self._cell * column, TOP + ROW * place
        said = cell.note or _("not scored") if cell.value is None else f"{cell.value:.3g}"
        return {
            "x": num(x + 1), "y": num(y + 1), "width": num(self._cell - 2), "height": num(ROW - 2),
            "middle": num(x + self._cell / 2), "base": num(y + ROW / 2 + 4), "state": self._state(cell),
            "text": "" if cell.value is None else f"{cell.value:.2f}",
            "said": f"{name}, {self.windows[column]}: {said}",
        }  # fmt: skip

    @property
    def below(self) -> list[tuple[str, str]]:
        """(x, text) below the columns, as many as have room."""
        every = max(1, round(78 / self._cell + 0.49))
        return [
            (num(NAME + self._cell * (column + 0.5)), text)
            for column, text in enumerate(self.windows)
            if column % every == 0
        ]

    @property
    def foot(self) -> str:
        return num(TOP + ROW * len(self.rows) + 17)


def _short(text: str, most: int = 24) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
