"""How a figure becomes SVG, in a page or on its own in a PDF."""

import hashlib
import re
from functools import cache
from pathlib import Path
from typing import ClassVar, Protocol

from django.contrib.staticfiles import finders
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe

_TOKEN = re.compile(r"(--[\w-]+):\s*([^;]+);")
_USE = re.compile(r"var\((--[\w-]+)\)")
_RULE = re.compile(r"[^{}]+\{[^{}]*\}")
_PAINT = ("fill", "stroke", "font-", "opacity", "letter-spacing")
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)


class Figure(Protocol):
    """What every view-model offers to its template."""

    template: ClassVar[str]

    @property
    def label(self) -> str:
        """The finding in one sentence."""
        ...


def render_figure(figure: Figure, *, css: str = "", standalone: bool = False) -> SafeString:
    """The figure as an `<svg>`.

    In a page its classes take their colours from the style sheet. `standalone=True` puts the light colours,
    the fonts' names and the hatch pattern into the SVG itself, since WeasyPrint does not apply a document's
    CSS inside an SVG.
    """
    # Several may stand in one document: each pattern has a name of its own, the same at every rendering.
    own = hashlib.sha256(repr(figure).encode()).hexdigest()[:10]
    context = {
        "figure": figure,
        "css": css,
        "standalone": standalone,
        "style": figure_style() if standalone else "",
        "hatch": f"hatch-{own}" if standalone else "hatch",
    }
    # Safe: a template has escaped it.
    return SafeString(render_to_string(figure.template, context).strip())


@cache
def figure_style() -> SafeString:
    """The rules of charts.css that draw, with the light values of tokens.css. Read once a process."""
    tokens = light_tokens()
    sheet = _COMMENT.sub("", _static_text("css/charts.css"))
    text = sheet.partition("{")[2].rpartition("}")[0]  # without the layer around it
    drawn = " ".join(rule.strip() for rule in _RULE.findall(text) if _draws(rule))
    # Safe: it comes from our own style sheets, never from a person.
    return mark_safe(_USE.sub(lambda use: tokens[use[1]], drawn))  # noqa: S308


def _draws(rule: str) -> bool:
    """Whether all that a rule sets is paint or type; layout is the page's business."""
    declared = [part.partition(":")[0].strip() for part in rule.partition("{")[2].rstrip("}").split(";")]
    return all(name.startswith(_PAINT) for name in declared if name)


def light_tokens() -> dict[str, str]:
    """Every token of the light theme by its name (with the leading dashes)."""
    light = _static_text("css/tokens.css").partition("@media")[0]
    return {name: value.strip() for name, value in _TOKEN.findall(_COMMENT.sub("", light))}


def _static_text(name: str) -> str:
    found = finders.find(name)
    if not isinstance(found, str):
        raise FileNotFoundError(f"The style sheet {name} is not among the static files.")
    return Path(found).read_text(encoding="utf-8")
