"""A run that is edited after the sign-off is caught."""

import pytest
from django.urls import reverse

from governance.models import Finding
from lifecycle.models import Run
from lifecycle.services.evidence import attach_evidence, freeze_run
from lifecycle.services.sources import SOURCES, compare_sources_of
from tests import make, make_gates
from tests.governance.given import entry_of, first_task, refused, reviewers, sign

pytestmark = pytest.mark.django_db


@pytest.fixture
def asked():
    """A gate over the evidence of a training."""
    gate = make_gates.gate()
    home = gate.iteration.project
    task = make.task(gate.phase, "1.1", "instantiated")
    run = make.run(home, model_version=gate.model_version, iteration=gate.iteration)
    attach_evidence(task=task, snapshot=freeze_run(run=run, actor=SOURCES), actor=task.owner)
    assert first_task(gate) == task
    return gate, run


def edit(run):
    Run.objects.filter(pk=run.pk).update(record={**run.record, "metrics": {"accuracy": 0.99}})
    compare_sources_of(run=run)


def test_an_approval_given_before_the_source_changed_no_longer_counts(asked):
    gate, run = asked
    first, second = reviewers(gate)
    make_gates.evaluation(gate)
    sign(gate, first)

    edit(run)

    with refused("changed_since_shown"):
        sign(gate, second)
    shown = make_gates.evaluation(gate)
    sign(gate, second)
    gate.refresh_from_db()
    assert (gate.state, '"sources":[["' in shown.subject) == ("open", True)


def test_a_run_edited_after_the_gate_was_passed_opens_a_finding(asked):
    gate, run = asked
    make_gates.signed(gate, *reviewers(gate))
    assert gate.state == "passed"

    with entry_of("evidence.source_changed", "authorization.withdrawn", "finding.opened"):
        edit(run)

    finding = Finding.objects.get()
    assert (finding.severity, finding.state) == ("high", "open")
    assert "Metric accuracy" in finding.detail
    assert "G1 (production)" in finding.detail


def test_one_finding_stands_for_one_snapshot_and_none_for_a_source_that_came_back(asked):
    gate, run = asked
    make_gates.signed(gate, *reviewers(gate))
    edit(run)

    with entry_of("evidence.source_changed"):
        Run.objects.filter(pk=run.pk).update(deleted_at_source=True)
        compare_sources_of(run=run)
    with entry_of("evidence.source_changed"):
        Run.objects.filter(pk=run.pk).update(deleted_at_source=False)
        compare_sources_of(run=run)
    assert Finding.objects.count() == 1


def test_evidence_that_no_gate_looked_at_opens_nothing(asked):
    _gate, run = asked

    with entry_of("evidence.source_changed"):
        edit(run)


def test_the_gate_s_page_marks_it(client, asked):
    gate, run = asked
    make_gates.evaluation(gate)
    edit(run)
    client.force_login(gate.iteration.project.created_by)

    assert "Source changed" in client.get(reverse("governance:gate", args=[gate.pk])).text
