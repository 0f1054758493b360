"""Documents filled from records: what they say, as of which moment, and at which cost."""

import datetime as dt
import hashlib
import json

import jsonschema
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.services import authorizations
from ledger.merkle import inclusion_proof, inclusion_ranges, root_of, verify_inclusion
from ledger.verification import verify
from lifecycle.services import measures, risks
from reports.documents import State, five_answers
from reports.documents.evidence import evidence_document, evidence_schema
from reports.queries.lifecycle import lifecycle_report
from reports.queries.measures import limit_from, limits_at, measures_of
from reports.queries.proofs import subtree_hashes
from tests import make, make_gates

HOUR = dt.timedelta(hours=1)


def lived_in(rows: int = 1):
    """A project with `rows` of each kind of record."""
    home = make_gates.project()
    trip = home.iterations.get()
    work = make.task(trip.phases.get(key="P1"), "1.1", "instantiated")
    for _each in range(rows):
        make.member(home, "reviewer", "DS")
        make.evidence(work)
        make.handoff(trip, "accepted")
        make.requirement(home)
        make.risk(work, "assessed")
        make.run(home, iteration=trip)
        make.run(home, "MON", iteration=trip, record=monitored())
        make.firing(make.trigger(home))
        gate = make_gates.gate(home)
        make_gates.evaluation(gate)
        gate.state, gate.decided_at = "refused", timezone.now()
        gate.save()
        make_gates.finding(home)
    return home


def monitored(value: float = 0.95, psi: float = 0.1):
    verdict = "drift" if psi > 0.25 else "ok"
    shape = {"kind": "numeric", "edges": [0, 1, 2], "reference": [0.5, 0.5], "current": [0.9, 0.1]}
    return {
        "verdict": verdict, "metrics": {"accuracy": value}, "main_metric": "accuracy", "slices": {},
        "limits": [{"metric": "accuracy", "slice": None, "op": ">=", "limit": 0.9}],
        "features": {"price": {"psi": psi, "p_value": 0.5, "histogram": shape, "verdict": verdict}},
        "rows": {"current": 10, "reference": 20, "labelled": 10}, "share_drifted": 0.0,
        "current": {"uri": "sales/us.parquet"}, "reference": {"uri": "sales/us.parquet"},
    }  # fmt: skip


def cost(project) -> int:
    with CaptureQueriesContext(connection) as seen:
        lifecycle_report(project)
    return len(seen)


@pytest.mark.django_db
def test_the_cost_does_not_grow_with_the_records():
    assert cost(lived_in(1)) == cost(lived_in(3))


@pytest.mark.django_db
def test_an_empty_project_has_a_report_too():
    report = lifecycle_report(make.small_project())

    assert (report.iterations, report.risks, report.live) == ((), (), ())
    assert [answer.mark.state for answer in five_answers(report)].count(State.BAD) == 0


@pytest.mark.django_db
def test_the_evidence_of_a_report_fits_its_schema():
    report = lifecycle_report(lived_in(2), verdict=verify())

    jsonschema.validate(evidence_document(report), evidence_schema())


@pytest.mark.django_db
def test_every_entry_of_the_project_is_proven_under_the_head():
    report = lifecycle_report(lived_in())

    assert report.ledger.entries
    for entry in report.ledger.entries:
        verify_inclusion(
            leaf=bytes.fromhex(entry.leaf_hash),
            index=entry.leaf_index,
            size=report.ledger.size,
            proof=[bytes.fromhex(each) for each in entry.proof],
            root=bytes.fromhex(report.ledger.root),
        )


@pytest.mark.django_db
def test_a_report_as_of_a_moment_is_the_same_whenever_it_is_made():
    home = lived_in()
    moment = timezone.now()
    before = lifecycle_report(home, as_of=moment)
    make.run(home, iteration=home.iterations.get())
    make_gates.finding(home)
    make.iteration(make.small_project())

    assert lifecycle_report(home, as_of=moment) == before


@pytest.mark.django_db
def test_a_rating_that_came_later_does_not_change_the_past():
    task = make.task(state="mitigating")
    home, worker = task.phase.iteration.project, task.owner
    risk, unrated = make.risk(task, text="Labels are late"), make.risk(task)
    risks.assess_risk(risk=risk, severity=5, occurrence=4, actor=worker)
    risks.refuse_risk(risk=risk, actor=worker)
    action = measures.choose_measure(risk=risk, method="Q1-01", name="Look again", actor=worker)
    then = timezone.now()
    before = lifecycle_report(home, as_of=then).risks
    measures.start_measure(action=action, performer=worker, actor=worker)
    measures.finish_measure(
        action=action, result="passed", evidence=make.evidence(task), severity=2, occurrence=1, actor=worker
    )
    risks.accept_risk(risk=risk, actor=worker)
    risks.assess_risk(risk=unrated, severity=3, occurrence=3, actor=worker)

    [past] = lifecycle_report(home, as_of=then).risks
    now = {each.code: each for each in lifecycle_report(home).risks}

    assert [past] == list(before)
    assert (past.residual_severity, past.residual_occurrence, past.mark.word) == (5, 4, "measure chosen")
    assert past.measure == "Look again (chosen)"
    assert (now[risk.key].severity, now[risk.key].residual_severity, now[risk.key].mark.word) == (
        5,
        2,
        "accepted",
    )
    assert now[risk.key].measure == "Look again (passed)"
    assert len(now) == 2


@pytest.mark.django_db
def test_an_authorization_that_was_suspended_later_held_before():
    given = make_gates.authorization()
    make_gates.deployment(given)
    manager = given.project.created_by
    then = timezone.now()
    before = lifecycle_report(given.project, as_of=then)
    authorizations.suspend_authorization(authorization=given, actor=manager, reason="Drift")
    during = timezone.now()
    authorizations.resume_authorization(authorization=given, actor=manager, reason="Mended")

    past, stopped, now = (
        lifecycle_report(given.project, as_of=moment) for moment in (then, during, timezone.now())
    )

    assert [each.authorizations[0].mark.word for each in (past, stopped, now)] == [
        "active",
        "suspended",
        "active",
    ]
    assert past == before
    assert (stopped.authorizations[0].reason, now.authorizations[0].reason) == ("Drift", "Mended")
    assert [each.deployments[0].mark.state for each in (past, stopped)] == [State.OK, State.BAD]


@pytest.mark.django_db
def test_a_decision_that_came_later_is_not_made_yet():
    home = make_gates.project()
    gate = make_gates.gate(home)
    make_gates.evaluation(gate)
    moment = timezone.now()
    gate.state, gate.decided_at = "passed", moment + HOUR
    gate.save()

    [shown] = lifecycle_report(home, as_of=moment).iterations[0].gates

    assert (shown.mark.word, shown.waiting) == ("open", True)


@pytest.mark.django_db
def test_a_live_model_whose_authorization_is_suspended_is_told_at_once():
    authorization = make_gates.authorization()
    make_gates.deployment(authorization)
    manager = authorization.project.created_by
    authorizations.suspend_authorization(authorization=authorization, actor=manager, reason="Drift")

    approved = five_answers(lifecycle_report(authorization.project))[0]

    assert approved.mark.state is State.BAD
    assert "D-" in approved.why


@pytest.mark.django_db
def test_each_market_is_judged_by_its_own_last_window():
    authorization = make_gates.authorization()
    make_gates.deployment(authorization)
    home = authorization.project
    for place, value in (("it", 0.5), ("us", 0.95)):
        record = monitored(value) | {"current": {"uri": f"sales/{place}.parquet"}}
        make.run(home, "MON", record=record)

    working = five_answers(lifecycle_report(home))[1]

    assert working.mark.state is State.BAD
    assert "accuracy 0.500 (≥ 0.900)" in working.why


@pytest.mark.django_db
def test_a_risk_above_the_appetite_that_somebody_accepted_by_name_is_watched():
    home = make.small_project()
    work = make.task(make.phase(make.iteration(home)))
    make.risk(work, "accepted", accepted_by=home.created_by, accepted_reason="For now")

    report = lifecycle_report(home)

    assert len(report.risks) == 1
    assert report.risks[0].mark.state is State.WAIVED
    assert five_answers(report)[2].mark.state is State.WARN


@pytest.mark.django_db
def test_a_run_is_held_against_the_limits_of_its_own_time():
    home = make.small_project()
    moment = timezone.now()
    old = make.requirement(home, "superseded", key="good", limit=0.8, created_at=moment - 2 * HOUR)
    new = make.requirement(home, key="good", version=2, limit=0.95, created_at=moment)

    assert limits_at([old, new], moment - HOUR)["accuracy", ""].value == 0.8
    assert limits_at([new, old], moment)["accuracy", ""].value == 0.95


def test_what_was_asked_and_not_measured_is_listed_without_a_value():
    limits = {("recall", ""): limits_of_one(">", 0.5)}

    found = {m.name: m for m in measures_of({"metrics": {"accuracy": 0.9}}, limits)}

    assert found["recall"].value is None
    assert found["recall"].met is False


def test_above_a_limit_means_more_than_the_limit():
    limits = {("accuracy", ""): limits_of_one(">", 0.9)}

    assert [measures_of({"metrics": {"accuracy": value}}, limits)[0].met for value in (0.9, 0.9000001)] == [
        False,
        True,
    ]


def limits_of_one(operator: str, value: float):
    return limit_from(operator, value)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 70), st.data())
def test_one_pass_over_the_leaves_gives_the_proofs_of_the_standard(size, data):
    leaves = [hashlib.sha256(str(n).encode()).digest() for n in range(size)]
    index = data.draw(st.integers(0, size - 1))
    ranges = inclusion_ranges(index, size)

    found = subtree_hashes(iter(leaves), set(ranges), size)

    assert [found[each] for each in ranges] == inclusion_proof(leaves, index)
    verify_inclusion(
        leaf=leaves[index], index=index, size=size, proof=[found[r] for r in ranges], root=root_of(leaves)
    )


@pytest.mark.django_db
def test_evidence_is_plain_json():
    report = lifecycle_report(lived_in())

    assert json.loads(json.dumps(evidence_document(report)))["kind"] == "lifecycle-report"
