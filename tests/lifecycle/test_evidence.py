import hashlib
import json

import pytest
from django.utils import timezone

from ledger.actors import SystemActor
from lifecycle import events
from lifecycle.models import Evidence, Iteration, Snapshot
from lifecycle.services.evidence import attach_evidence, expire_evidence, freeze_document, freeze_run
from tests import make
from tests.traces import forbidden, invalid, no_trace, one_entry, refused

pytestmark = pytest.mark.django_db

MACHINE = SystemActor("runs")


def project_of(task):
    return task.phase.iteration.project


def test_a_finished_run_is_frozen_as_canonical_json():
    project = make.small_project()
    run = make.run(project, model_version=make.model_version(project), started_by=project.created_by)

    with one_entry("snapshot.frozen") as detail:
        snapshot = freeze_run(run=run, actor=project.created_by)

    content = json.loads(snapshot.content)
    assert hashlib.sha256(snapshot.content.encode()).hexdigest() == snapshot.digest == detail["digest"]
    assert (content["record"], content["model_digest"]) == (run.record, run.model_version.digest)
    assert (snapshot.kind, snapshot.run) == ("TRN", run)


def test_the_same_run_is_frozen_once():
    run = make.run()
    first = freeze_run(run=run, actor=MACHINE)

    with no_trace(first):
        assert freeze_run(run=run, actor=MACHINE) == first


@pytest.mark.parametrize("state", ["queued", "running", "failed"])
def test_a_run_that_has_not_finished_is_no_evidence(state):
    run = make.run(state=state)

    with refused("run_not_finished"):
        freeze_run(run=run, actor=MACHINE)


def test_a_record_beyond_canonical_json_is_refused():
    run = make.run(record={"rows": 2**60})

    with invalid("not_json"):
        freeze_run(run=run, actor=MACHINE)


def test_a_review_is_frozen_as_a_document():
    project = make.small_project()
    values = {"project": project, "kind": "REV", "title": "Schéma ✔", "content": {"verdict": "ok"}}

    with one_entry("snapshot.frozen"):
        snapshot = freeze_document(actor=project.created_by, **values)
    with no_trace():
        assert freeze_document(actor=make.member(project, "reviewer"), **values) == snapshot


def test_a_document_is_a_review_or_a_document_and_json():
    project = make.small_project()
    manager = project.created_by

    with invalid("unknown_kind", "kind"):
        freeze_document(project=project, kind="TRN", title="x", content={}, actor=manager)
    with invalid("not_json"):
        freeze_document(project=project, kind="DOC", title="x", content={"n": float("nan")}, actor=manager)
    with invalid("missing", "title"):
        freeze_document(project=project, kind="DOC", title="", content={}, actor=manager)


@pytest.mark.parametrize("state", ["instantiated", "risks_identified", "mitigating"])
def test_evidence_is_attached_while_a_task_is_at_work(state):
    task = make.task(state=state)
    snapshot = make.snapshot(project_of(task))

    with one_entry("evidence.attached") as detail:
        evidence = attach_evidence(task=task, snapshot=snapshot, actor=task.owner)

    task.refresh_from_db()
    assert (task.state, evidence.state, evidence.attached_by) == (state, "attached", task.owner)
    assert (detail["digest"], detail["kind"], detail["iteration"]) == (snapshot.digest, "TRN", 1)


def test_the_last_kind_of_evidence_makes_a_task_ready_to_be_verified():
    task = make.task(state="risks_accepted", evidence_kinds=["TRN", "REV"])
    project = project_of(task)

    attach_evidence(task=task, snapshot=make.snapshot(project, "TRN"), actor=task.owner)
    task.refresh_from_db()
    before = task.state
    with one_entry("evidence.attached") as detail:
        attach_evidence(task=task, snapshot=make.snapshot(project, "REV"), actor=task.owner)

    task.refresh_from_db()
    assert (before, task.state) == ("risks_accepted", "evidence_attached")
    assert (detail["from"], detail["to"]) == ("risks_accepted", "evidence_attached")


@pytest.mark.parametrize("state", ["planned", "verified", "not_applicable", "blocked", "reopened"])
def test_nothing_is_attached_to_a_task_that_is_not_at_work(state):
    task = make.task(state=state)
    snapshot = make.snapshot(project_of(task))

    with refused("task_not_at_work", task):
        attach_evidence(task=task, snapshot=snapshot, actor=task.owner)


def test_a_snapshot_is_attached_once_and_to_its_own_project():
    task = make.task(state="instantiated")
    foreign = make.snapshot()
    evidence = make.evidence(task)

    with refused("already_attached", task):
        attach_evidence(task=task, snapshot=evidence.snapshot, actor=task.owner)
    with invalid("other_project", "snapshot"):
        attach_evidence(task=task, snapshot=foreign, actor=task.owner)


@pytest.mark.parametrize("role", ["reviewer", "auditor", None])
def test_who_attaches_and_freezes_nothing(role):
    task = make.task(state="instantiated")
    project = project_of(task)
    snapshot, run, evidence = make.snapshot(project), make.run(project), make.evidence(task)
    person = make.member(project, role) if role else make.user(org_role="administrator")

    with forbidden(task):
        attach_evidence(task=task, snapshot=snapshot, actor=person)
    with forbidden():
        freeze_run(run=run, actor=person)
    with forbidden(evidence):
        expire_evidence(evidence=evidence, actor=person, reason="I want")
    if role != "reviewer":
        with forbidden():
            freeze_document(project=project, kind="DOC", title="x", content={}, actor=person)


def test_expired_evidence_opens_its_task_again():
    task = make.task(state="verified")
    evidence = make.evidence(task, state="verified")

    with one_entry("evidence.expired") as detail:
        expired = expire_evidence(evidence=evidence, actor=MACHINE, reason="The schema has changed")

    task.refresh_from_db()
    assert (expired.state, expired.state_reason) == ("expired", "The schema has changed")
    assert (task.state, task.verified_by) == ("reopened", None)
    assert (detail["from"], detail["to"], detail["task_to"]) == ("verified", "expired", "reopened")
    with refused("wrong_state", evidence):
        expire_evidence(evidence=evidence, actor=MACHINE, reason="Again")


def test_evidence_of_an_iteration_that_is_over_expires_alone():
    evidence = make.evidence(make.task(state="verified"), state="verified")
    Iteration.objects.update(state="completed", closed_at=timezone.now())

    expire_evidence(evidence=evidence, actor=MACHINE, reason="The data has changed")

    evidence.task.refresh_from_db()
    assert (evidence.task.state, Evidence.objects.get().state) == ("verified", "expired")


def test_a_receiver_that_fails_undoes_the_attachment():
    task = make.task(state="instantiated")
    snapshot = make.snapshot(project_of(task))

    def fail(event, **kwargs):
        raise RuntimeError("no")

    events.evidence_changed.connect(fail)
    try:
        with no_trace(task), pytest.raises(RuntimeError):
            attach_evidence(task=task, snapshot=snapshot, actor=task.owner)
    finally:
        events.evidence_changed.disconnect(fail)
    assert (Evidence.objects.count(), Snapshot.objects.count()) == (0, 1)
