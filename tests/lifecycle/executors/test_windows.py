import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given as examples
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lifecycle.executors import Invalid, monitor
from lifecycle.executors.bins import shares_of
from lifecycle.executors.drift import categorical_drift, numeric_drift
from lifecycle.executors.monitoring_specs import DriftLimits
from lifecycle.executors.watching import feature_state, feature_verdict, watch_feature
from tests.lifecycle.executors import given

TIMES = {"column": "day", "start": "2025-03-01", "end": "2025-07-01"}


def watched(root, current=None, **changes):
    given.write_csv(root, given.table(seed=1), "reference.csv")
    given.write_csv(root, given.table(seed=2) if current is None else current, "current.csv")
    return monitor(given.monitoring(**changes), root=root)


def test_a_window_holds_the_rows_of_its_time_only(tmp_path):
    result = watched(tmp_path, window=TIMES)

    assert result.window["state"] == "scored"
    assert result.rows["current"] == 122
    assert result.window["newest"].startswith("2026-02-04")


@pytest.mark.parametrize(
    ("window", "state", "says"),
    [
        ({**TIMES, "start": "2024-01-01", "end": "2024-02-01"}, "empty", "no row"),
        ({**TIMES, "end": "2025-03-05"}, "too_few", "4 rows; at least 100"),
        ({**TIMES, "start": "2026-01-01", "end": "2026-04-01"}, "late", "2026-02-04"),
        ({**TIMES, "start": "2026-01-01", "end": "2026-02-06", "late_after_hours": 1}, "late", "2026-02-04"),
    ],
)
def test_a_window_that_cannot_be_scored_says_so_and_has_no_scores(tmp_path, window, state, says):
    result = watched(tmp_path, window=window)

    assert result.verdict == result.window["state"] == state
    assert (result.share_drifted, result.features, result.metrics) == (None, {}, {})
    assert says in result.findings[0].text
    assert json.dumps(result.to_record(), allow_nan=False)


def test_a_column_that_holds_no_times_is_refused(tmp_path):
    with pytest.raises(Invalid) as no:
        watched(tmp_path, window={**TIMES, "column": "size"})
    with pytest.raises(Invalid):
        watched(tmp_path, window={**TIMES, "column": "colour"})

    assert (no.value.code, no.value.where) == ("not_a_time", "/window/column")


def test_a_window_that_ends_before_it_starts_is_refused():
    with pytest.raises(Invalid) as no:
        given.monitoring(window={**TIMES, "end": "2025-01-01"})

    assert no.value.where == "/window"


def test_a_constant_or_empty_column_is_said_to_be_so(tmp_path):
    frame = given.table(seed=2).assign(size=50.0, colour=None)

    result = watched(tmp_path, frame, limits={"share_drifted": 1.0})

    assert result.features["size"]["state"] == "constant"
    assert result.features["colour"]["state"] == "empty"
    assert result.features["colour"]["psi"] is None
    assert {"feature_constant", "feature_empty"} <= {each.code for each in result.findings}


def test_a_column_that_never_changes_has_no_index_rather_than_zero(tmp_path):
    given.write_csv(tmp_path, given.table(seed=1).assign(size=7), "reference.csv")
    given.write_csv(tmp_path, given.table(seed=2).assign(size=7), "current.csv")

    found = monitor(given.monitoring(), root=tmp_path).features["size"]

    assert (found["state"], found["psi"], found["verdict"]) == ("same_constant", None, "ok")


def test_a_move_away_from_a_constant_is_drift_in_both_directions(tmp_path):
    for value in (6.0, 8.0):
        found = numeric_drift(np.full(300, 7.0), np.full(300, value))
        assert found.psi > 1


def test_drift_in_one_segment_is_found_though_the_whole_is_steady(tmp_path):
    before = pd.concat([given.table(seed=1).assign(country=c) for c in ("US", "IT")])
    after = given.table(seed=2)
    moved = given.table(seed=3).assign(country="IT")
    moved["size"] += 8
    calm = pd.concat([after.assign(country="US"), given.table(seed=4).assign(country="US")] * 5)
    new = given.table(seed=5).head(50).assign(country="JP")
    given.write_csv(tmp_path, before, "reference.csv")
    given.write_csv(tmp_path, pd.concat([calm, moved, new]), "current.csv")

    result = monitor(given.monitoring(segments=[{"column": "country"}]), root=tmp_path)

    assert result.features["size"]["verdict"] != "drift"
    assert {name: part["verdict"] for name, part in result.segments.items()} == {
        "country=IT": "drift", "country=JP": "not scored", "country=US": "ok",
    }  # fmt: skip
    assert result.segments["country=JP"]["state"] == "new"
    assert result.verdict == "drift"
    assert "In country=IT 1 of 2 features drifted (size)" in " ".join(each.text for each in result.findings)


def test_a_small_segment_is_not_scored(tmp_path):
    result = watched(tmp_path, segments=[{"column": "colour"}])

    assert {part["state"] for part in result.segments.values()} == {"too_few"}


def test_the_distance_of_jensen_and_shannon_can_be_a_limit(tmp_path):
    moved = given.table(seed=2)
    moved["size"] += 4

    result = watched(tmp_path, moved, limits={"js_distance": 0.1})

    assert result.features["size"]["verdict"] == "drift"


numbers = arrays(np.float64, st.integers(0, 60), elements=st.floats(-1e3, 1e3) | st.just(float("nan")))
kinds = st.sampled_from(["quantiles", "sturges"])


@settings(deadline=None)
@examples(numbers, numbers, kinds)
def test_whatever_the_samples_are_shares_are_shares_and_measures_are_finite(reference, current, binning):
    before, now = shares_of(reference, current, binning)
    found = numeric_drift(reference, current, binning)

    for shares in (before, now):
        assert ((shares >= 0) & (shares <= 1)).all()
        assert shares.sum() == pytest.approx(1) or not np.isfinite(reference).any() or not shares.any()
    assert found.psi >= -1e-12
    assert 0 <= found.js <= np.sqrt(np.log(2)) + 1e-12


@settings(deadline=None)
@examples(numbers, numbers, kinds)
def test_a_feature_always_gets_a_state_and_a_verdict(reference, current, binning):
    before, now = (pd.DataFrame({"size": part, "colour": "a"}) for part in (reference, current))
    spec = given.monitoring(binning=binning)

    found = watch_feature(spec, "size", before, now) if len(before) and len(now) else None

    if found is not None:
        assert found["verdict"] in ("ok", "warning", "drift")
        assert (found["psi"] is None) == (found["state"] in ("empty", "no_reference", "same_constant"))
        assert found["state"] == feature_state(before["size"], now["size"])
        assert feature_verdict(found, DriftLimits()) == found["verdict"]


@examples(st.lists(st.sampled_from("abc"), min_size=1), st.lists(st.sampled_from("abcd"), min_size=1))
def test_chi_squared_against_the_reference_is_told_for_new_categories_too(before, now):
    texts = [np.array(part, dtype=object) for part in (before, now)]

    found = categorical_drift(*texts, "sturges", "against_reference")

    assert found.p_value is None or 0 <= found.p_value <= 1
    if set(now) - set(before):
        assert (found.statistic, found.p_value) == (None, 0.0)
