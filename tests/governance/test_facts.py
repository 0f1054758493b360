"""What criteria may look at: only what counts, only of this model, and never an error."""

import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from governance.queries.facts import _clean, _data_facts, _numbers, _run_facts, facts_of
from governance.services.gates import look_at
from lifecycle.models import Phase
from tests import make, make_gates
from tests.governance.given import first_task, measured, reviewers

pytestmark = pytest.mark.django_db


@pytest.fixture
def gate():
    return make_gates.gate(make_gates.project(expression="metrics.accuracy > 0.9"))


def verdict(gate):
    _facts, (judged,) = look_at(gate)
    return judged.verdict


def facts(gate):
    return facts_of(gate).variables


def test_without_evidence_nothing_is_met(gate):
    assert facts(gate)["metrics"] == {}
    assert verdict(gate) == "not_met"


def test_metrics_and_slices_come_from_the_evidence_of_the_model(gate):
    record = {"metrics": {"accuracy": 0.95, "rows": 7}, "slices": {"country=US": {"accuracy": 0.9}}}
    measured(first_task(gate), gate.model_version, record)

    found = facts(gate)

    assert found["metrics"] == {"accuracy": 0.95, "rows": 7.0}
    assert found["slices"] == {"country=US": {"accuracy": 0.9}}
    assert verdict(gate) == "met"


def test_another_version_s_numbers_do_not_speak_for_this_one(gate):
    other = make.model_version(gate.iteration.project)
    measured(first_task(gate), other, {"metrics": {"accuracy": 0.99}})

    assert verdict(gate) == "not_met"


@pytest.mark.parametrize("state", ["expired", "rejected"])
def test_evidence_that_no_longer_stands_does_not_count(gate, state):
    measured(first_task(gate), gate.model_version, {"metrics": {"accuracy": 0.99}}, state=state)

    assert verdict(gate) == "not_met"


def test_evidence_of_another_iteration_or_kind_does_not_count(gate):
    measured(first_task(gate), gate.model_version, {"metrics": {"accuracy": 0.99}}, kind="MON")
    elsewhere = make_gates.gate()
    measured(first_task(elsewhere), gate.model_version, {"metrics": {"accuracy": 0.99}})

    assert verdict(gate) == "not_met"


def test_an_evaluation_overrides_what_the_training_measured(gate):
    measured(first_task(gate), gate.model_version, {"metrics": {"accuracy": 0.7}}, kind="EVR")
    measured(first_task(gate), gate.model_version, {"metrics": {"accuracy": 0.99}}, kind="TRN")

    assert facts(gate)["metrics"] == {"accuracy": 0.7}


@pytest.mark.parametrize("value", [None, "0.99", True, [0.99], {"mean": 0.99}])
def test_a_metric_that_is_no_number_is_missing(gate, value):
    measured(first_task(gate), gate.model_version, {"metrics": {"accuracy": value}})

    assert verdict(gate) == "not_met"


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf"), 10**400])
def test_numbers_that_are_none_are_missing(number):
    assert _clean({"accuracy": number, "other": 1}) == {"other": 1.0}


@pytest.mark.parametrize(
    "record",
    [
        {"metrics": [1, 2]},
        {"metrics": "good", "slices": [1], "split": 3, "rows": "many", "data": []},
        {"slices": {"country=US": "good"}},
        {"metrics": None, "slices": None, "data": None},
        {},
    ],
)
def test_a_record_of_another_shape_is_no_error_and_no_pass(gate, record):
    measured(first_task(gate), gate.model_version, record)

    assert verdict(gate) == "not_met"
    assert make_gates.evaluation(gate).verdict is False


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=12,
)


@given(
    record=st.fixed_dictionaries(
        {}, optional=dict.fromkeys(("metrics", "slices", "split", "rows", "data"), _json)
    )
)
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_record_whatever_its_shape_breaks_the_facts(record):
    metrics, slices = _numbers([record])
    _run_facts([record], reproduced=False)
    _data_facts([record])

    for values in (metrics, *slices.values()):
        assert all(isinstance(value, float) and math.isfinite(value) for value in values.values())


def test_a_model_is_reproduced_by_two_trainings_only(gate):
    measured(first_task(gate), gate.model_version, {"metrics": {}})
    measured(first_task(gate), gate.model_version, {"metrics": {}}, kind="EVR")
    assert facts(gate)["run"]["reproduced"] is False

    measured(first_task(gate), gate.model_version, {"metrics": {}})
    assert facts(gate)["run"]["reproduced"] is True


def test_the_previous_version_is_the_last_one_authorized_for_this_environment():
    home = make_gates.project(required=1)
    asked = make_gates.gate(home)
    measured(first_task(asked), asked.model_version, {"metrics": {"accuracy": 0.8}})
    make_gates.signed(asked, *reviewers(asked, 1))
    Phase.objects.filter(iteration=asked.iteration, key="P1").update(state="in_review")

    here = make_gates.gate(home)
    assert facts(here)["previous"]["metrics"] == {"accuracy": 0.8}

    here.environment = "staging"
    assert facts(here)["previous"] is None


def test_lapsed_evidence_is_seen_until_newer_of_its_kind_stands(gate):
    task = first_task(gate)
    measured(task, gate.model_version, {}, state="expired")
    assert [item["expired"] for item in facts(gate)["evidence"]] == [True]

    measured(task, gate.model_version, {})
    assert [item["expired"] for item in facts(gate)["evidence"]] == [False]


def test_risks_up_to_the_gate_s_phase_are_looked_at(gate):
    later = gate.iteration.phases.get(key="P2").tasks.first()
    here, _there = make.risk(first_task(gate)), make.risk(later)

    keys = [risk["key"] for risk in facts(gate)["risks"]]

    assert here.key in keys
    assert len(keys) == 2  # and the one of the process
    assert {risk["acceptable"] for risk in facts(gate)["risks"]} == {False}


def test_requirements_say_whether_they_are_met(gate):
    home = gate.iteration.project
    make.requirement(home, key="a", limit=0.9)
    make.requirement(home, key="b", limit=0.99)
    make.requirement(home, key="c", limit=0.1, slice="country=US")
    make.requirement(home, key="d", state="superseded")
    make.requirement(home, key="e", state="draft")
    measured(first_task(gate), gate.model_version, {"metrics": {"accuracy": 0.95}})

    assert {item["key"]: item["met"] for item in facts(gate)["requirements"]} == {
        "a": True, "b": False, "c": False,
    }  # fmt: skip


@pytest.mark.parametrize(("count", "queries"), [(1, 15), (5, 14)])
def test_looking_costs_the_same_for_any_number_of_records(gate, django_assert_num_queries, count, queries):
    """A single training is asked once more, whether it was done again; several have shown that already."""
    for _ in range(count):
        measured(first_task(gate), gate.model_version, {"metrics": {"accuracy": 0.95}})
        make.risk(first_task(gate))
        make_gates.finding(gate.iteration.project)
    gate.refresh_from_db()

    with django_assert_num_queries(queries):
        facts_of(gate)
