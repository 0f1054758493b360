"""What came of what: records as boxes in layers from left to right, joined by arrows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import ClassVar

from lifecycle.figures.shapes import num

_SWEEPS = 6
_LETTERS = 23


@dataclass(frozen=True)
class LineageNode:
    """One record. `kind` is a word for people, `state` one of ok, bad, warn, now, idle."""

    key: str
    kind: str
    title: str
    sub: str
    url: str
    state: str = "idle"
    focus: bool = False

    @property
    def words(self) -> str:
        """Everything about it in one line."""
        return f"{self.kind}: {self.title}" + (f", {self.sub}" if self.sub else "")


@dataclass(frozen=True)
class LineageGraph:
    """Records and what came of what: (earlier, later) by key. Has no circles. `says` is the finding."""

    nodes: tuple[LineageNode, ...]
    edges: tuple[tuple[str, str], ...]
    says: str = ""

    template: ClassVar[str] = "components/figures/lineage.svg"
    BOX: ClassVar[tuple[float, float]] = (184, 58)
    GAP: ClassVar[tuple[float, float]] = (58, 16)
    BEND: ClassVar[float] = 14

    @property
    def label(self) -> str:
        return self.says

    @cached_property
    def layers(self) -> Mapping[str, int]:
        """How far right each record stands: one further than the furthest that it came of."""
        into: dict[str, list[str]] = defaultdict(list)
        for source, target in self.edges:
            into[target].append(source)
        found: dict[str, int] = {}

        def depth(start: str) -> None:
            waiting = [start]
            while waiting:
                key = waiting[-1]
                missing = [each for each in into[key] if each not in found]
                if missing:
                    waiting += missing
                    continue
                waiting.pop()
                found[key] = max((found[each] + 1 for each in into[key]), default=0)

        for node in self.nodes:
            depth(node.key)
        # What nothing came of is pulled to the right, beside what came of it.
        out: dict[str, list[str]] = defaultdict(list)
        for source, target in self.edges:
            out[source].append(target)
        for key in sorted(found, key=lambda each: -found[each]):
            if not into[key] and out[key]:
                found[key] = min(found[each] for each in out[key]) - 1
        return found

    @cached_property
    def _columns(self) -> list[list[str]]:
        """Keys by layer, ordered so that arrows cross little; long arrows hold a place in between."""
        columns: list[list[str]] = [[] for _layer in range(max(self.layers.values(), default=0) + 1)]
        for node in self.nodes:
            columns[self.layers[node.key]].append(node.key)
        for at, (source, target) in enumerate(self.edges):
            for layer in range(self.layers[source] + 1, self.layers[target]):
                columns[layer].append(f"~{at}:{layer}")
        before, after = self._neighbours
        for sweep in range(_SWEEPS):
            near = before if sweep % 2 == 0 else after
            for column in columns if sweep % 2 == 0 else reversed(columns):
                place = {key: at for each in columns for at, key in enumerate(each)}
                column.sort(key=lambda key: _middle([place[each] for each in near[key]], place[key]))
        return columns

    @cached_property
    def _paths(self) -> list[list[str]]:
        """The keys that each arrow passes, its ends included."""
        found = []
        for at, (source, target) in enumerate(self.edges):
            between = [f"~{at}:{layer}" for layer in range(self.layers[source] + 1, self.layers[target])]
            found.append([source, *between, target])
        return found

    @property
    def _neighbours(self) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
        before: dict[str, list[str]] = defaultdict(list)
        after: dict[str, list[str]] = defaultdict(list)
        for path in self._paths:
            for one, other in pairwise(path):
                after[one].append(other)
                before[other].append(one)
        return before, after

    @cached_property
    def _places(self) -> dict[str, tuple[float, float]]:
        """The left top corner of each box; of a bend the point itself."""
        (width, height), (across, down) = self.BOX, self.GAP
        sizes = [
            sum((self.BEND if key.startswith("~") else height) + down for key in column) - down
            for column in self._columns
        ]
        tallest = max(sizes, default=0.0)
        found = {}
        for layer, (column, size) in enumerate(zip(self._columns, sizes, strict=True)):
            x, y = 8 + layer * (width + across), 8 + (tallest - size) / 2
            for key in column:
                is_bend = key.startswith("~")
                found[key] = (x + width / 2, y + self.BEND / 2) if is_bend else (x, y)
                y += (self.BEND if is_bend else height) + down
        return found

    @property
    def size(self) -> tuple[str, str]:
        """Width and height of the drawing."""
        (width, height), places = self.BOX, self._places
        boxes = [place for key, place in places.items() if not key.startswith("~")]
        bends = [place for key, place in places.items() if key.startswith("~")]
        right = max((x for x, _y in boxes), default=0.0) + width + 8
        low = max([y + height for _x, y in boxes] + [y + self.BEND for _x, y in bends], default=0.0) + 8
        return num(right), num(low)

    @property
    def arrows(self) -> list[tuple[str, str]]:
        """Path and head of each arrow."""
        return [self._arrow(path) for path in self._paths]

    def _arrow(self, path: list[str]) -> tuple[str, str]:
        width, height = self.BOX
        places, last = self._places, len(path) - 1
        points = []
        for at, key in enumerate(path):
            x, y = places[key]
            if at == 0:
                points.append((x + width, y + height / 2))
            elif at == last:
                points.append((x - 7, y + height / 2))
            else:
                points.append((x, y))
        line = f"M{num(points[0][0])} {num(points[0][1])}"
        for (ax, ay), (bx, by) in pairwise(points):
            half = (bx - ax) / 2
            line += f"C{num(ax + half)} {num(ay)} {num(bx - half)} {num(by)} {num(bx)} {num(by)}"
        x, y = points[-1]
        return line, f"M{num(x + 7)} {num(y)}l-9 -4.5v9z"

    @property
    def drawn(self) -> list[dict[str, object]]:
        """Each box with its texts, left to right and top to bottom: the order of the keyboard."""
        width, height = self.BOX
        nodes = {node.key: node for node in self.nodes}
        found: list[dict[str, object]] = []
        for column in self._columns:
            for key in column:
                if key.startswith("~"):
                    continue
                node, (x, y) = nodes[key], self._places[key]
                found.append(
                    {
                        "node": node, "x": num(x), "y": num(y), "width": num(width), "height": num(height),
                        "text_x": num(x + 12), "kind_y": num(y + 17), "title_y": num(y + 34),
                        "sub_y": num(y + 50), "mark_x": num(x + width - 14), "mark_y": num(y + 13),
                        "title": _short(node.title), "sub": _short(node.sub, _LETTERS + 4),
                        "css": "lineage-focus" if node.focus else "lineage-box",
                    }
                )  # fmt: skip
        return found


def _middle(places: list[int], now: int) -> float:
    return sum(places) / len(places) if places else float(now)


def _short(text: str, most: int = _LETTERS) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
