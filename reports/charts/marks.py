"""The parts that charts are made of: state marks, limits, the ground beyond a limit, labels."""

from datetime import UTC, datetime
from typing import Any

import altair as alt

from reports.charts.figures import Rows
from reports.charts.palette import Palette
from reports.documents.measures import Bound
from reports.documents.states import State

SHAPES = {
    State.OK: "circle",
    State.BAD: "square",
    State.WARN: "triangle-up",
    State.WAIVED: "diamond",
    State.IDLE: "circle",
}


def data(rows: Rows) -> alt.Data:
    """Rows as inline data."""
    inline: alt.Data = alt.Data(values=rows)  # type: ignore[no-untyped-call]  # Altair's own class lacks one
    return inline


def millis(moment: datetime) -> int:
    """Milliseconds since 1970: unlike ISO text it means the same in every time zone of the machine that
    draws.
    """
    return int(moment.astimezone(UTC).timestamp() * 1000)


def when(field: str, domain: list[int], **axis: Any) -> alt.X:
    """A time axis in UTC."""
    count = axis.pop("tickCount", 8)
    look = (
        alt.Axis(title=None, tickCount=count, labelOverlap=True, **axis) if axis.pop("show", True) else None
    )
    return alt.X(f"{field}:T", scale=alt.Scale(type="utc", domain=domain, nice=False), axis=look)


def drawn(row: dict[str, Any], state: State, palette: Palette) -> dict[str, Any]:
    """A row with shape, fill and edge of its state. Idle is a ring."""
    colour = palette.mark(state)
    hollow = state is State.IDLE
    return {
        **row,
        "shape": SHAPES[state],
        "fill": palette.ground if hollow else colour,
        "edge": colour if hollow else palette.ground,
    }


def points(rows: Rows, x: alt.X, y: alt.Y, size: int = 75) -> alt.Chart:
    """Marks whose shape and colour say the state; rows come from `drawn`."""
    marks = alt.Chart(data(rows)).mark_point(filled=True, size=size, opacity=1, strokeWidth=1)
    drawn_: alt.Chart = marks.encode(
        x=x,
        y=y,
        fill=alt.Fill("fill:N", scale=None),
        stroke=alt.Stroke("edge:N", scale=None),
        shape=alt.Shape("shape:N", scale=None),
    )
    return drawn_


def labels(rows: Rows, x: alt.X, y: alt.Y, **mark: Any) -> alt.Chart:
    """Direct labels from the column `text`."""
    words: alt.Chart = (
        alt.Chart(data(rows)).mark_text(**{"align": "left", **mark}).encode(x=x, y=y, text="text:N")
    )
    return words


def limit_ground(
    limit: float, bound: Bound, domain: list[float], y: alt.Y, palette: Palette
) -> list[alt.Chart]:
    """Grey ground where the limit is not kept, and the limit as a dashed line, for a vertical measure."""
    edge = domain[0] if bound is Bound.AT_LEAST else domain[1]
    zone = data([{"v": limit, "edge": edge}])
    ground = alt.Chart(zone).mark_rect(color=palette.beyond).encode(y=y, y2="edge:Q")
    return [ground, alt.Chart(zone).mark_rule(color=palette.limit, strokeDash=[4, 3]).encode(y=y)]
