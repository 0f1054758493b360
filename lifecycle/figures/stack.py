"""The nine components of a stack: stores as cylinders, processes as boxes, arrows for what feeds what."""

from dataclasses import dataclass
from typing import ClassVar

from django.utils.translation import gettext as _

from lifecycle.figures.shapes import num


@dataclass(frozen=True)
class StackBox:
    """One component; `kind` is process or store, `tool` what was chosen for it."""

    key: str
    name: str
    kind: str
    tool: str = ""


@dataclass(frozen=True)
class StackPicture:
    """The stack template as a drawing. Knows the nine keys of the catalogue."""

    boxes: tuple[StackBox, ...]

    template: ClassVar[str] = "components/figures/stack.svg"
    WIDTH: ClassVar[float] = 196
    HEIGHT: ClassVar[float] = 76
    # Column and row of each component.
    PLACES: ClassVar[dict[str, tuple[int, int]]] = {
        "data-analysis": (0, 0), "experimentation": (1, 0), "code-repository": (2, 0),
        "metadata-store": (3, 0), "feature-store": (0, 1), "ml-pipeline": (2, 1), "model-registry": (3, 1),
        "model-serving": (4, 1), "model-monitoring": (4, 2),
    }  # fmt: skip

    @property
    def label(self) -> str:
        chosen = [f"{box.name}: {box.tool}" for box in self.boxes if box.tool]
        if not chosen:
            return _("The nine components of the stack; no tool is chosen yet")
        return _("A tool is chosen for %(n)s of %(all)s components: %(names)s") % {
            "n": len(chosen), "all": len(self.boxes), "names": "; ".join(chosen)
        }  # fmt: skip

    def _corner(self, key: str) -> tuple[float, float]:
        column, row = self.PLACES[key]
        return 8 + 244 * column, 12 + 128 * row

    @property
    def drawn(self) -> list[dict[str, str]]:
        """Outline, texts and whether it is chosen, of each component."""
        return [self._box(box) for box in self.boxes]

    def _box(self, box: StackBox) -> dict[str, str]:
        x, y = self._corner(box.key)
        w, h = self.WIDTH, self.HEIGHT
        store = box.kind == "store"
        lid = (
            f"M{num(x)} {num(y + 9)}a{num(w / 2)} 9 0 0 1 {num(w)} 0v{num(h - 18)}"
            f"a{num(w / 2)} 9 0 0 1 {num(-w)} 0z"
        )
        plain = (
            f"M{num(x + 6)} {num(y)}h{num(w - 12)}q6 0 6 6v{num(h - 12)}q0 6 -6 6"
            f"h{num(12 - w)}q-6 0 -6 -6v{num(12 - h)}q0 -6 6 -6z"
        )
        return {
            "path": lid if store else plain,
            "rim": f"M{num(x)} {num(y + 9)}a{num(w / 2)} 9 0 0 0 {num(w)} 0" if store else "",
            "x": num(x + w / 2),
            "name_y": num(y + (41 if store else 34)),
            "tool_y": num(y + (59 if store else 54)),
            "name": box.name,
            "full": box.tool,
            "tool": (box.tool if len(box.tool) <= 26 else f"{box.tool[:25]}…") or _("nothing chosen"),
            "line": "stack-chosen" if box.tool else "stack-open",
            "words": "t-ink" if box.tool else "t-faint",
        }

    @property
    def arrows(self) -> list[str]:
        """Paths of the arrows; each ends in a head of its own (the template's marker)."""
        w, h = self.WIDTH, self.HEIGHT
        at = self._corner
        analysis, trial, code = at("data-analysis"), at("experimentation"), at("code-repository")
        features, pipeline, meta = at("feature-store"), at("ml-pipeline"), at("metadata-store")
        registry, serving, watch = at("model-registry"), at("model-serving"), at("model-monitoring")
        mid, low = w / 2, h / 2
        base = watch[1] + h + 22
        far = serving[0] + w + 22
        return [
            _path((analysis[0] + w, analysis[1] + low), (trial[0], trial[1] + low)),
            _path((trial[0] + w, trial[1] + low), (code[0], code[1] + low)),
            _path((analysis[0] + mid - 14, analysis[1] + h), (features[0] + mid - 14, features[1])),
            _path((features[0] + mid + 14, features[1]), (analysis[0] + mid + 14, analysis[1] + h)),
            _path((code[0] + mid, code[1] + h), (pipeline[0] + mid, pipeline[1])),
            _path((features[0] + w, features[1] + low), (pipeline[0], pipeline[1] + low)),
            _path(
                (pipeline[0] + w, pipeline[1] + 20), (pipeline[0] + w + 20, pipeline[1] + 20),
                (pipeline[0] + w + 20, meta[1] + low), (meta[0], meta[1] + low),
            ),
            _path((pipeline[0] + w, pipeline[1] + low + 6), (registry[0], registry[1] + low + 6)),
            _path((registry[0] + w, registry[1] + low), (serving[0], serving[1] + low)),
            _path((serving[0] + mid, serving[1] + h), (watch[0] + mid, watch[1])),
            _path(
                (watch[0], watch[1] + low), (pipeline[0] + mid, watch[1] + low),
                (pipeline[0] + mid, pipeline[1] + h),
            ),
            _path(
                (features[0] + mid, features[1] + h), (features[0] + mid, base), (far, base),
                (far, serving[1] + low), (serving[0] + w, serving[1] + low),
            ),
        ]  # fmt: skip

    @property
    def heads(self) -> list[str]:
        """The head of each arrow as a small triangle that ends where the path ends."""
        return [_head(path) for path in self.arrows]


def _path(*points: tuple[float, float]) -> str:
    return "M" + "L".join(f"{num(x)} {num(y)}" for x, y in points)


def _head(path: str) -> str:
    (ax, ay), (bx, by) = (tuple(map(float, part.split())) for part in path[1:].split("L")[-2:])
    dx, dy = (bx > ax) - (bx < ax), (by > ay) - (by < ay)
    left = (bx - 9 * dx + 4.5 * dy, by - 9 * dy + 4.5 * dx)
    right = (bx - 9 * dx - 4.5 * dy, by - 9 * dy - 4.5 * dx)
    return f"M{num(bx)} {num(by)}L{num(left[0])} {num(left[1])}L{num(right[0])} {num(right[1])}z"
