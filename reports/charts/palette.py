"""Colours of charts, read from the design tokens so that no colour is written twice."""

import re
from dataclasses import dataclass
from pathlib import Path

from reports.documents.states import State

TOKENS = Path(__file__).resolve().parents[2] / "static" / "css" / "tokens.css"
FONT = "Source Sans Pro"
WIDTH = 622  # CSS pixels: 165 mm, the measure of the report
PROPERTY = re.compile(r"--([a-z0-9-]+):\s*([^;]+);")


def tokens(selector: str, css: str | None = None) -> dict[str, str]:
    """Custom properties of the first block with exactly this selector. Raises KeyError if there is no such
    block.
    """
    text = TOKENS.read_text(encoding="utf-8") if css is None else css
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    found = re.search(rf"(?:^|\}})\s*{re.escape(selector)}\s*\{{([^}}]*)\}}", text)
    if found is None:
        raise KeyError(f"tokens.css has no block {selector}")
    return {name: value.strip() for name, value in PROPERTY.findall(found[1])}


@dataclass(frozen=True, kw_only=True)
class Palette:
    """What a chart needs of the tokens. `ground` is the colour behind the chart, for halos and hollow
    marks.
    """

    name: str
    ground: str
    text: str
    quiet: str
    line: str
    grid: str
    beyond: str
    measured: str
    before: str
    limit: str
    marks: tuple[tuple[State, str], ...]

    def mark(self, state: State) -> str:
        """Colour of the mark of a state."""
        return dict(self.marks)[state]


def palette(name: str, values: dict[str, str]) -> Palette:
    """Names of tokens are given meaning here and nowhere else. Raises KeyError for a missing token."""
    return Palette(
        name=name,
        ground=values["sheet"],
        text=values["text"],
        quiet=values["text-2"],
        line=values["line-2"],
        grid=values["chart-grid"],
        beyond=values["chart-track"],
        measured=values["ink-fill"],
        before=values["chart-before"],
        limit=values["chart-limit"],
        marks=tuple((state, values[f"{state.value}-mark"]) for state in State),
    )


LIGHT = palette("light", tokens(":root"))
DARK = palette("dark", tokens(":root") | tokens(':root[data-theme="dark"]'))
PRINT = palette("print", tokens(":root"))
