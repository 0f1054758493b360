"""A chart with the words that belong to it, and the theme all charts share."""

from dataclasses import dataclass
from typing import Any

import altair as alt

from reports.charts.palette import FONT, Palette

Spec = dict[str, Any]
# The plot gives way to its labels, so that charts of one page end at one edge.
FIT = alt.AutoSizeParams(type="fit-x", contains="padding")
Rows = list[dict[str, Any]]
AnyChart = alt.LayerChart | alt.VConcatChart | alt.FacetChart


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A drawn conclusion. `alt` gives the numbers, `conclusion` what they mean, `note` how to read the
    picture.
    """

    spec: Spec
    alt: str
    conclusion: str
    note: str = ""


def themed(chart: alt.TopLevelMixin, palette: Palette) -> Spec:
    """The specification with our theme in it, so that it draws alike wherever it is drawn."""
    spec: Spec = chart.to_dict()
    spec["config"] = theme(palette)
    return spec


def theme(palette: Palette) -> dict[str, Any]:
    """Vega-Lite configuration made from the design tokens: direct labels, quiet axes, no legend, no frame."""
    axis = {
        "labelFont": FONT,
        "titleFont": FONT,
        "labelFontSize": 10,
        "titleFontSize": 10,
        "titleFontWeight": "normal",
        "labelColor": palette.quiet,
        "titleColor": palette.quiet,
        "gridColor": palette.grid,
        "gridWidth": 0.6,
        "domainColor": palette.line,
        "tickColor": palette.line,
        "tickSize": 4,
    }
    return {
        "font": FONT,
        "background": None,
        "padding": 2,
        "view": {"stroke": None},
        "axis": axis,
        "axisX": {"grid": False},
        "axisY": {"domain": False, "ticks": False, "labelPadding": 6},
        "text": {"font": FONT, "fontSize": 10, "color": palette.text},
        "title": {
            "font": FONT,
            "fontSize": 10.5,
            "fontWeight": 600,
            "color": palette.text,
            "anchor": "start",
            "offset": 4,
        },
        "legend": {"disable": True},
    }


def span(values: list[float], pad: float = 0.08) -> list[float]:
    """A scale that holds all values with some air on both sides."""
    low, high = min(values), max(values)
    air = (high - low) * pad or abs(high) * pad or 0.5
    return [low - air, high + air]
