"""Deployments: only under an authorization, or by breaking the glass in sight of everybody."""

import pytest

from governance.models import Deployment
from governance.services.authorizations import suspend_authorization
from governance.services.deployments import record_deployment, withdraw_deployment
from lifecycle.models import ModelVersion, Run
from lifecycle.services.iterations import stop_iteration
from lifecycle.services.projects import close_project
from tests import make, make_gates
from tests.governance.given import entry_of, refused

pytestmark = pytest.mark.django_db


@pytest.fixture
def given():
    return make_gates.authorization()


def deploy(given, **changes):
    values = {
        "iteration": given.gate.iteration,
        "model_version": given.model_version,
        "environment": given.environment,
        "actor": given.project.created_by,
    } | changes
    return record_deployment(**values)


def test_a_deployment_under_an_authorization_is_recorded_with_its_run(given):
    with entry_of("deployment.recorded", "run.finished"):
        deployed = deploy(given)

    assert (deployed.state, deployed.authorization) == ("live", given)
    assert deployed.scope == {"country": ["US"]}
    run = Run.objects.get(kind="DPR")
    assert run.record["gate_check"]["decision"] == "allow"


def test_i9_no_deployment_without_a_passed_gate_for_exactly_this_version(given):
    other = make.model_version(given.project)

    with refused("not_authorized"):
        deploy(given, model_version=other)
    with refused("not_authorized"):
        deploy(given, environment="staging")
    with refused("not_authorized"):
        deploy(given, scope={"country": ["IT"]})


def test_a_suspended_authorization_does_not_carry_a_deployment(given):
    suspend_authorization(authorization=given, actor=given.project.created_by, reason="Drift")

    with refused("not_authorized"):
        deploy(given)


def test_the_authorization_of_another_project_for_the_same_bytes_does_not_carry_it(given):
    home = make_gates.project()
    same = ModelVersion.objects.create(
        project=home, number=1, digest=given.model_digest, path="x", size=1, created_at=given.valid_from
    )

    with refused("not_authorized"):
        deploy(given, iteration=home.iterations.get(), model_version=same, actor=home.created_by)


def test_what_a_deployment_leaves_open_reaches_as_far_as_the_authorization():
    given = make_gates.authorization(scope={"country": ["US", "IT"], "season": ["winter"]})

    assert deploy(given, scope={}).scope == {"country": ["US", "IT"], "season": ["winter"]}
    assert deploy(given, scope={"country": ["IT"]}).scope == {"country": ["IT"], "season": ["winter"]}


def test_a_new_deployment_replaces_what_is_live_there(given):
    first = deploy(given)

    with entry_of("deployment.ended", "deployment.recorded", "run.finished"):
        deploy(given)

    first.refresh_from_db()
    assert (first.state, Deployment.objects.filter(state="live").count()) == ("replaced", 1)


@pytest.mark.parametrize("role", ["reviewer", "auditor", None])
def test_who_does_not_work_here_deploys_nothing(given, role):
    person = make.member(given.project, role) if role else make.user()

    with refused("forbidden"):
        deploy(given, actor=person)


def test_without_an_authorization_nothing_is_deployed_until_two_people_break_the_glass(given):
    manager, worker = given.project.created_by, make.member(given.project)
    with refused("not_authorized"):
        deploy(given, environment="staging", actor=worker)
    glass = make_gates.broken_glass(given.model_version, "staging", asked_by=worker, by=manager)

    deployed = deploy(given, environment="staging")

    assert (deployed.authorization, deployed.break_glass) == (None, glass)
    assert (glass.finding.severity, glass.finding.holds, glass.finding.state) == ("high", True, "open")


def test_a_model_or_task_of_elsewhere_is_refused(given):
    foreign = make.model_version()
    task = make.iteration().phases.get(key="P1").tasks.first()

    with refused("model_of_other_project"):
        deploy(given, model_version=foreign)
    with refused("other_iteration"):
        deploy(given, task=task)


def test_nothing_is_deployed_in_a_closed_project(given):
    stop_iteration(iteration=given.gate.iteration, actor=given.project.created_by, reason="Over")
    close_project(project=given.project, actor=given.project.created_by, reason="Over")

    with refused("project_closed"):
        deploy(given)


def test_a_manager_withdraws_what_is_live_with_a_reason(given):
    deployed, worker = deploy(given), make.member(given.project)
    with refused("forbidden"):
        withdraw_deployment(deployment=deployed, actor=worker, reason="No")
    with refused("reason_missing"):
        withdraw_deployment(deployment=deployed, actor=given.project.created_by, reason="")

    with entry_of("deployment.ended"):
        withdraw_deployment(deployment=deployed, actor=given.project.created_by, reason="Retired")

    with refused("wrong_state"):
        withdraw_deployment(deployment=deployed, actor=given.project.created_by, reason="Again")
