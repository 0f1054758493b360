import datetime as dt
import json

import pytest
from django.utils import timezone

from ledger.actors import SystemActor
from ledger.models import Entry
from lifecycle.definitions import OpensOn, catalogue
from lifecycle.errors import Refused
from lifecycle.models import Handoff, Iteration
from lifecycle.services.evidence import attach_evidence, expire_evidence, freeze_document, freeze_run
from lifecycle.services.handoffs import accept_handoff, offer_handoff, tick_criterion
from lifecycle.services.phases import decide_phase, start_phase
from lifecycle.services.tasks import verify_task
from lifecycle.services.triggers import fire_manually
from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def task():
    return make.task(state="instantiated")


def trained(task, **fields):
    """A finished training of the task, frozen."""
    project = task.phase.iteration.project
    values = {"iteration": task.phase.iteration, "task": task, "title": "Candidate"} | fields
    run = make.run(project, **values)
    return freeze_run(run=run, actor=project.created_by)


def offered(task, snapshot, references=None) -> Handoff:
    """A handoff on offer, all its criteria ticked, its first deliverable tied to the snapshot."""
    handoff = make.handoff(task.phase.iteration)
    handoff = offer_handoff(
        handoff=handoff, actor=handoff.giver, snapshots={1: snapshot}, references={2: "shelf 4"}
    )
    for criterion in handoff.criteria.all():
        tick_criterion(criterion=criterion, actor=handoff.taker)
    return handoff


def refusal(handoff) -> str:
    before = Entry.objects.count()
    with pytest.raises(Refused) as no:
        accept_handoff(handoff=handoff, actor=handoff.taker)
    assert no.value.code == "deliverable_changed"
    assert (Entry.objects.count(), Handoff.objects.get(pk=handoff.pk).state) == (before, "offered")
    return no.value.text


def test_what_has_not_changed_is_accepted(task):
    handoff = offered(task, trained(task))
    assert accept_handoff(handoff=handoff, actor=handoff.taker).state == "accepted"


def test_a_training_that_was_done_again_since_the_offer_is_refused_with_digests_and_metrics(task):
    old = trained(task, record={"metrics": {"accuracy": 0.93, "rows": 100}})
    handoff = offered(task, old)
    new = trained(task, title="Another", record={"metrics": {"accuracy": 0.95, "rows": 100}})

    text = refusal(handoff)

    assert "“Data”" in text
    assert old.digest[:12] in text
    assert new.digest[:12] in text
    assert new.run.label in text
    assert "accuracy 0.93 → 0.95" in text
    assert "rows" not in text


def test_offering_it_anew_settles_the_matter(task):
    handoff = offered(task, trained(task))
    trained(task)
    refusal(handoff)
    Handoff.objects.filter(pk=handoff.pk).update(state="planned")
    handoff = offer_handoff(handoff=handoff, actor=handoff.giver)
    for criterion in handoff.criteria.all():
        tick_criterion(criterion=criterion, actor=handoff.taker)

    assert accept_handoff(handoff=handoff, actor=handoff.taker).state == "accepted"


@pytest.mark.parametrize(
    ("kind", "title", "changed"),
    [
        ("EVR", "Candidate", True),
        ("EVR", "Other", False),
        ("MON", "Candidate", False),
        ("DVR", "Candidate", True),
    ],
)
def test_other_runs_are_followed_by_the_same_run_and_monitoring_by_none(task, kind, title, changed):
    handoff = offered(task, trained(task, kind=kind))
    trained(task, kind=kind, title=title)
    if changed:
        assert "was followed by" in refusal(handoff)
    else:
        assert accept_handoff(handoff=handoff, actor=handoff.taker).state == "accepted"


def test_a_run_before_the_offer_a_failed_one_and_one_of_another_task_change_nothing(task):
    snapshot = trained(task)
    trained(task)
    handoff = offered(task, snapshot)
    project, iteration = task.phase.iteration.project, task.phase.iteration
    make.run(project, state="failed", iteration=iteration, task=task, title="Candidate")
    trained(make.task(iteration.phases.get(key="P2"), "2.1"))

    assert accept_handoff(handoff=handoff, actor=handoff.taker).state == "accepted"


def test_an_evaluation_of_a_model_that_was_trained_again_is_refused(task):
    project, iteration = task.phase.iteration.project, task.phase.iteration
    first, second = make.model_version(project), make.model_version(project)
    trained(task, model_version=first)
    later = make.task(iteration.phases.get(key="P2"), "2.1")
    handoff = offered(task, trained(later, kind="EVR", title="Test", model_version=first))
    trained(task, model_version=second)

    text = refusal(handoff)

    assert first.digest[:12] in text
    assert second.digest[:12] in text


def test_expired_evidence_is_refused_with_its_reason_and_what_stands_in_its_place(task):
    owner = task.owner
    old = trained(task, record={"metrics": {"ndcg": 0.6}})
    evidence = attach_evidence(task=task, snapshot=old, actor=owner)
    handoff = offered(task, old)
    expire_evidence(evidence=evidence, actor=owner, reason="The data has changed")
    assert "The data has changed" in refusal(handoff)
    new = trained(task, kind="TRN", record={"metrics": {"ndcg": 0.7}})
    attach_evidence(task=task, snapshot=new, actor=owner)

    text = refusal(handoff)

    assert new.digest[:12] in text
    assert "ndcg 0.6 → 0.7" in text


def test_expired_evidence_is_not_offered(task):
    snapshot = freeze_document(
        project=task.phase.iteration.project,
        kind="DOC",
        title="Brief",
        content={"text": "x"},
        actor=task.owner,
    )
    evidence = attach_evidence(task=task, snapshot=snapshot, actor=task.owner)
    expire_evidence(evidence=evidence, actor=task.owner, reason="Scope moved")
    handoff = make.handoff(task.phase.iteration)
    with pytest.raises(Refused, match="Scope moved") as no:
        offer_handoff(
            handoff=handoff, actor=handoff.giver, snapshots={1: snapshot}, references={2: "shelf 4"}
        )
    assert no.value.code == "deliverable_changed"


def test_evidence_that_still_counts_elsewhere_is_handed_over(task):
    snapshot = trained(task)
    evidence = attach_evidence(task=task, snapshot=snapshot, actor=task.owner)
    other = make.task(task.phase, "1.2", "instantiated")
    attach_evidence(task=other, snapshot=snapshot, actor=other.owner)
    expire_evidence(evidence=evidence, actor=task.owner, reason="Elsewhere it holds")
    handoff = offered(task, snapshot)
    assert accept_handoff(handoff=handoff, actor=handoff.taker).state == "accepted"


def test_a_snapshot_that_is_a_list_or_has_no_metrics_is_compared_too(task):
    project = task.phase.iteration.project
    run = make.run(project, iteration=task.phase.iteration, task=task, title="Odd")
    odd = make.snapshot(project, run=run, content=json.dumps([1]))
    handoff = offered(task, odd)
    trained(task)
    assert "was followed by" in refusal(handoff)


# ---- the catalogue's handoffs arise by themselves ----


@pytest.fixture
def trip() -> Iteration:
    return make.iteration(make.project())


def due(trip, key):
    return trip.handoffs.get(key=key).due_on


def days(key):
    return dt.timedelta(days=next(each.due_days for each in catalogue().handoffs if each.key == key))


def fire(trip, key):
    trigger = trip.project.triggers.get(key=key)
    trigger.action = "notify"
    trigger.save()
    return fire_manually(trigger=trigger, actor=trip.project.created_by, reason="It moved")


def test_all_26_are_planned_and_those_of_triggers_have_no_date_yet(trip):
    parts = catalogue().handoffs
    assert trip.handoffs.count() == len(parts) == 26
    undated = {each.key for each in parts if each.opens.event == OpensOn.TRIGGER}
    assert set(trip.handoffs.filter(due_on=None).values_list("key", flat=True)) == undated
    assert undated == {"H-13", "H-20", "H-21", "H-22", "H-23", "H-24", "H-25"}


@pytest.mark.parametrize(
    ("key", "trigger"),
    [(each.key, each.opens.ref) for each in catalogue().handoffs if each.opens.event == OpensOn.TRIGGER],
)
def test_a_handoff_of_a_trigger_is_due_from_the_day_it_starts(trip, key, trigger):
    firing = fire(trip, trigger)

    assert due(trip, key) == timezone.localdate() + days(key)
    told = Entry.objects.filter(action="handoff.assigned").get()
    detail = told.payload.content["detail"]
    assert (detail["firing"], detail["key"]) == (firing.pk, key)
    assert told.actor == f"system:trigger {trigger}"


def test_a_second_firing_while_it_runs_changes_nothing_and_after_it_a_new_one_arises(trip):
    fire(trip, "T-06")
    fire(trip, "T-06")
    assert trip.handoffs.filter(key__startswith="H-21").count() == 1
    first = trip.handoffs.get(key="H-21")
    make._put(first, state="cancelled")

    fire(trip, "T-06")

    again = trip.handoffs.get(key="H-21-2")
    assert (again.state, again.title) == ("planned", first.title)
    assert again.deliverables.count() == first.deliverables.count()
    assert again.criteria.count() == first.criteria.count()
    assert Entry.objects.filter(action="handoff.planned").get().subject_id == str(again.pk)


def test_without_an_open_iteration_nothing_arises():
    project = make.project()
    trigger = project.triggers.get(key="T-06")
    trigger.action = "notify"
    trigger.save()
    fire_manually(trigger=trigger, actor=project.created_by, reason="It moved")
    assert Handoff.objects.count() == 0


def test_the_start_of_a_phase_dates_its_handoffs(trip):
    trip.handoffs.update(due_on=None)
    start_phase(phase=trip.phases.get(key="P1"), actor=trip.project.created_by)
    for key in ("H-01", "H-02"):
        assert due(trip, key) == timezone.localdate() + days(key)
    assert due(trip, "H-06") is None


def test_a_passed_gate_dates_the_handoffs_behind_it(trip):
    trip.handoffs.update(due_on=None)
    phase = make.phase(trip, "P1", "in_review")
    decide_phase(phase=phase, outcome="pass", actor=SystemActor("gate"))
    assert due(trip, "H-06") == timezone.localdate() + days("H-06")
    assert due(trip, "H-09") is None


def test_a_verified_task_dates_the_handoff_of_what_it_made(trip):
    trip.handoffs.update(due_on=None)
    phase = make.phase(trip, "P1", "in_progress")
    task = make.task(phase, "1.3.2", "evidence_attached")
    for kind in task.evidence_kinds:
        make.evidence(task, kind)
    verify_task(task=task, actor=make.member(trip.project, "reviewer"))
    assert due(trip, "H-03") == timezone.localdate() + days("H-03")
    assert due(trip, "H-04") is None
