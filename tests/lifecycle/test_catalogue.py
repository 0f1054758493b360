import re
import time
from collections import Counter

import cel
import jsonschema
import pytest

from lifecycle.definitions import (
    OWN,
    EvidenceKind,
    Provability,
    catalogue,
    digest,
    json_schema,
    plain,
    problems,
)
from lifecycle.definitions.builtin import CATALOGUE_FILE
from lifecycle.definitions.schema import SCHEMA_FILE, schema_text
from lifecycle.definitions.text import dump_yaml, load_yaml

PAPER_TASKS = {
    "P1": "1.1 1.2.1 1.2.2 1.2.3 1.3 1.3.1 1.3.2 1.3.3 1.4 1.4.1 1.5.1 1.5.2 1.5.3 1.6",
    "P2": "2.1.1 2.1.2 2.1.3 2.2.1 2.2.2 2.3.1 2.3.2 2.4.1 2.4.2",
    "P3": "3.1 3.2 3.3 3.4 3.5 3.6 3.7 3.8 3.9.1 3.9.2 3.9.3",
    "P4": "4.1 4.2 4.3 4.4",
    "P5": "5.1 5.2 5.3 5.4 5.5",
    "P6": "6.1 6.2",
}
SITE_TASKS = {
    "P1": "W1.1 W1.2 W1.3",
    "P2": "W2.1 W2.2 W2.3 W2.4",
    "P3": "W3.1 W3.2",
    "P4": "W4.1",
    "P5": "W5.1 W5.2",
    "P6": "W6.1 W6.2 W6.3 W6.4",
}
CASE_TASKS = "2.1.3 2.2.1 2.3.2 3.6 3.7 3.8"
RUNS = {"DVR", "TRN", "EVR", "DPR", "MON"}
BY_RUN = (
    "1.4 1.4.1 1.5.3 2.1.2 2.2.2 2.4.1 2.4.2 3.5 3.7 3.9.1 3.9.2 4.1 4.2 5.1 5.2 5.5 6.1 6.2"
    " W1.3 W2.1 W2.3 W2.4 W3.1 W3.2 W6.1"
)
BY_REVIEW = "1.1 1.2.1 1.2.2 1.2.3 1.3.2 1.6 3.1 5.3 W1.2 W4.1 W6.4"


def numbered(prefix, count):
    return [f"{prefix}{number:02d}" for number in range(1, count + 1)]


def by_phase(counts, kind):
    return [key for phase, count in enumerate(counts, 1) for key in numbered(f"{kind}{phase}-", count)]


def keys(parts):
    return [part.key for part in parts]


def test_the_six_phases_have_the_papers_names():
    assert [(phase.key, phase.name) for phase in catalogue().phases] == [
        ("P1", "Business and Data Understanding"),
        ("P2", "Data Preparation"),
        ("P3", "Modeling"),
        ("P4", "Evaluation"),
        ("P5", "Deployment"),
        ("P6", "Monitoring and Maintenance"),
    ]
    assert keys(catalogue().gates) == ["G1", "G2", "G3", "G4", "G5", "G6", "GU", "GX"]
    assert [phase.gate for phase in catalogue().phases] == ["G1", "G2", "G3", "G4", "G5", "G6"]


@pytest.mark.parametrize("phase", PAPER_TASKS)
def test_every_phase_has_its_tasks(phase):
    wanted = PAPER_TASKS[phase].split() + SITE_TASKS[phase].split()

    assert keys(catalogue().tasks_of(phase)) == wanted


def test_there_are_45_tasks_of_the_paper_and_16_of_ml_ops_org():
    tasks = catalogue().tasks

    assert (sum(task.key[0] != "W" for task in tasks), sum(task.key[0] == "W" for task in tasks)) == (45, 16)
    for task in tasks:
        citation = "ml-ops.org, " if task.key[0] == "W" else "Studer et al. 2021, 3."
        assert all(source.startswith(citation) for source in task.sources), task.key


def test_optional_are_the_sites_tasks_and_those_that_depend_on_the_case():
    optional = {task.key for task in catalogue().tasks if task.optional}

    assert optional == {*" ".join(SITE_TASKS.values()).split(), *CASE_TASKS.split()}


def test_there_are_102_risks_and_113_methods():
    doc = catalogue()

    assert keys(doc.risks) == by_phase([24, 20, 17, 13, 13, 15], "R")
    assert keys(doc.methods) == by_phase([25, 22, 21, 13, 15, 17], "Q")
    assert all(risk.phase == f"P{risk.key[1]}" for risk in doc.risks)


def test_85_risks_rest_first_of_all_on_the_paper_and_one_on_no_source():
    risks = catalogue().risks

    assert sum(risk.sources[0].startswith("Studer") for risk in risks) == 85
    assert [risk.key for risk in risks if risk.sources == (OWN,)] == ["R2-19"]


def test_methods_that_no_source_names_are_marked_as_our_own():
    own = [method.key for method in catalogue().methods if method.sources == (OWN,)]

    assert own == ["Q1-15", "Q2-21", "Q3-13", "Q6-15"]


def test_every_risk_has_a_method_and_every_method_a_risk():
    doc = catalogue()

    assert all(risk.methods for risk in doc.risks)
    assert {key for risk in doc.risks for key in risk.methods} == {method.key for method in doc.methods}


def test_every_task_has_a_risk_but_those_known_to_have_none():
    doc = catalogue()
    bare = [task.key for task in doc.tasks if not doc.risks_of(task.key)]

    assert bare == ["W1.1", "W5.2", "W6.1", "W6.2", "W6.3", "W6.4"]


def test_loops_handoffs_and_triggers_are_complete():
    doc = catalogue()

    assert keys(doc.loops) == numbered("L", 15)
    assert keys(doc.handoffs) == numbered("H-", 26)
    assert keys(doc.triggers) == numbered("T-", 30)


def test_every_part_names_its_source():
    doc = catalogue()
    lists = [doc.phases, doc.tasks, doc.risks, doc.methods, doc.loops, doc.handoffs, doc.triggers, doc.gates]

    assert all(part.sources for parts in lists for part in parts)


def test_proof_asks_for_runs_and_reviews_as_its_provability_says():
    later = {"1.3.3", "3.2"}  # agreed now, measured in a later phase
    for task in catalogue().tasks:
        kinds = {str(item.kind) for item in task.proof.evidence}
        if task.proof.provability is Provability.RUN:
            assert kinds <= RUNS, task.key
        elif task.proof.provability is Provability.REVIEW:
            assert not kinds & RUNS, task.key
        else:
            assert kinds - RUNS, task.key
            assert kinds & RUNS or task.key in later, task.key


def test_provability_is_as_published():
    found = {task.key: task.proof.provability for task in catalogue().tasks}

    assert {key for key, value in found.items() if value is Provability.RUN} == set(BY_RUN.split())
    assert {key for key, value in found.items() if value is Provability.REVIEW} == set(BY_REVIEW.split())


def test_every_kind_of_evidence_is_asked_for_somewhere():
    kinds = {item.kind for task in catalogue().tasks for item in task.proof.evidence}

    assert kinds == set(EvidenceKind)


def test_the_eight_plain_steps_are_all_there():
    steps = Counter(task.plain_step for task in catalogue().tasks if task.key[0] != "W")

    assert {step: steps[step] for step in range(1, 9)} == {1: 2, 2: 3, 3: 9, 4: 5, 5: 6, 6: 4, 7: 5, 8: 2}


def test_only_the_deployment_gate_authorizes_and_asks_for_two_signatures():
    gates = {gate.key: gate for gate in catalogue().gates}

    assert [key for key, gate in gates.items() if gate.authorizes] == ["G4"]
    assert {key: gate.signatures.required for key, gate in gates.items()} == {
        **dict.fromkeys(gates, 1),
        "G4": 2,
    }
    assert gates["G4"].signatures.roles == ("reviewer",)
    assert all("reviewer" in gate.signatures.roles for gate in gates.values())


FACTS = {
    "metrics": {"rmse": 2.0},
    "slices": {"country=IT": {"rmse": 2.5}},
    "previous": {"metrics": {"rmse": 2.2}, "slices": {"country=IT": {"rmse": 2.6}}},
    "tasks": [{"key": "W2.3", "phase": "P2", "state": "verified", "mandatory": False, "verified": True}],
    "handoffs": [
        {"key": key, "phase": "P6", "state": "accepted"} for key in ("H-17", "H-19", "H-26")
    ],
    "requirements": [
        {"key": "q", "gate": "G4", "metric": "rmse", "slice": "", "blocking": True, "met": True}
    ],
    "risks": [{"key": "R4-05", "phase": "P4", "score": 4, "appetite": 6, "acceptable": True}],
    "findings": [{"severity": "critical", "state": "settled", "open": False}],
    "evidence": [
        {"kind": kind, "task": task.key, "verified": True, "expired": False}
        for task in catalogue().tasks
        for kind in [str(item.kind) for item in task.proof.evidence]
    ],
    "run": {"rows_test": 100, "reproduced": True},
    "data": {"digest": "ab" * 32},
    "monitoring": {"rows": 10},
    "scope": {"country": ["US"]},
}  # fmt: skip
NOTHING = {
    "metrics": {}, "slices": {}, "previous": None, "tasks": [], "handoffs": [], "requirements": [],
    "risks": [], "findings": [{"severity": "critical", "state": "open", "open": True}], "evidence": [],
    "run": {}, "data": {}, "monitoring": {}, "scope": {},
}  # fmt: skip
CRITERIA = [
    pytest.param(gate, criterion, id=f"{gate.key}/{criterion.key}")
    for gate in catalogue().gates
    for criterion in gate.criteria
]


@pytest.mark.parametrize(("gate", "criterion"), CRITERIA)
def test_every_criterion_holds_over_good_facts_and_is_readable_over_none(gate, criterion):
    assert cel.evaluate(criterion.expression, FACTS) is True
    assert cel.evaluate(criterion.expression, NOTHING) in (True, False)
    assert criterion.words


@pytest.mark.parametrize("gate", catalogue().gates, ids=lambda gate: gate.key)
def test_no_gate_opens_over_nothing(gate):
    blocking = [criterion for criterion in gate.criteria if criterion.blocking]

    assert not all(cel.evaluate(criterion.expression, NOTHING) for criterion in blocking)


MANUAL = {"T-01": {"reason": "why"}, "T-02": {"due": "2026-01-01T06:00:00+00:00"}}


@pytest.mark.parametrize("trigger", catalogue().triggers, ids=lambda trigger: trigger.key)
def test_a_trigger_does_not_hold_over_an_event_without_its_fields(trigger):
    event = MANUAL.get(trigger.key, {})

    held = cel.evaluate(trigger.condition, {"event": event, "params": dict(trigger.params)})

    assert held is (trigger.key in MANUAL)


@pytest.mark.parametrize(
    ("key", "event"),
    [
        ("T-03", {"rows_new": 1000, "verified": True}),
        ("T-04", {"limits_broken": 1}),
        ("T-06", {"share_drifted": 0.5}),
        ("T-09", {"type_violations": 0, "out_of_range_share": 0.5, "missing_increase": 0.0}),
        ("T-14", {"change": "code", "training_code": True}),
        ("T-20", {"severity": "high"}),
        ("T-22", {"broken": ["rmse[country=IT]"]}),
        ("T-25", {"unseen_share": 1.0}),
        ("T-29", {"test_set_uses": 11}),
    ],
)
def test_a_trigger_holds_over_what_it_is_for(key, event):
    trigger = catalogue().trigger(key)

    assert cel.evaluate(trigger.condition, {"event": event, "params": dict(trigger.params)}) is True


def test_texts_are_plain_sentences():
    doc = catalogue()
    texts = [task.summary for task in doc.tasks] + [risk.text for risk in doc.risks]
    texts += [method.text for method in doc.methods] + [trigger.signal for trigger in doc.triggers]

    assert len(set(texts)) == len(texts)
    for text in texts:
        assert re.fullmatch(r"[A-Z].*[.]", text), text
        assert "  " not in text, text


def test_the_catalogue_has_no_problem_and_reads_fast():
    raw = CATALOGUE_FILE.read_bytes()
    best = min(_seconds(raw) for _ in range(3))

    assert problems(catalogue()) == []
    assert best < 0.3


def _seconds(raw):
    start = time.process_time()
    load_yaml(raw)
    return time.process_time() - start


def test_the_catalogue_file_is_what_writing_it_gives():
    text = CATALOGUE_FILE.read_text(encoding="utf-8")
    head = "".join(line for line in text.splitlines(keepends=True) if line.startswith("#"))

    assert head + dump_yaml(catalogue()) == text


def test_the_published_schema_is_current_and_the_catalogue_follows_it():
    assert SCHEMA_FILE.read_text(encoding="utf-8") == schema_text(), "run: manage.py process_schema --write"
    validator = jsonschema.Draft202012Validator(json_schema())
    validator.check_schema(json_schema())

    assert list(validator.iter_errors(plain(catalogue()))) == []


def test_the_digest_of_the_catalogue_is_64_hex_digits_and_follows_the_content():
    doc = catalogue()
    other = doc.model_copy(update={"name": "Other"})

    assert re.fullmatch(r"[0-9a-f]{64}", digest(doc))
    assert digest(load_yaml(dump_yaml(doc))) == digest(doc) != digest(other)
