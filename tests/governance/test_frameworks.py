"""The catalogues of frameworks are whole: ids once, checks that exist, as many controls as there are."""

import re
from pathlib import Path

import pytest
import yaml

from governance.compliance.catalogue import checks, frameworks
from lifecycle.definitions.builtin import catalogue
from tests.governance import control_ids as known_ids

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


LABELS = {
    "eu-ai-act": [f"Art. {each}" for each in known_ids.AI_ACT]
    + [f"Annex IV.{each}" for each in known_ids.ANNEX_IV],
    "nist-ai-rmf": [
        f"{function} {category}.{number}"
        for function, sizes in known_ids.AI_RMF.items()
        for category, size in enumerate(sizes, start=1)
        for number in range(1, size + 1)
    ],
    "iso-42001": [f"Clause {each}" for each in known_ids.ISO_42001_CLAUSES] + known_ids.ISO_42001_ANNEX_A,
    "us-model-risk": [f"MRM-{each}" for each in known_ids.US_MODEL_RISK],
    "uk-ss1-23": [f"P{each}" for each in known_ids.UK_SS1_23],
    "21-cfr-part-11": [f"§ 11.{each}" for each in known_ids.PART_11],
}


@pytest.mark.parametrize("name", LABELS)
def test_no_control_is_missing_and_none_is_made_up(name):
    assert sorted(control["label"] for control in controls(name)) == sorted(LABELS[name])


def test_change_and_access_names_its_ids_in_all_three_standards():
    found = {
        control["id"].removeprefix("change-"): control["same_as"] for control in controls("change-and-access")
    }

    assert set(found) == set(known_ids.CHANGE_AND_ACCESS)
    for topic, listed in known_ids.CHANGE_AND_ACCESS.items():
        for standard, ids in zip(("soc2", "iso27001", "nist80053"), listed, strict=True):
            assert set(ids.split()) <= set(re.findall(r"[A-Z0-9][A-Z0-9.()-]*", found[topic][standard])), (
                topic
            )


def test_every_check_is_there():
    assert sorted(checks()) == known_ids.CHECKS


def test_controls_name_tasks_of_the_process():
    tasks = {task.key for task in catalogue().tasks}
    for document in frameworks():
        for control in document.controls:
            assert set(control.tasks) <= tasks, control.id
