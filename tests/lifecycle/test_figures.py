import datetime as dt
import xml.etree.ElementTree as ET

import pytest
from weasyprint import HTML

from lifecycle import figures
from lifecycle.figures.drawing import light_tokens
from lifecycle.figures.shapes import Scale, apart, nice_ticks, num, tick_text
from lifecycle.views.design import _drawings

SVG = "{http://www.w3.org/2000/svg}"
NOW = dt.datetime(2026, 11, 17, 10, 42, tzinfo=dt.UTC)


def every_figure():
    for drawing in _drawings(NOW).values():
        yield from drawing if isinstance(drawing, list) else [drawing]


@pytest.mark.parametrize("figure", list(every_figure()), ids=lambda figure: type(figure).__name__)
@pytest.mark.parametrize("standalone", [False, True])
def test_every_figure_is_well_formed_and_says_its_finding(figure, standalone):
    svg = ET.fromstring(figures.render_figure(figure, standalone=standalone))

    assert svg.tag == f"{SVG}svg"
    assert svg.get("role") == "img"
    assert svg.get("aria-label") == figure.label
    assert all("style" not in part.attrib for part in svg.iter())
    assert bool(svg.findall(f"{SVG}style")) is standalone


def test_a_standalone_figure_leaves_no_variable_and_names_its_own_hatch():
    first, second = figures.Bullet(limit=1, observed=2), figures.Bullet(limit=1, observed=3)
    texts = [figures.render_figure(figure, standalone=True) for figure in (first, second)]

    assert all("var(" not in text for text in texts)
    assert light_tokens()["--ok-mark"] in texts[0]
    hatches = [text.partition('pattern id="')[2].partition('"')[0] for text in texts]
    assert hatches[0] != hatches[1]
    assert all(f"url(#{hatch})" in text for hatch, text in zip(hatches, texts, strict=True))
    assert figures.render_figure(first, standalone=True) == texts[0]


def test_a_pdf_takes_every_figure():
    page = "".join(
        f"<div>{figures.render_figure(figure, standalone=True)}</div>" for figure in every_figure()
    )

    assert HTML(string=page).write_pdf().startswith(b"%PDF")


@pytest.mark.parametrize(
    ("operator", "observed", "met"),
    [
        (">=", 0.5, True),
        (">", 0.5, False),
        ("<=", 0.5, True),
        ("<", 0.5, False),
        (">=", 0.4, False),
        ("<", 0.4, True),
    ],
)
def test_a_bullet_knows_on_which_side_of_the_limit_a_value_is(operator, observed, met):
    assert figures.Bullet(limit=0.5, operator=operator, observed=observed).met is met


def test_a_bullet_without_a_value_is_neither_met_nor_failed():
    bullet = figures.Bullet(limit=0.5)

    assert bullet.met is None
    assert bullet.marker == ""
    assert "not measured" in bullet.label


def test_a_bullet_hatches_the_forbidden_side():
    floor, ceiling = figures.Bullet(limit=1, observed=2), figures.Bullet(limit=1, operator="<=", observed=0.5)

    assert floor.hatch[0] == "2"
    assert ceiling.hatch[0] == ceiling.limit_x


@pytest.mark.parametrize("limit", [0, -3.5, 1e-12, 1e12])
def test_a_bullet_draws_inside_its_frame_whatever_the_numbers(limit):
    bullet = figures.Bullet(limit=limit, observed=limit, low=limit, high=limit)

    assert 2 <= float(bullet.limit_x) <= 206


def test_a_sparkline_breaks_where_nothing_was_measured():
    spark = figures.Sparkline((1, 2, None, 3, 4), limit=10)

    assert len(spark.lines) == 2
    assert spark.last == 4
    assert figures.Sparkline(()).label == "Nothing measured"


@pytest.mark.parametrize(("last", "state"), [(0.1, "ok"), (0.19, "warn"), (0.21, "bad")])
def test_a_sparkline_takes_the_state_of_its_last_value(last, state):
    assert figures.Sparkline((0.05, last), limit=0.2).state == state


def test_the_ring_draws_each_phase_gate_and_way_back():
    ring = figures.PhaseRing(
        phases=(
            figures.RingPhase("P1", "One", 2, 2, "done", "G1", "passed"),
            figures.RingPhase("P2", "Two", 1, 4, "now", "G2", "open"),
            figures.RingPhase("P3", "Three"),
        ),
        loops=(figures.RingLoop("P2", "P1"), figures.RingLoop("P2", "PX")),
    )

    assert [item.css for item in ring.drawn] == ["ph-done", "ph-now", "ph-todo"]
    assert [bool(item.gate_path) for item in ring.drawn] == [True, True, False]
    assert len(ring.drawn_loops) == 1
    assert "P1 One: 2 of 2 tasks, gate G1 passed" in ring.label


def test_drift_bars_are_sorted_and_name_what_is_over():
    bars = figures.PsiBars((figures.PsiBar("a", 0.1), figures.PsiBar("b", None), figures.PsiBar("c", 0.3)))

    assert [row["name"] for row in bars.rows] == ["c", "a", "b"]
    assert bars.label == "1 of 3 features are over the limit of 0.2: c 0.30"


def test_a_histogram_refuses_bins_that_do_not_match():
    with pytest.raises(ValueError, match="2 reference bins, 1 current"):
        figures.DriftHistogram("x", (0.5, 0.5), (1.0,))


def test_a_series_counts_the_windows_outside_its_limit():
    line = figures.Series("IT", (0.6, 0.5, None, 0.4), limit=0.55)
    chart = figures.SeriesChart(
        "Quality", ["1", "2", "3", "4"], (line,), (figures.SeriesLimit(0.55, "limit"),)
    )

    assert len(chart.lines[0]["bad"]) == 2
    assert "outside its limit in 2 of 3 windows" in chart.label


def test_a_timeline_without_iterations_says_so():
    assert figures.IterationTimeline((), NOW).label == "No iteration has begun"


@pytest.mark.parametrize("days", [0.01, 1, 5, 40, 400, 2000])
def test_a_timeline_has_few_enough_steps_to_read(days):
    begin = NOW - dt.timedelta(days=days)
    row = figures.TimelineRow("Iteration 1", "", (figures.TimelinePhase("P1", begin, NOW),))

    assert 1 <= len(figures.IterationTimeline((row,), NOW).grid) <= 16


def test_coordinates_never_follow_the_locale():
    assert [num(value) for value in (1, 0.25, -0.04, 1234.56)] == ["1", "0.2", "0", "1234.6"]


def test_ticks_are_round_and_inside():
    ticks = nice_ticks(0.43, 0.71)

    assert ticks == [0.45, 0.5, 0.55, 0.6, 0.65, 0.7]
    assert tick_text(0.5, ticks) == "0.50"
    assert nice_ticks(3, 3) == [3]


def test_names_are_moved_apart_but_no_further():
    assert apart([10, 50], 14) == [10, 50]
    assert apart([10, 12], 14) == [4, 18]


def test_a_scale_of_one_value_puts_it_in_the_middle():
    assert Scale(1, 1, 0, 100)(1) == 50
