"""Performance over monitoring windows with limits and the triggers that fired."""

from collections.abc import Sequence

import altair as alt
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from reports.charts.figures import Figure, themed
from reports.charts.metrics import state_of
from reports.charts.multiples import Point, Series, small_multiples
from reports.charts.palette import PRINT, WIDTH, Palette
from reports.documents.monitoring import Window
from reports.documents.states import State

MOST = 6


def performance_series(windows: Sequence[Window]) -> list[Series]:
    """One series for each measure and segment, in the order in which they first appear."""
    found: dict[tuple[str, str, str], list[Point]] = {}
    last = {}
    for window in windows:
        for measure in window.performance:
            if measure.value is None:
                continue
            key = (window.segment, measure.name, measure.slice)
            last[key] = measure
            found.setdefault(key, []).append(
                Point(at=window.end, value=measure.value, state=state_of(measure), event=window.fired)
            )
    return [
        Series(
            title=", ".join(part for part in (key[0], key[1], key[2]) if part),
            points=tuple(points),
            limit=last[key].limit,
            bound=last[key].bound,
            digits=last[key].digits,
            unit=last[key].unit,
        )
        for key, points in found.items()
    ]


def performance_over_windows(
    windows: Sequence[Window], *, palette: Palette = PRINT, width: int = WIDTH
) -> Figure | None:
    """Each live measure by window with limit and trigger marks; at most six. None if no labels were there
    to measure.
    """
    series = performance_series(windows)
    if not series:
        return None
    missed = [s for s in series if any(p.state is State.BAD for p in s.points)]
    judged = [s for s in series if s.limit is not None]
    if not judged:
        conclusion = _("No limit was set for what is measured live.")
    elif missed:
        weeks = sum(p.state is State.BAD for p in missed[0].points)
        values = {"name": missed[0].title, "n": weeks, "all": len(missed[0].points)}
        one = "%(name)s missed its limit in %(n)d of %(all)d windows."
        conclusion = ngettext(one, one, weeks) % values
    else:
        conclusion = _("Every live measure kept its limit in every window.")
    shown = series[:MOST]
    if len(shown) == 1:
        chart: alt.VConcatChart = small_multiples(shown, across=1, palette=palette, width=width, height=130)
    else:
        chart = small_multiples(
            shown, across=2 if len(shown) in (2, 4) else 3, palette=palette, width=width, height=86
        )
    note = _("Grey ground: beyond the limit. Upright line: a trigger fired. The number is the last window.")
    if len(series) > MOST:
        note += " " + _("Drawn are the first %(n)d of %(all)d measures.") % {"n": MOST, "all": len(series)}
    return Figure(
        spec=themed(chart, palette), alt=" ".join(s.words() for s in shown), conclusion=conclusion, note=note
    )
