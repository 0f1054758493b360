import json
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest
import rfc8785

from reports.charts import (
    DARK,
    LIGHT,
    PRINT,
    chart_svg,
    distributions,
    drift_by_feature,
    drift_over_windows,
    metrics_by_slice,
    performance_over_windows,
    risk_map,
    timeline,
)
from reports.charts.drawings import bullet, phase_path, seal
from reports.charts.palette import tokens
from reports.charts.timeline import Lane
from reports.documents import Bound, Measure, State
from reports.rendering.figures import report_timeline
from tests.reports import story

SVG = "{http://www.w3.org/2000/svg}svg"


def every_figure(report, palette=PRINT):
    run, last = report.iterations[-1].runs[0], report.monitoring.windows[-1]
    return {
        "slices": metrics_by_slice([m for m in run.measures if m.name == "ndcg@3"], palette=palette),
        "drift": drift_by_feature(last.drift, palette=palette),
        "drift over time": drift_over_windows(report.monitoring.windows, palette=palette),
        "performance": performance_over_windows(report.monitoring.windows, palette=palette),
        "distributions": distributions(last.distributions, palette=palette),
        "risks": risk_map(report.risks, palette=palette),
        "timeline": report_timeline(report),
    }


@pytest.mark.parametrize("make", [story.whole, story.crowded, story.awkward])
def test_every_chart_draws_well_formed_svg_in_the_report_font(make):
    for name, figure in every_figure(make()).items():
        svg = chart_svg(figure.spec)

        assert ET.fromstring(svg).tag == SVG, name
        assert "Source Sans Pro" in svg, name
        assert figure.alt, name
        assert figure.conclusion.endswith("."), name


@pytest.mark.parametrize("palette", [LIGHT, DARK, PRINT])
def test_charts_use_the_colours_of_their_palette_only(palette):
    other = LIGHT if palette is DARK else DARK
    text = json.dumps(drift_by_feature(story.whole().monitoring.windows[-1].drift, palette=palette).spec)

    assert palette.limit in text
    assert other.beyond not in text


def test_tokens_are_read_from_the_named_block():
    css = (
        ":root { --a: #111; } @media x { :root:not(.b) { --a: #222; } }"
        " :root[data-theme='dark'] { --a: #333; }"
    )

    assert tokens(":root", css) == {"a": "#111"}
    assert tokens(":root[data-theme='dark']", css) == {"a": "#333"}
    with pytest.raises(KeyError):
        tokens(".none", css)


def test_equal_data_gives_an_equal_specification_and_svg():
    first, second = (every_figure(story.whole()) for _ in range(2))

    for name, figure in first.items():
        assert rfc8785.dumps(figure.spec) == rfc8785.dumps(second[name].spec), name


def test_drawing_again_without_the_cache_gives_the_same_svg(settings):
    spec = drift_over_windows(story.whole().monitoring.windows).spec
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}

    assert chart_svg(spec) == chart_svg(spec)


def test_slices_say_where_the_limit_is_missed():
    run = story.whole().iterations[0].runs[2]

    figure = metrics_by_slice([m for m in run.measures if m.name == "ndcg@3"])

    assert figure.conclusion == (
        "ndcg@3 misses its limit in 3 of 6 places, worst country=JP: 0.310, asked ≥ 0.510."
    )
    assert "country=IT 0.440 (limit ≥ 0.540)" in figure.alt


def test_many_slices_are_drawn_by_smallest_margin_and_the_note_says_so():
    run = story.crowded().iterations[-1].runs[0]

    figure = metrics_by_slice([m for m in run.measures if m.name == "ndcg@3"])

    assert figure.note.endswith("Drawn are the 24 of 61 with the smallest margin.")


def test_metrics_without_limits_are_described_by_their_range():
    figure = metrics_by_slice([Measure(name="mae", value=v, slice=s) for v, s in ((1.5, "a"), (2.5, "b"))])

    assert figure.conclusion == "mae lies between 1.500 and 2.500; no limit was set."
    assert chart_svg(figure.spec)


def test_drift_names_the_feature_beyond_its_limit():
    figure = drift_by_feature(story.whole().monitoring.windows[-2].drift)

    assert figure.conclusion == "1 of 4 features moved beyond its limit, unit_price: 0.240, limit 0.200."
    assert figure.alt.startswith("PSI: unit_price 0.240 (limit 0.200);")


def test_windows_show_limit_last_value_and_the_trigger():
    figure = performance_over_windows(story.whole().monitoring.windows)

    assert figure.conclusion == "Every live measure kept its limit in every window."
    assert "ndcg@3: 12 windows from 0.59 to 0.64, last 0.60, limit ≥ 0.57." in figure.alt
    assert "T-06" in chart_svg(figure.spec)


def test_time_axes_do_not_depend_on_the_time_zone_of_the_machine():
    figure = performance_over_windows(story.whole().monitoring.windows)

    assert '"type": "utc"' in json.dumps(figure.spec)
    assert "2026-" not in json.dumps(figure.spec)


def test_nothing_to_draw_is_none():
    empty = replace(story.whole().monitoring.windows[0], performance=(), drift=(), distributions=())

    assert metrics_by_slice([]) is None
    assert metrics_by_slice([Measure(name="m", value=None, limit=1.0)]) is None
    assert drift_by_feature([]) is None
    assert drift_over_windows([story.whole().monitoring.windows[0]]) is None
    assert performance_over_windows([empty]) is None
    assert distributions([]) is None
    assert risk_map([]) is None
    assert timeline([], until=story.AS_OF) is None


@pytest.mark.parametrize("label", [story.LONG, story.HEBREW, story.EMOJI, "a'b\"c\\", "'}); alert(1); ({'"])
def test_labels_of_lanes_cannot_leave_their_string(label):
    lane = Lane(label=label, start=story.at("2026-01-01"), end=story.AS_OF)

    svg = chart_svg(timeline([lane], until=story.AS_OF).spec)

    assert label[:6] in "".join(ET.fromstring(svg).itertext())


def test_one_window_and_constant_values_can_be_drawn():
    window = story.whole().monitoring.windows[0]
    flat = [replace(window, performance=(Measure(name="auc", value=0.0, limit=0.0),))]

    assert chart_svg(performance_over_windows(flat).spec)


@pytest.mark.parametrize("state", list(State))
def test_drawings_are_well_formed_for_every_state(state):
    assert ET.fromstring(seal(state)).tag == SVG
    for value in (None, 0.0, -1.0, 5.0):
        assert ET.fromstring(bullet(value=value, limit=0.5, bound=Bound.AT_MOST, state=state)).tag == SVG


def test_the_path_of_phases_escapes_names():
    report = story.whole()
    odd = replace(report.process.phases[0], name="<b> & 'c'")

    svg = phase_path((odd, *report.process.phases[1:]), report.iterations)

    assert "<b> &" in "".join(ET.fromstring(svg).itertext())
