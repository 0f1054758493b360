import pytest

from ledger.actors import SystemActor
from lifecycle.models import Iteration, Phase, Risk, Task
from lifecycle.services.evidence import attach_evidence, freeze_document, freeze_run
from lifecycle.services.handoffs import accept_handoff, offer_handoff, return_handoff, tick_criterion
from lifecycle.services.iterations import complete_iteration
from lifecycle.services.measures import choose_measure, finish_measure, start_measure
from lifecycle.services.phases import (
    agree_requirements,
    decide_phase,
    reopen_phase,
    request_review,
    start_phase,
)
from lifecycle.services.risks import accept_risk, assess_risk, refuse_risk
from lifecycle.services.tailoring import approve_exclusion, request_exclusion
from lifecycle.services.tasks import accept_risks, identify_risks, start_task, verify_task
from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast():
    """A project with one person for each part."""
    project = make.small_project()
    return {
        "project": project,
        "manager": project.created_by,
        "scientist": make.member(project, "contributor", "DS"),
        "owner": make.member(project, "contributor", "PO"),
        "reviewer": make.member(project, "reviewer"),
    }


def walk_task(task, cast, kind):
    scientist, reviewer = cast["scientist"], cast["reviewer"]
    start_task(task=task, actor=scientist)
    none_by = None if task.risks.exists() else reviewer
    identify_risks(task=task, actor=scientist, none_statement_by=none_by)
    snapshot = freeze_run(run=make.run(cast["project"], kind, started_by=scientist), actor=scientist)
    evidence = attach_evidence(task=task, snapshot=snapshot, actor=scientist)
    for risk in task.risks.all():
        mitigate(risk, evidence, cast)
    accept_risks(task=task, actor=scientist)
    return verify_task(task=task, actor=reviewer)


def mitigate(risk, evidence, cast):
    scientist = cast["scientist"]
    assess_risk(risk=risk, severity=4, occurrence=3, actor=scientist)
    refuse_risk(risk=risk, actor=scientist)
    action = choose_measure(risk=risk, method="Q1-01", name="Look again", actor=scientist)
    start_measure(action=action, performer=scientist, actor=scientist)
    finish_measure(
        action=action, result="passed", evidence=evidence, severity=4, occurrence=1, actor=scientist
    )
    accept_risk(risk=risk, actor=scientist)


def begin(phase, cast):
    start_phase(phase=phase, actor=cast["manager"])
    return agree_requirements(phase=phase, actor=cast["manager"])


def walk_first_phase(iteration, cast):
    first = begin(iteration.phases.get(key="P1"), cast)
    walk_task(first.tasks.get(key="1.1"), cast, "TRN")
    exclusion = request_exclusion(task=first.tasks.get(key="1.2"), actor=cast["owner"], reason="No need")
    approve_exclusion(exclusion=exclusion, actor=cast["manager"])
    request_review(phase=first, actor=cast["scientist"])
    return decide_phase(phase=first, outcome="pass", actor=SystemActor("gate"))


def test_an_iteration_is_walked_from_its_first_phase_to_its_completion(cast):
    iteration = make.iteration(cast["project"])

    first = walk_first_phase(iteration, cast)
    second = begin(iteration.phases.get(key="P2"), cast)
    task = walk_task(second.tasks.get(), cast, "EVR")
    done = complete_iteration(iteration=iteration, actor=cast["manager"])

    assert (first.state, task.state, done.state) == ("passed", "verified", "completed")
    assert Risk.objects.get().state == Risk.State.ACCEPTED
    assert Task.objects.filter(state=Task.State.PLANNED).count() == 0


def test_a_handoff_is_returned_offered_again_and_accepted(cast):
    iteration = make.iteration(cast["project"])
    handoff = iteration.handoffs.get()
    notes = freeze_document(
        project=cast["project"], kind="DOC", title="Notes", content={"text": "Read me"}, actor=cast["owner"]
    )

    offer_handoff(handoff=handoff, actor=handoff.giver, references={1: "s3://data"}, snapshots={2: notes})
    return_handoff(handoff=handoff, actor=handoff.taker, reason="The data is of last year.")
    offer_handoff(handoff=handoff, actor=handoff.giver, references={1: "s3://data/2"})
    for criterion in handoff.criteria.all():
        tick_criterion(criterion=criterion, actor=handoff.taker)
    accepted = accept_handoff(handoff=handoff, actor=handoff.taker)

    assert (accepted.state, accepted.rounds, accepted.reason) == ("accepted", 2, "")
    assert [each.snapshot for each in accepted.deliverables.all()] == [None, notes]


def test_reopening_a_phase_takes_the_ground_from_what_came_after_it(cast):
    iteration = make.iteration(cast["project"])
    first = walk_first_phase(iteration, cast)
    second = begin(iteration.phases.get(key="P2"), cast)
    walk_task(second.tasks.get(), cast, "EVR")
    request_review(phase=second, actor=cast["scientist"])

    reopen_phase(phase=first, actor=cast["manager"], reason="The data was wrong.")

    assert list(Phase.objects.values_list("key", "state")) == [("P1", "reopened"), ("P2", "in_progress")]
    states = dict(Task.objects.values_list("key", "state"))
    assert states == {"1.1": "reopened", "1.2": "not_applicable", "2.1": "reopened"}
    assert set(Iteration.objects.get().phases.values_list("tasks__evidence__state", flat=True)) == {
        "expired",
        None,
    }
