"""The invariants of CRISP-ML(Q) that this floor holds, each by its number.

I7, I8 and I9 stand beside the test sets, lapses and deployments that they are about. Random walks look for
all of them after every step.
"""

import pytest
from django.db import IntegrityError, connection, transaction

from lifecycle.models import Requirement, Snapshot
from lifecycle.services.evidence import freeze_run
from lifecycle.services.measures import finish_measure
from lifecycle.services.requirements import change_requirement, record_check
from lifecycle.services.risks import accept_risk, assess_risk
from lifecycle.services.tasks import verify_task
from lifecycle.services.triggers import merge_firing, reject_firing, start_firing
from tests import make
from tests.traces import forbidden, invalid, refused

pytestmark = pytest.mark.django_db


def test_i1_a_score_falls_only_when_a_measure_passed_with_evidence():
    action = make.quality_action(state="running")
    worker, proof = action.risk.task.owner, make.evidence(action.risk.task)
    foreign, lower = make.evidence(), {"evidence": proof, "severity": 1, "occurrence": 1, "actor": worker}

    for result in ("failed", "inconclusive"):
        with refused("score_needs_measure", action, action.risk):
            finish_measure(action=action, result=result, **lower)
    with invalid("not_evidence", "evidence"):
        finish_measure(action=action, result="passed", **lower | {"evidence": foreign})
    again = make.risk(action.risk.task, "reopened")
    with refused("score_needs_measure", again):
        assess_risk(risk=again, severity=1, occurrence=1, actor=worker)
    finish_measure(action=action, result="passed", **lower)

    action.risk.refresh_from_db()
    assert action.risk.score == 1


def test_i2_above_the_appetite_a_named_manager_accepts_with_reason_and_date():
    risk = make.risk(state="assessed")
    manager, until = risk.task.phase.iteration.project.created_by, make.tomorrow()

    with forbidden(risk):
        accept_risk(risk=risk, actor=risk.task.owner, reason="Mine", until=until)
    with invalid("missing", "reason"):
        accept_risk(risk=risk, actor=manager, until=until)
    with invalid("missing", "until"):
        accept_risk(risk=risk, actor=manager, reason="So be it")
    accepted = accept_risk(risk=risk, actor=manager, reason="So be it", until=until)

    assert (accepted.accepted_by, accepted.accepted_until) == (manager, until)


@pytest.mark.parametrize("part", ["owner", "attached_by"])
def test_i3_who_performs_does_not_verify(part):
    task = make.task(state="evidence_attached", evidence_kinds=["TRN"])
    reviewer = make.member(task.phase.iteration.project, "reviewer")
    if part == "owner":
        task.owner = reviewer
        task.save()
    make.evidence(task, attached_by=reviewer if part == "attached_by" else make.user())

    with refused("own_work", task):
        verify_task(task=task, actor=reviewer)


def test_i4_evidence_is_a_frozen_run_with_its_digest():
    run = make.run(record={"metrics": {"accuracy": 0.9}, "data": {"sha256": "0" * 64}})
    frozen = freeze_run(run=run, actor=run.project.created_by)
    run.record = {"metrics": {"accuracy": 1.0}}
    run.save()

    assert frozen.content == Snapshot.objects.get(pk=frozen.pk).content
    assert '"accuracy":0.9' in frozen.content


def test_i5_a_verdict_is_computed_against_what_was_agreed_before():
    draft = make.requirement(state="draft")

    with refused("wrong_state", draft):
        record_check(requirement=draft, met=True, actor=draft.project.created_by)


def test_i6_another_limit_is_another_version_and_the_old_one_stays():
    old = make.requirement(limit=0.9)

    new = change_requirement(requirement=old, limit=0.8, reason="Too strict", actor=old.project.created_by)

    old.refresh_from_db()
    assert (old.limit, old.state, new.limit, new.version) == (0.9, "superseded", 0.8, old.version + 1)
    with pytest.raises(IntegrityError), transaction.atomic():
        Requirement.objects.filter(pk=old.pk).update(state="agreed")
        connection.check_constraints()


def test_i10_a_firing_comes_to_exactly_one_end():
    trigger = make.trigger()
    manager, other = trigger.project.created_by, make.firing(trigger)
    for end in (start_firing, reject_firing, merge_firing):
        firing = make.firing(trigger)
        fields = {start_firing: {}, reject_firing: {"reason": "No"}, merge_firing: {"into": other}}
        end(firing=firing, actor=manager, **fields[end])
        firing.refresh_from_db()
        for again in (start_firing, reject_firing, merge_firing):
            with refused("wrong_state", firing):
                again(firing=firing, actor=manager, **fields[again])
