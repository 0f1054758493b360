"""Reference and current distributions of features side by side."""

from collections.abc import Sequence

import altair as alt
from django.utils.translation import gettext as _

from reports.charts.figures import AnyChart, Figure, Rows, themed
from reports.charts.marks import data
from reports.charts.palette import PRINT, WIDTH, Palette
from reports.documents.monitoring import Distribution

MOST = 6
BINS = 12


def distributions(
    items: Sequence[Distribution], *, palette: Palette = PRINT, width: int = WIDTH
) -> Figure | None:
    """Small multiples: bar is now, line is the reference. The first six features, at most twelve bins
    each.
    """
    shown = [d for d in items if d.bins][:MOST]
    if not shown:
        return None
    columns = min(3, len(shown))
    inner = width / columns - 40
    cells = [_cell(d, inner, palette) for d in shown]
    rows = [alt.hconcat(*cells[i : i + columns], spacing=16) for i in range(0, len(cells), columns)]
    parts = []
    for item in shown:
        name, now, before = _largest_move(item)
        parts.append(
            _("%(feature)s: largest change in %(bin)s, from %(before).0f to %(now).0f percent.")
            % {"feature": item.feature, "bin": name, "before": before * 100, "now": now * 100}
        )
    note = _("Bar: share in the window, in percent. Dark line: share in the reference.")
    return Figure(
        spec=themed(alt.vconcat(*rows, spacing=12), palette),
        alt=" ".join(parts),
        conclusion=parts[0],
        note=note,
    )


def _cell(item: Distribution, width: float, palette: Palette) -> AnyChart:
    triples = list(zip(item.bins, item.reference, item.current, strict=True))
    if len(triples) > BINS:  # the bins that moved most say what happened; the order stays
        keep = sorted(range(len(triples)), key=lambda i: -abs(triples[i][1] - triples[i][2]))[:BINS]
        triples = [triples[i] for i in sorted(keep)]
    rows: Rows = [{"bin": name, "before": 100 * before, "now": 100 * now} for name, before, now in triples]
    turn = max(len(row["bin"]) for row in rows) * len(rows) * 5.5 > width
    look = alt.Axis(title=None, labelAngle=-40 if turn else 0, ticks=False, labelLimit=56, labelFontSize=8.5)
    x = alt.X("bin:N", sort=[row["bin"] for row in rows], axis=look)
    top = max(max(row["before"], row["now"]) for row in rows) * 1.1 or 1
    scale, axis = alt.Scale(domain=[0, top], nice=False), alt.Axis(title=None, tickCount=3, labelFontSize=9)
    base = alt.Chart(data(rows))
    step = width / len(rows)
    return alt.layer(
        base.mark_bar(color=palette.measured, opacity=0.55, width=max(2, step * 0.62)).encode(
            x=x, y=alt.Y("now:Q", scale=scale, axis=axis)
        ),
        base.mark_tick(opacity=1, color=palette.limit, thickness=2, size=max(3, step * 0.86)).encode(
            x=x, y=alt.Y("before:Q", scale=scale, axis=axis)
        ),
    ).properties(width=width, height=70, title=alt.TitleParams(item.feature, limit=width))


def _largest_move(item: Distribution) -> tuple[str, float, float]:
    return max(
        zip(item.bins, item.current, item.reference, strict=True),
        key=lambda triple: abs(triple[1] - triple[2]),
    )
