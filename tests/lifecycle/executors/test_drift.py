import numpy as np
import pytest
from hypothesis import given as examples
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from lifecycle.executors.drift import (
    categorical_drift,
    numeric_drift,
    numeric_shares,
    psi_of_shares,
    quantile_edges,
)

values = arrays(np.float64, st.integers(1, 200), elements=st.floats(-1e6, 1e6) | st.just(float("nan")))
counts = st.lists(st.integers(0, 1000), min_size=2, max_size=12).filter(any)
labels = st.lists(st.sampled_from("abcde"), min_size=1, max_size=100).map(
    lambda items: np.array(items, dtype=object)
)


def shares(items):
    whole = np.array(items, dtype=float)
    return whole / whole.sum()


@examples(values)
def test_psi_of_a_sample_with_itself_is_zero(sample):
    assert numeric_drift(sample, sample).psi == pytest.approx(0, abs=1e-12)


@examples(values, values)
def test_psi_is_never_negative(reference, current):
    assert numeric_drift(reference, current).psi >= 0


@examples(st.data(), counts)
def test_psi_of_shares_is_symmetric(data, left):
    right = data.draw(st.lists(st.integers(0, 1000), min_size=len(left), max_size=len(left)).filter(any))

    assert psi_of_shares(shares(left), shares(right)) == pytest.approx(
        psi_of_shares(shares(right), shares(left))
    )


@examples(values, values)
def test_shares_of_all_bins_add_up_to_one(reference, current):
    assert numeric_shares(current, quantile_edges(reference)).sum() == pytest.approx(1)


@examples(labels, labels)
def test_categorical_psi_does_not_depend_on_the_order_of_rows(reference, current):
    assert categorical_drift(reference, current).psi == pytest.approx(
        categorical_drift(reference[::-1], np.sort(current)).psi
    )
    assert categorical_drift(reference, reference).psi == pytest.approx(0, abs=1e-12)


def test_psi_agrees_with_a_sum_by_hand():
    psi = psi_of_shares(np.array([0.5, 0.5]), np.array([0.7, 0.3]))

    assert psi == pytest.approx(0.2 * np.log(0.7 / 0.5) - 0.2 * np.log(0.3 / 0.5))


def test_psi_of_equal_samples_of_one_distribution_is_small_and_of_a_shift_large():
    rng = np.random.default_rng(0)
    reference = rng.normal(size=5000)

    assert numeric_drift(reference, rng.normal(size=5000)).psi < 0.02
    assert numeric_drift(reference, rng.normal(1, 1, size=5000)).psi > 0.5


def test_the_numeric_test_is_that_of_scipy():
    rng = np.random.default_rng(1)
    reference, current = rng.normal(size=300), rng.normal(0.3, 1, size=200)

    found = numeric_drift(reference, current)

    expected = stats.ks_2samp(reference, current)
    assert (found.statistic, found.p_value) == (expected.statistic, expected.pvalue)


def test_the_categorical_test_is_that_of_scipy():
    reference = np.array(["a"] * 60 + ["b"] * 40, dtype=object)
    current = np.array(["a"] * 30 + ["b"] * 60 + ["c"] * 10, dtype=object)

    found = categorical_drift(reference, current)

    expected = stats.chi2_contingency([[60, 40, 0], [30, 60, 10]], correction=False)
    assert found.statistic == pytest.approx(expected.statistic)
    assert found.p_value == pytest.approx(expected.pvalue)


def test_a_chart_can_be_drawn_from_the_histogram():
    rng = np.random.default_rng(2)
    found = numeric_drift(rng.normal(size=500), rng.normal(2, 1, size=500)).histogram

    assert len(found["edges"]) == len(found["reference"]) + 1 == len(found["current"]) + 1
    assert sum(found["reference"]) == pytest.approx(1)
    assert sum(found["current"]) == pytest.approx(1)


def test_many_categories_are_added_up_in_the_chart():
    many = np.array([f"c{number}" for number in range(100)], dtype=object)

    bars = categorical_drift(many, many).histogram

    assert bars["categories"][-1] == "(other)"
    assert sum(bars["reference"]) == pytest.approx(1)
