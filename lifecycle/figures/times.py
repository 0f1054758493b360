"""Bars of time: a filled part and a hollow one behind it, such as working and waiting."""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from lifecycle.figures.shapes import Scale, num


def span_text(seconds: float | None) -> str:
    """A span of time in its two largest units: `3 d 4 h`, `12 min`, `45 s`; a dash for none."""
    if seconds is None:
        return "–"
    if 0 < seconds < 1:
        return _("< 1 s")
    seconds = round(seconds)
    if seconds < 60:
        return _("%d s") % seconds
    if seconds < 3_600:
        return _("%d min") % (seconds // 60)
    if seconds < 86_400:
        hours, rest = divmod(seconds, 3_600)
        return _("%(hours)d h %(minutes)d min") % {"hours": hours, "minutes": rest // 60}
    days, rest = divmod(seconds, 86_400)
    if days >= 14:
        return ngettext("%d day", "%d days", round(seconds / 86_400)) % round(seconds / 86_400)
    return _("%(days)d d %(hours)d h") % {"days": days, "hours": rest // 3_600}


@dataclass(frozen=True)
class TimeBar:
    """Seconds of one row: filled, then hollow."""

    name: str
    filled: float
    hollow: float = 0.0

    @property
    def whole(self) -> float:
        return self.filled + self.hollow


@dataclass(frozen=True)
class TimeBars:
    """Rows with times, in the order given."""

    bars: tuple[TimeBar, ...]
    title: str = ""

    template: ClassVar[str] = "components/figures/times.svg"
    LEFT: ClassVar[float] = 236
    RIGHT: ClassVar[float] = 520
    ROW: ClassVar[float] = 28
    TOP: ClassVar[float] = 8

    @property
    def label(self) -> str:
        longest = max(self.bars, key=lambda bar: bar.whole)
        words = {"title": self.title, "name": longest.name, "time": span_text(longest.whole)}
        return _("%(title)s: longest is %(name)s with %(time)s") % words

    @property
    def height(self) -> str:
        return num(self.TOP + self.ROW * len(self.bars) + 8)

    @property
    def end(self) -> str:
        return num(self.TOP + self.ROW * len(self.bars))

    @cached_property
    def scale(self) -> Scale:
        return Scale(0, max(*(bar.whole for bar in self.bars), 1.0), 0, self.RIGHT - self.LEFT)

    @property
    def rows(self) -> list[dict[str, str]]:
        """Name, two rectangles and the words of each row."""
        return [self._row(bar, self.TOP + self.ROW * place) for place, bar in enumerate(self.bars)]

    def _row(self, bar: TimeBar, y: float) -> dict[str, str]:
        filled, whole = self.scale(bar.filled), self.scale(bar.whole)
        text = span_text(bar.filled)
        if bar.hollow >= 1:
            text = f"{text} + {span_text(bar.hollow)}"
        return {
            "name": bar.name if len(bar.name) <= 36 else f"{bar.name[:35]}…",
            "full": bar.name,
            "y": num(y + self.ROW / 2 + 4),
            "bar_y": num(y + self.ROW / 2 - 5),
            "filled": num(max(filled, 1.5) if bar.filled else 0),
            "hollow_x": num(self.LEFT + filled + 0.75),
            "hollow": num(max(whole - filled - 1.5, 0)),
            "text": text,
            "text_x": num(self.LEFT + whole + 10),
        }
