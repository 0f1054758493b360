"""Separation of duties: computed from what happened, not from what the records say today."""

import pytest

from governance.queries.duties import barred_from_signing
from ledger.models import Entry
from ledger.services import erase_payload
from lifecycle.intake.reading import read_runs
from lifecycle.models import Run, Task
from lifecycle.services.evidence import attach_evidence, freeze_run
from lifecycle.services.iterations import complete_iteration, open_iteration
from lifecycle.services.phases import reopen_phase
from lifecycle.services.run_intake import upsert_runs
from lifecycle.services.runs import record_run, request_training
from lifecycle.services.tasks import assign_task
from tests import make, make_gates
from tests.governance.given import first_task
from tests.lifecycle import running

pytestmark = pytest.mark.django_db


@pytest.fixture
def gate():
    return make_gates.gate()


def project(gate):
    return gate.iteration.project


def bar(gate, person):
    return barred_from_signing(gate).get(person.actor_key)


def test_nobody_is_barred_who_took_no_part(gate):
    assert bar(gate, make.member(project(gate), "reviewer")) is None


def test_who_asked_is_barred_with_the_entry_that_shows_it(gate):
    found = bar(gate, gate.requested_by)

    entry = Entry.objects.get(index=found.entry)
    assert entry.actor == gate.requested_by.actor_key


def test_owners_and_those_accountable_are_barred_also_former_ones(gate):
    owner, accountable, later = (make.member(project(gate)) for _ in range(3))
    task = first_task(gate)
    assign_task(task=task, owner=owner, accountable=accountable, actor=project(gate).created_by)
    assign_task(task=task, owner=later, actor=project(gate).created_by)

    assert {person.actor_key for person in (owner, accountable, later)} <= set(barred_from_signing(gate))


def test_owners_since_the_iteration_was_opened_are_barred():
    home = make.project(document=make_gates.gate_document())
    scientist = make.member(home, "contributor", "DS")
    make.phase(make.iteration(home), "P1", "in_review")

    assert "Owns a task" in bar(make_gates.gate(home), scientist).text


def test_owners_of_tasks_made_when_an_inherited_phase_was_reopened_are_barred():
    home = make.project(document=make_gates.gate_document())
    scientist = make.member(home, "contributor", "DS")
    iteration = make.iteration(home, start_phase="P2")
    iteration.phases.get(key="P2").tasks.update(owner=None)
    before = Entry.objects.count()
    reopen_phase(phase=iteration.phases.get(key="P1"), actor=home.created_by, reason="New data")
    make.phase(iteration, "P1", "in_review")

    gate = make_gates.gate(home)

    assert bar(gate, scientist) is not None
    assert Entry.objects.filter(index__gte=before, action="phase.reopened").exists()


def test_who_started_a_run_or_recorded_one_is_barred(gate):
    home = project(gate)
    asked, recorded = make.member(home), make.member(home)
    request_training(
        project=home, iteration=gate.iteration, task=None, title="T", spec=running.training(), actor=asked,
        once="a",
    )  # fmt: skip
    record_run(
        project=home, iteration=gate.iteration, task=None, kind="EVR", title="E", source="mlflow",
        external_id="1", record={"metrics": {}}, actor=recorded,
    )  # fmt: skip

    assert "run" in bar(gate, asked).text
    assert "run" in bar(gate, recorded).text


def test_who_sent_runs_from_outside_is_barred_by_the_one_entry_of_the_batch(gate):
    home = project(gate)
    sender, other = make.member(home), make.member(home)
    outside = {"external_id": "1", "kind": "TRN", "title": "T", "finished_at": "2026-01-01T00:00:00Z"}
    here = read_runs([outside | {"iteration": gate.iteration.number}])
    upsert_runs(project=home, source="api", runs=here, actor=sender)
    elsewhere = upsert_runs(project=home, source="other", runs=read_runs([outside]), actor=other)
    assert "run" in bar(gate, sender).text
    assert bar(gate, other) is None

    task = make.task(gate.phase, state="instantiated")
    giver, run = make.member(home), Run.objects.get(pk=elsewhere.kept[0].run_id)
    attach_evidence(task=task, snapshot=freeze_run(run=run, actor=giver), actor=giver)

    assert "run" in bar(gate, other).text


def test_who_gave_evidence_is_barred(gate):
    giver = make.member(project(gate))
    task = make.task(gate.phase, state="instantiated")
    attach_evidence(task=task, snapshot=make.snapshot(project(gate)), actor=giver)

    assert "evidence" in bar(gate, giver).text


def test_who_started_the_run_behind_the_evidence_is_barred_although_another_gave_it(gate):
    home = project(gate)
    runner, giver = make.member(home), make.member(home)
    run = record_run(
        project=home, iteration=None, task=None, kind="TRN", title="Before it began", source="mlflow",
        external_id="1", record={"metrics": {"accuracy": 1.0}}, actor=runner,
    )  # fmt: skip
    assert bar(gate, runner) is None

    task = make.task(gate.phase, state="instantiated")
    attach_evidence(task=task, snapshot=freeze_run(run=run, actor=giver), actor=giver)

    assert bar(gate, runner) is not None


def test_who_trained_the_model_is_barred_from_every_gate_that_decides_on_it():
    home = make_gates.project()
    trainer, version = make.member(home, "contributor"), make.model_version(home)
    record_run(
        project=home, iteration=None, task=None, kind="TRN", title="Long ago", source="mlflow",
        external_id="1", record={}, actor=trainer, model_version=version,
    )  # fmt: skip

    assert bar(make_gates.gate(home, model_version=version), trainer) is not None


def test_work_in_another_iteration_or_project_bars_nobody():
    home = make_gates.project()
    worker = make.member(home)
    iteration = home.iterations.get()
    assign_task(task=iteration.phases.get(key="P2").tasks.first(), owner=worker, actor=home.created_by)
    iteration.phases.update(state="passed")
    complete_iteration(iteration=iteration, actor=home.created_by)
    second = open_iteration(project=home, title="Second", reason="Because", actor=home.created_by)
    make.phase(second, "P1", "in_review")
    from governance.services.gates import open_gate

    gate = open_gate(
        iteration=second, key="G1", actor=home.created_by, environment="production",
        model_version=make.model_version(home),
    )  # fmt: skip

    assert bar(gate, worker) is None


def test_a_changed_record_does_not_hide_what_the_ledger_shows(gate):
    owner = make.member(project(gate))
    assign_task(task=first_task(gate), owner=owner, actor=project(gate).created_by)
    Task.objects.update(owner=None, accountable=None)

    assert bar(gate, owner) is not None


@pytest.mark.parametrize("action", ["task.assigned", "evidence.attached"])
def test_erasing_the_words_of_an_entry_frees_nobody(gate, action):
    person = make.member(project(gate))
    assign_task(task=first_task(gate), owner=person, actor=project(gate).created_by)
    task = make.task(gate.phase, state="instantiated", owner=person)
    attach_evidence(task=task, snapshot=make.snapshot(project(gate)), actor=person)
    for entry in Entry.objects.filter(action=action):
        erase_payload(index=entry.index, actor=make.user(org_role="administrator"), reason="Asked for")

    assert bar(gate, person) is not None
