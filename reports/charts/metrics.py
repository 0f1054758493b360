"""Metrics of a run against their limits, slice by slice."""

from collections.abc import Sequence

import altair as alt
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from reports.charts.figures import FIT, Figure, span, themed
from reports.charts.marks import data, drawn, labels, points
from reports.charts.palette import PRINT, WIDTH, Palette
from reports.documents.measures import Bound, Measure, limit_words, number
from reports.documents.states import State

MOST = 24  # slices drawn; the table has all


def state_of(measure: Measure) -> State:
    """How a measure stands to its limit."""
    met = measure.met
    return State.IDLE if met is None else State.OK if met else State.BAD


def metrics_by_slice(
    measures: Sequence[Measure], *, palette: Palette = PRINT, width: int = WIDTH
) -> Figure | None:
    """One metric overall and by slice, each with its own limit. None if nothing was measured.

    `measures` share one name; of more than 24 slices the worst are drawn.
    """
    shown = [m for m in measures if m.value is not None]
    if not shown:
        return None
    shown = _most_telling(shown)
    name = shown[0].name
    rows = [_row(m, palette) for m in shown]
    ends = [v for m in shown for v in (m.value, m.limit) if v is not None]
    domain = span(ends)
    scale, look = alt.Scale(domain=domain, nice=True, zero=False), alt.Axis(grid=True, tickCount=6)
    x, limit = (alt.X(field, title=None, scale=scale, axis=look) for field in ("v:Q", "limit:Q"))
    order = [str(row["slice"]) for row in rows]
    axis = alt.Axis(labelLimit=190, labelColor=palette.text, labelFontSize=10.5)
    y = alt.Y("slice:N", sort=order, title=None, axis=axis)
    limited = [row for row in rows if row["limit"] is not None]
    base = alt.Chart(data(limited))
    layers = [
        base.mark_rule(strokeWidth=1.6, color=palette.line).encode(x=x, x2="limit:Q", y=y),
        base.mark_tick(opacity=1, thickness=2.4, size=15, color=palette.limit).encode(x=limit, y=y),
        points(rows, x, y, 85),
        labels(rows, alt.X("end:Q", title=None, scale=scale, axis=look), y, dx=9),
    ]
    chart = alt.layer(*layers).properties(width=width - 46, height=20 * len(rows) + 4, autosize=FIT)
    return Figure(
        spec=themed(chart, palette),
        alt=_alt(name, shown),
        conclusion=_conclusion(name, shown),
        note=_note(shown, len(measures)),
    )


def _most_telling(measures: list[Measure]) -> list[Measure]:
    overall = [m for m in measures if not m.slice]
    slices = [m for m in measures if m.slice]
    if len(slices) > MOST - len(overall):
        slices = sorted(slices, key=margin)[: MOST - len(overall)]
    return overall + slices


def margin(measure: Measure) -> float:
    """Distance to the limit in the metric's unit, negative when it is not met; without a limit, the value
    itself.
    """
    value, limit = measure.value or 0.0, measure.limit
    if limit is None:
        return value if measure.bound is Bound.AT_LEAST else -value
    return value - limit if measure.bound is Bound.AT_LEAST else limit - value


def _row(measure: Measure, palette: Palette) -> dict[str, object]:
    text = number(measure.value, measure.digits, measure.unit)
    row: dict[str, object] = {
        "slice": measure.slice or _("all data"),
        "v": measure.value,
        "limit": measure.limit,
        "text": text,
    }
    row["end"] = max(v for v in (measure.value, measure.limit) if v is not None)
    return drawn(row, state_of(measure), palette)


def _alt(name: str, shown: Sequence[Measure]) -> str:
    parts = []
    for m in shown:
        limit = limit_words(m.limit, m.bound, m.digits, m.unit)
        words = f"{m.slice or _('all data')} {number(m.value, m.digits, m.unit)}"
        parts.append(f"{words} ({_('limit')} {limit})" if limit else words)
    return f"{name}: {'; '.join(parts)}."


def _conclusion(name: str, shown: Sequence[Measure]) -> str:
    missed = [m for m in shown if m.met is False]
    judged = [m for m in shown if m.met is not None]
    values: dict[str, object]
    if not judged:
        low, high = min(shown, key=lambda m: m.value or 0.0), max(shown, key=lambda m: m.value or 0.0)
        values = {
            "name": name,
            "low": number(low.value, low.digits, low.unit),
            "high": number(high.value, high.digits, high.unit),
        }
        return _("%(name)s lies between %(low)s and %(high)s; no limit was set.") % values
    if not missed:
        weakest = min(judged, key=margin)
        values = {"name": name, "slice": weakest.slice or _("all data")}
        return _("%(name)s keeps its limit everywhere; the smallest margin is in %(slice)s.") % values
    worst = min(missed, key=margin)
    values = {
        "n": len(missed),
        "all": len(judged),
        "name": name,
        "slice": worst.slice or _("all data"),
        "value": number(worst.value, worst.digits, worst.unit),
        "limit": limit_words(worst.limit, worst.bound, worst.digits, worst.unit),
    }
    one = "%(name)s misses its limit in %(n)d of %(all)d places, worst %(slice)s: %(value)s, asked %(limit)s."
    return ngettext(one, one, len(missed)) % values


def _note(shown: Sequence[Measure], total: int) -> str:
    said = _("Mark: measured. Line: limit.")
    if total > len(shown):
        said += " " + _("Drawn are the %(n)d of %(all)d with the smallest margin.") % {
            "n": len(shown),
            "all": total,
        }
    return said
