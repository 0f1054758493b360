"""The catalogues of frameworks are whole: ids once, checks that exist, as many controls as there are."""

import re
from pathlib import Path

import pytest
import yaml

FOLDER = Path(__file__).resolve().parents[2] / "governance" / "frameworks"
SIZES = {
    "21-cfr-part-11": 32,
    "change-and-access": 20,
    "eu-ai-act": 147,
    "iso-42001": 70,
    "nist-ai-rmf": 72,
    "uk-ss1-23": 22,
    "us-model-risk": 23,
}


def document(name):
    return yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))


def controls(name):
    return [control for group in document(name)["groups"] for control in group["controls"]]


def test_there_are_these_catalogues_and_no_other():
    assert {path.stem for path in FOLDER.glob("*.yaml")} == {*SIZES, "checks"}


@pytest.mark.parametrize("name", SIZES)
def test_a_catalogue_is_whole(name):
    known = {
        each["id"] for each in yaml.safe_load((FOLDER / "checks.yaml").read_text(encoding="utf-8"))["checks"]
    }
    found = controls(name)
    ids = [control["id"] for control in found]

    assert len(ids) == len(set(ids)) == SIZES[name]
    assert all(re.fullmatch(r"[a-z][a-z0-9._-]*", each) for each in ids)  # what OSCAL takes for a token
    assert all(control["title"] and control["label"] for control in found)
    assert {check for control in found for check in control["checks"]} <= known
