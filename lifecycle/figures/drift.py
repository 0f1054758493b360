"""How one feature's values lie now, against the data that the model learned from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from django.utils.translation import gettext as _

from lifecycle.figures.shapes import Scale, num

WHOLE_FROM = 100  # larger borders are written without decimals
LEFT, RIGHT, TOP, BASE = 8.0, 272.0, 10.0, 82.0


@dataclass(frozen=True)
class DriftHistogram:
    """Shares (0 to 1) of the reference and of the current window in the same bins.

    `edges` are the bins' borders (one more than shares) for numbers, `names` the categories otherwise.
    Filled bars are now, the stepped line is the reference.
    """

    name: str
    reference: Sequence[float]
    current: Sequence[float]
    edges: Sequence[float] = ()
    names: Sequence[str] = ()
    score: float | None = None
    limit: float = 0.2

    template: ClassVar[str] = "components/figures/drift.svg"

    def __post_init__(self) -> None:
        if len(self.reference) != len(self.current):
            raise ValueError(
                f"{self.name}: {len(self.reference)} reference bins, {len(self.current)} current ones."
            )

    @property
    def state(self) -> str:
        """Over the limit bad, warn within a tenth of it, else ok."""
        if self.score is None or self.score <= self.limit * 0.9:
            return "ok"
        return "bad" if self.score > self.limit else "warn"

    @property
    def label(self) -> str:
        words = {"bad": _("over the limit"), "warn": _("near the limit"), "ok": _("within the limit")}
        if self.score is None:
            return _("%s: reference and current values") % self.name
        return _("%(name)s: drift %(score)s, %(word)s of %(limit)s") % {
            "name": self.name,
            "score": f"{self.score:.2f}",
            "word": words[self.state],
            "limit": f"{self.limit:g}",
        }

    @property
    def _width(self) -> float:
        return (RIGHT - LEFT) / max(len(self.current), 1)

    @property
    def _y(self) -> Scale:
        return Scale(0, max([*self.reference, *self.current, 1e-9]), BASE, TOP)

    @property
    def bars(self) -> list[dict[str, str]]:
        """The current window, a bar a bin."""
        y, width = self._y, self._width
        gap = min(2.0, width * 0.12)
        return [
            {
                "x": num(LEFT + width * i + gap),
                "y": num(y(share)),
                "width": num(max(width - 2 * gap, 1)),
                "height": num(BASE - y(share)),
            }
            for i, share in enumerate(self.current)
        ]

    @property
    def outline(self) -> str:
        """The reference as a stepped line."""
        y, width = self._y, self._width
        steps = "".join(
            f"V{num(y(share))}H{num(LEFT + width * (i + 1))}" for i, share in enumerate(self.reference)
        )
        return f"M{num(LEFT)} {num(BASE)}{steps}V{num(BASE)}"

    @property
    def texts(self) -> list[tuple[str, str, str]]:
        """(x, anchor, text) below the axis: first and last border, or the categories when they fit."""
        if self.edges:
            return [
                (num(LEFT), "start", _compact(self.edges[0])),
                (num(RIGHT), "end", _compact(self.edges[-1])),
            ]
        room = int(self._width / 6.2)
        return [
            (
                num(LEFT + self._width * (i + 0.5)),
                "middle",
                name if len(name) <= room else name[: max(room - 1, 1)] + "…",
            )
            for i, name in enumerate(self.names)
            if room > 1
        ]


def _compact(value: float) -> str:
    text = f"{value:,.0f}" if abs(value) >= WHOLE_FROM else f"{value:.3g}"
    return text.replace(",", "\u202f")
