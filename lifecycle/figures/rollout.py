"""The share of the traffic that a version has on its way to the whole, step by step."""

from dataclasses import dataclass
from typing import ClassVar

from django.utils.translation import gettext as _

from lifecycle.figures.shapes import Scale, disc, num, octagon


@dataclass(frozen=True)
class RolloutBar:
    """`share` and `steps` in percent. `stopped`: its traffic was taken away where it stood."""

    share: int
    steps: tuple[int, ...] = ()
    stopped: bool = False

    template: ClassVar[str] = "components/figures/rollout.svg"
    SCALE: ClassVar[Scale] = Scale(0, 100, 14, 346)
    APART: ClassVar[float] = 34

    @property
    def label(self) -> str:
        words = {"share": self.share, "steps": ", ".join(f"{each} %" for each in self.steps)}
        if self.stopped:
            return _("Ended at %(share)s %% of the traffic") % words
        if not self.steps:
            return _("%(share)s %% of the traffic, all at once") % words
        return _("%(share)s %% of the traffic, in steps of %(steps)s") % words

    @property
    def width(self) -> str:
        """Of the filled part."""
        return num(self.SCALE(self.share) - self.SCALE(0))

    @property
    def marker(self) -> str:
        """A disc where it stands, an octagon where it was ended."""
        draw = octagon if self.stopped else disc
        return draw(self.SCALE(self.share), 14, 6)

    @property
    def ticks(self) -> list[dict[str, str]]:
        """Each step's mark; its number where there is room for it, the present one's always."""
        shown = self._with_room()
        return [
            {
                "path": f"M{num(self.SCALE(each))} 4v20",
                "x": num(self.SCALE(each)),
                "text": f"{each} %" if each in shown else "",
                "css": "t-strong" if each == self.share else "",
            }
            for each in self._places()
        ]

    def _places(self) -> list[int]:
        return sorted({*self.steps, self.share, 100})

    def _with_room(self) -> set[int]:
        shown = [self.share]
        for each in self._places():
            if all(abs(self.SCALE(each) - self.SCALE(other)) >= self.APART for other in shown):
                shown.append(each)
        return set(shown)
