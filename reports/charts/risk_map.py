"""Risks on a map of severity by occurrence, before and after."""

from collections.abc import Sequence

import altair as alt
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from reports.charts.figures import Figure, Rows, themed
from reports.charts.marks import data, drawn, points
from reports.charts.palette import PRINT, Palette
from reports.documents.risks import Risk

MOST = 24  # more would cover each other; the register lists all


def risk_map(
    risks: Sequence[Risk], *, appetite: int = 10, palette: Palette = PRINT, size: int = 58
) -> Figure | None:
    """Hollow dots are inherent risks, filled marks residual ones, a line joins each pair. None without
    risks.
    """
    if not risks:
        return None
    shown = sorted(risks, key=lambda r: (-r.after, -r.before, r.code))[:MOST]
    rows = _placed(shown, palette)
    five = alt.Scale(domain=[0.5, 5.5], nice=False, zero=False)
    across, up = _axis(_("Occurrence: 1 rare to 5 expected")), _axis(_("Severity: 1 slight to 5 grave"))
    x, y = alt.X("x:Q", scale=five, axis=across), alt.Y("y:Q", scale=five, axis=up)
    x2, y2 = alt.X("x2:Q", scale=five, axis=across), alt.Y("y2:Q", scale=five, axis=up)
    base = alt.Chart(data(rows))
    chart = alt.layer(
        _ground(appetite, five, across, up, palette),
        base.mark_rule(color=palette.before, strokeWidth=1).encode(x=x, y=y, x2="x2:Q", y2="y2:Q"),
        base.mark_point(size=55, color=palette.text, fill=palette.ground, opacity=1, strokeWidth=1.2).encode(
            x=x, y=y
        ),
        points(rows, x2, y2, 110),
        base.mark_text(dy=12, fontSize=8.5, fontWeight=600).encode(x=x2, y=y2, text="code:N"),
    ).properties(width=5 * size + 30, height=5 * size)
    note = _("Hollow: inherent. Filled: residual. Dark field: score %(limit)d or more.") % {"limit": appetite}
    if len(risks) > MOST:
        note += " " + _("Drawn are the %(n)d highest of %(all)d.") % {"n": MOST, "all": len(risks)}
    text = "; ".join(f"{r.code} {r.before} → {r.after}" for r in shown)
    return Figure(
        spec=themed(chart, palette),
        alt=_("Score before and after: %(list)s.") % {"list": text},
        conclusion=_conclusion(risks, appetite),
        note=note,
    )


def _conclusion(risks: Sequence[Risk], appetite: int) -> str:
    high = [r for r in risks if r.after >= appetite]
    if not high:
        return _("No residual risk lies in the dark field (score %(limit)d or more).") % {"limit": appetite}
    return ngettext(
        "%(n)d residual risk lies in the dark field: %(codes)s.",
        "%(n)d residual risks lie in the dark field: %(codes)s.",
        len(high),
    ) % {"n": len(high), "codes": ", ".join(r.code for r in high[:6])}


def _axis(title: str) -> alt.Axis:
    return alt.Axis(
        values=[1, 2, 3, 4, 5],
        format="d",
        title=title,
        grid=False,
        ticks=False,
        domain=False,
        labelFontSize=10.5,
    )


def _ground(appetite: int, five: alt.Scale, across: alt.Axis, up: alt.Axis, palette: Palette) -> alt.Chart:
    cells: Rows = [
        {
            "a": o - 0.49,
            "b": o + 0.49,
            "c": s - 0.49,
            "d": s + 0.49,
            "fill": palette.line if o * s >= appetite else palette.beyond,
        }
        for o in range(1, 6)
        for s in range(1, 6)
    ]
    ground: alt.Chart = (
        alt.Chart(data(cells))
        .mark_rect()
        .encode(
            x=alt.X("a:Q", scale=five, axis=across),
            x2="b:Q",
            y=alt.Y("c:Q", scale=five, axis=up),
            y2="d:Q",
            color=alt.Color("fill:N", scale=None),
        )
    )
    return ground


def _placed(risks: Sequence[Risk], palette: Palette) -> Rows:
    """Several risks in one cell stand beside each other, two in a row."""
    slots: dict[tuple[int, int], int] = {}
    rows: Rows = []
    for risk in risks:
        ends = []
        for s, o in ((risk.severity, risk.occurrence), (risk.residual_severity, risk.residual_occurrence)):
            n = slots.setdefault((s, o), 0)
            slots[s, o] += 1
            ends.append((o - 0.23 + 0.46 * (n % 2), s + 0.3 - 0.2 * (n // 2 % 4)))
        row = {"code": risk.code, "x": ends[0][0], "y": ends[0][1], "x2": ends[1][0], "y2": ends[1][1]}
        rows.append(drawn(row, risk.mark.state, palette))
    return rows
