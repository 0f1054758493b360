"""Statistical charts, the same in page and PDF: plain data in, a `Figure` out, drawn as SVG on the server.

Each chart function takes records of `reports.documents` and a palette (`PRINT`, `LIGHT` or `DARK`, read
from the design tokens) and returns a `Figure`: the Vega-Lite specification, the alternative text with the
numbers, and the conclusion for the caption. `chart_svg` draws a specification, cached by the digest of the
specification.
"""

from reports.charts.distributions import distributions
from reports.charts.draw import chart_svg
from reports.charts.drift import drift_by_feature, drift_over_windows
from reports.charts.figures import Figure
from reports.charts.metrics import metrics_by_slice
from reports.charts.palette import DARK, LIGHT, PRINT, Palette
from reports.charts.performance import performance_over_windows
from reports.charts.risk_map import risk_map
from reports.charts.timeline import timeline

__all__ = [
    "DARK",
    "LIGHT",
    "PRINT",
    "Figure",
    "Palette",
    "chart_svg",
    "distributions",
    "drift_by_feature",
    "drift_over_windows",
    "metrics_by_slice",
    "performance_over_windows",
    "risk_map",
    "timeline",
]
