"""Drift as Evidently and scipy measure it, on the same data, within 1e-6 where the definition is the same."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.spatial import distance

from lifecycle.executors.bins import shares_of
from lifecycle.executors.columns import as_texts, try_numbers
from lifecycle.executors.drift import categorical_drift, category_counts, numeric_drift

ROOT = Path(__file__).parents[2]
SCRIPT = Path(__file__).with_name("evidently_drift.py")
NUMBERS = ("size", "skewed", "few", "holes", "same")
TEXTS = ("colour", "many")


def window(seed, rows, shift):
    rng = np.random.default_rng(seed)
    holes = rng.normal(shift, 1, rows)
    holes[rng.random(rows) < 0.2] = np.nan
    return pd.DataFrame(
        {
            "size": rng.normal(50 + 5 * shift, 10, rows),
            "skewed": rng.lognormal(shift, 1, rows),
            "few": rng.integers(0, 5 + int(shift), rows),
            "holes": holes,
            "same": rng.normal(0, 1, rows),
            "colour": rng.choice(["red", "green", "blue"], rows, p=[0.5 - shift / 4, 0.3, 0.2 + shift / 4]),
            "many": rng.choice([f"k{number}" for number in range(15)], rows),
        }
    )


@pytest.fixture(scope="module")
def windows():
    return window(1, 900, 0.0), window(2, 700, 1.0)


@pytest.fixture(scope="module")
def evidently(windows, tmp_path_factory):
    folder = tmp_path_factory.mktemp("evidently")
    for name, frame in zip(("reference", "current"), windows, strict=True):
        frame.to_csv(folder / f"{name}.csv", index=False)
    asked = {
        "columns": {**dict.fromkeys(NUMBERS, "num"), **dict.fromkeys(TEXTS, "cat")},
        "metrics": [
            *((name, method) for name in NUMBERS for method in ("psi", "jensenshannon", "ks")),
            *((name, method) for name in TEXTS for method in ("psi", "jensenshannon", "chisquare")),
        ],
    }
    files = [str(folder / "reference.csv"), str(folder / "current.csv")]
    python = str(ROOT / ".venv-peers/bin/python")
    done = subprocess.run(
        [python, str(SCRIPT), *files, json.dumps(asked)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


def ours(windows, name):
    before, now = windows[0][name], windows[1][name]
    if name in NUMBERS:
        return numeric_drift(try_numbers(before)[0], try_numbers(now)[0], "sturges")
    return categorical_drift(as_texts(before), as_texts(now), "sturges", "against_reference")


@pytest.mark.parametrize("name", [*NUMBERS, *TEXTS])
def test_index_and_distance_are_those_of_evidently(windows, evidently, name):
    found = ours(windows, name)

    assert found.psi == pytest.approx(evidently[f"{name}:psi"], abs=1e-6)
    assert found.js == pytest.approx(evidently[f"{name}:jensenshannon"], abs=1e-6)


@pytest.mark.parametrize("name", NUMBERS)
def test_kolmogorov_smirnov_is_that_of_evidently_and_scipy(windows, evidently, name):
    found = ours(windows, name)
    expected = stats.ks_2samp(windows[0][name].dropna(), windows[1][name].dropna())

    assert found.p_value == pytest.approx(evidently[f"{name}:ks"], abs=1e-6)
    assert (found.statistic, found.p_value) == pytest.approx((expected.statistic, expected.pvalue), abs=1e-12)


@pytest.mark.parametrize("name", TEXTS)
def test_chi_squared_is_that_of_evidently_and_scipy(windows, evidently, name):
    before, now = as_texts(windows[0][name]), as_texts(windows[1][name])
    _, counts_before, counts_now = category_counts(before, now)
    two_samples = stats.chi2_contingency(np.array([counts_before, counts_now]), correction=False)

    assert ours(windows, name).p_value == pytest.approx(evidently[f"{name}:chisquare"], abs=1e-6)
    assert categorical_drift(before, now).p_value == pytest.approx(two_samples.pvalue, abs=1e-12)


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("binning", ["quantiles", "sturges"])
def test_the_distance_is_that_of_scipy_on_the_same_bins(windows, name, binning):
    before, now = (try_numbers(part[name])[0] for part in windows)

    assert numeric_drift(before, now, binning).js == pytest.approx(
        distance.jensenshannon(*shares_of(before, now, binning)), abs=1e-12
    )
