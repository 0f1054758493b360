"""How far the inputs moved: by feature in one window, and by window for each feature."""

from collections.abc import Sequence

import altair as alt
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from reports.charts.figures import FIT, Figure, themed
from reports.charts.marks import data, drawn, labels, points
from reports.charts.multiples import Point, Series, small_multiples
from reports.charts.palette import PRINT, WIDTH, Palette
from reports.documents.measures import Bound, number
from reports.documents.monitoring import FeatureDrift, Window
from reports.documents.states import State

MOST = 20
MULTIPLES = 8


def drift_by_feature(
    features: Sequence[FeatureDrift], *, palette: Palette = PRINT, width: int = WIDTH
) -> Figure | None:
    """Drift of each feature in one window with its limit, largest first. None if none was computed."""
    known = sorted((f for f in features if f.value is not None), key=lambda f: (-(f.value or 0.0), f.feature))
    shown = known[:MOST]
    if not shown:
        return None
    rows = [
        drawn(
            {"feature": f.feature, "v": f.value, "limit": f.limit, "zero": 0, "text": number(f.value)},
            f.mark.state,
            palette,
        )
        for f in shown
    ]
    top = max(max(row["v"], row["limit"]) for row in rows) * 1.12
    scale, axis = alt.Scale(domain=[0, top], nice=False), alt.Axis(grid=True, tickCount=6)
    x = alt.X("v:Q", title=shown[0].statistic, scale=scale, axis=axis)
    limit = alt.X("limit:Q", title=shown[0].statistic, scale=scale, axis=axis)
    look = alt.Axis(labelLimit=190, labelColor=palette.text, labelFontSize=10.5)
    y = alt.Y("feature:N", sort=[row["feature"] for row in rows], title=None, axis=look)
    base = alt.Chart(data([{**row, "end": top} for row in rows]))
    chart = alt.layer(
        base.mark_bar(color=palette.beyond, height=19, opacity=1).encode(x=limit, x2="end:Q", y=y),
        base.mark_rule(strokeWidth=3, color=palette.before).encode(x=x, x2="zero:Q", y=y),
        base.mark_tick(opacity=1, thickness=2, size=19, color=palette.limit).encode(x=limit, y=y),
        points(rows, x, y, 70),
        labels(rows, x, y, dx=8),
    ).properties(width=width, height=19 * len(rows) + 4, autosize=FIT)
    return Figure(
        spec=themed(chart, palette), alt=_alt(shown), conclusion=_conclusion(known), note=_note(known)
    )


def _alt(shown: Sequence[FeatureDrift]) -> str:
    parts = [f"{f.feature} {number(f.value)} ({_('limit')} {number(f.limit)})" for f in shown]
    return f"{shown[0].statistic}: {'; '.join(parts)}."


def _conclusion(known: Sequence[FeatureDrift]) -> str:
    moved = [f for f in known if f.mark.state in (State.BAD, State.WARN)]
    if not moved:
        return ngettext(
            "The %(n)d watched feature stays within its limit.",
            "All %(n)d watched features stay within their limits.",
            len(known),
        ) % {"n": len(known)}
    values = {
        "n": len(moved),
        "all": len(known),
        "name": moved[0].feature,
        "value": number(moved[0].value),
        "limit": number(moved[0].limit),
    }
    return (
        ngettext(
            "%(n)d of %(all)d features moved beyond its limit, %(name)s: %(value)s, limit %(limit)s.",
            "%(n)d of %(all)d features moved beyond their limits, most %(name)s: %(value)s, limit %(limit)s.",
            len(moved),
        )
        % values
    )


def _note(known: Sequence[FeatureDrift]) -> str:
    said = _("Grey ground: beyond the limit.")
    if len(known) > MOST:
        said += " " + _("Drawn are the %(n)d largest of %(all)d.") % {"n": MOST, "all": len(known)}
    return said


def drift_over_windows(
    windows: Sequence[Window], *, palette: Palette = PRINT, width: int = WIDTH
) -> Figure | None:
    """Drift by window, one small chart a feature, on one scale; the eight that moved most. None below two
    windows.
    """
    found: dict[tuple[str, str], list[Point]] = {}
    limits: dict[tuple[str, str], float] = {}
    for window in windows:
        for drift in window.drift:
            if drift.value is not None:
                key = (window.segment, drift.feature)
                limits[key] = drift.limit
                found.setdefault(key, []).append(
                    Point(at=window.end, value=drift.value, state=drift.mark.state)
                )
    series = [
        Series(
            title=", ".join(part for part in key if part),
            points=tuple(values),
            limit=limits[key],
            bound=Bound.AT_MOST,
            digits=2,
        )
        for key, values in found.items()
        if len(values) > 1
    ]
    if not series:
        return None
    series.sort(key=lambda s: -max(p.value for p in s.points))
    beyond = [s for s in series if any(p.state in (State.BAD, State.WARN) for p in s.points)]
    values = {"n": len(beyond), "all": len(series), "names": ", ".join(s.title for s in beyond[:3])}
    if beyond:
        one = "%(n)d of %(all)d watched features crossed its limit in some window: %(names)s."
        conclusion = (
            ngettext(
                one,
                "%(n)d of %(all)d watched features crossed their limits in some window: %(names)s.",
                len(beyond),
            )
            % values
        )
    else:
        conclusion = _("None of %(all)d watched features crossed its limit in any window.") % values
    note = _("Grey ground: beyond the limit. The number is the last window.")
    if len(series) > MULTIPLES:
        note += " " + _("Drawn are the %(n)d of %(all)d that moved most.") % {
            "n": MULTIPLES,
            "all": len(series),
        }
    chart = small_multiples(series[:MULTIPLES], across=4, palette=palette, width=width, shared=True)
    alt_text = " ".join(s.words() for s in series[:MULTIPLES])
    return Figure(spec=themed(chart, palette), alt=alt_text, conclusion=conclusion, note=note)
