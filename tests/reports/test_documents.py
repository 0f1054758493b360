import dataclasses
import hashlib
import json
from dataclasses import replace
from datetime import date

import jsonschema
import pytest

from reports.documents import Bound, Mark, Measure, State, five_answers, verdict
from reports.documents.evidence import evidence_bytes, evidence_document, evidence_schema, plain
from reports.documents.measures import limit_words, number
from tests.reports import story

STORIES = [story.whole, story.fresh, story.bare, story.crowded, story.awkward]


@pytest.mark.parametrize(
    ("value", "limit", "bound", "met"),
    [
        (0.6, 0.5, Bound.AT_LEAST, True),
        (0.5, 0.5, Bound.AT_LEAST, True),
        (0.4, 0.5, Bound.AT_LEAST, False),
        (0.4, 0.5, Bound.AT_MOST, True),
        (0.6, 0.5, Bound.AT_MOST, False),
        (None, 0.5, Bound.AT_MOST, False),
        (0.6, None, Bound.AT_LEAST, None),
    ],
)
def test_a_measure_is_met_by_value_and_never_without_one(value, limit, bound, met):
    assert Measure(name="m", value=value, limit=limit, bound=bound).met is met


def test_numbers_are_printed_with_their_unit_and_limits_with_their_sign():
    assert (number(1.25, 1, "%"), number(None)) == ("1.2 %", "–")
    assert limit_words(2.0, Bound.AT_MOST, 1, "%") == "≤ 2.0 %"
    assert limit_words(None, Bound.AT_LEAST) == ""


def test_the_story_answers_five_questions():
    answers = five_answers(story.whole())

    assert [(a.mark.state.value, a.why, a.section) for a in answers] == [
        ("ok", "2 deployments run, each with the digest that was signed.", "deployments"),
        ("ok", "12 windows judged; the last is in limits.", "monitoring"),
        ("warn", "All 3 are below the limit of 10; watched: R6-02.", "risks"),
        ("warn", "1 finding open, 1 waiver in force, 1 handoff returned or late.", "findings"),
        ("ok", f"30 ledger entries, root {story.whole().ledger.root[:8]}…: intact.", "ledger"),
    ]


def test_the_verdict_names_what_needs_attention():
    said = verdict(story.whole())

    assert said.mark == Mark(state=State.WARN, word="In control, with attention")
    assert said.sentence == (
        "Yes, with attention to: Are the risks held? Is everything closed that should be?"
    )


def test_a_deployment_without_authorization_is_not_in_control():
    report = story.whole()
    loose = replace(report.deployments[0], authorization="")

    said = verdict(replace(report, deployments=(loose,)))

    assert said.mark.state is State.BAD
    assert said.sentence == "No. The answer is no to: Is what runs what was approved?"


def test_a_missed_live_limit_is_a_no_with_the_number():
    report = story.whole()
    last = report.monitoring.windows[-1]
    low = replace(last, performance=(replace(last.performance[0], value=0.41),))
    windows = (*report.monitoring.windows[:-1], low)

    answer = five_answers(replace(report, monitoring=replace(report.monitoring, windows=windows)))[1]

    assert (answer.mark.state, answer.why) == (State.BAD, "Last window MON-0014: ndcg@3 0.41 (≥ 0.57).")


def test_a_late_finding_and_a_broken_ledger_are_a_no():
    report = story.whole()
    late = replace(report.findings[0], due_on=date(2026, 11, 1))
    broken = replace(report.ledger, mark=Mark(state=State.BAD, word="broken at entry 7"))

    answers = five_answers(replace(report, findings=(late,), ledger=broken))

    assert [a.mark.state for a in answers[3:]] == [State.BAD, State.BAD]
    assert "broken at entry 7" in answers[4].why


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (story.bare, "Nothing runs yet: no iteration has been opened."),
        (story.fresh, "Nothing runs yet: no model has been trained."),
        (
            lambda: replace(story.whole(), deployments=()),
            "Nothing runs: a model has been trained, and none is deployed.",
        ),
    ],
)
def test_a_project_without_deployment_says_what_is_missing(make, sentence):
    said = verdict(make())

    assert (said.mark.word, said.sentence) == ("Not in use", sentence)


@pytest.mark.parametrize("make", STORIES)
def test_evidence_is_valid_against_its_published_schema(make):
    schema = evidence_schema()
    jsonschema.Draft202012Validator.check_schema(schema)

    jsonschema.Draft202012Validator(schema).validate(json.loads(evidence_bytes(make())))


def test_the_schema_refuses_a_digest_that_is_none():
    document = evidence_document(story.fresh())
    document["ledger"]["root"] = "not a digest"

    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, evidence_schema())


def test_evidence_is_canonical_and_the_same_for_equal_reports():
    first, second = evidence_bytes(story.whole()), evidence_bytes(story.whole())

    assert hashlib.sha256(first).digest() == hashlib.sha256(second).digest()
    assert (
        first
        == json.dumps(json.loads(first), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    )


def test_evidence_carries_runs_signatures_and_the_ledger():
    document = evidence_document(story.whole())
    run = document["iterations"][0]["runs"][2]
    signature = document["iterations"][1]["gates"][0]["signatures"][0]

    assert (document["schema"], document["as_of"]) == ("1.0", "2026-11-20T18:05:00Z")
    assert run["parameters"]["learning_rate"] == "0.08"
    assert [m["slice"] for m in run["measures"]][:3] == ["", "", "country=US"]
    assert signature["digest"] == document["iterations"][1]["gates"][0]["package_digest"]
    assert (document["ledger"]["size"], document["ledger"]["first"], document["ledger"]["last"]) == (
        30,
        1,
        30,
    )
    assert len(document["snapshots"]) == 18


def test_each_piece_of_evidence_is_listed_once():
    report = story.whole()
    doubled = replace(report.iterations[0], evidence=report.iterations[0].tasks[0].evidence * 2)

    again = replace(report, iterations=(doubled, report.iterations[1]))

    assert len(again.evidence) == len(report.evidence)


def test_what_has_no_json_form_is_refused():
    with pytest.raises(TypeError, match="object"):
        plain(object())


def test_documents_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        story.bare().report_id = "other"
