"""The pages of deployments: the list, one with its steps, and what is done to it in place."""

import pytest
from django.urls import reverse

from governance.models import Authorization, Deployment, GateAsk
from governance.services.authorizations import suspend_authorization, withdraw_authorization
from governance.services.deployments import record_deployment
from tests import make, make_gates
from tests.governance.test_pages_overview import grown

pytestmark = pytest.mark.django_db

METRIC = {"metric": "error_rate", "op": ">", "limit": 0.05}


@pytest.fixture
def given():
    return make_gates.authorization()


def deploy(given, **changes):
    values = {
        "iteration": given.project.iterations.get(), "model_version": given.model_version,
        "environment": given.environment, "actor": given.project.created_by,
    } | changes  # fmt: skip
    return record_deployment(**values)


def canary(given, **changes):
    return deploy(given, **({"strategy": "canary", "steps": [5, 50, 100], "abort_metric": METRIC} | changes))


def another(given):
    """An authorization of the same project and environment for another version."""
    gate, version = make_gates.gate(make_gates.project()), make.model_version(given.project)
    return Authorization.objects.create(
        project=given.project, gate=gate, model_version=version, model_digest=version.digest,
        environment=given.environment, scope=given.scope, valid_from=given.valid_from,
        valid_until=given.valid_until,
    )  # fmt: skip


@pytest.fixture
def worker(client, given):
    person = make.member(given.project)
    client.force_login(person)
    return person


def act(client, found, name, **given):
    """The answer to one act, after what leads on was followed."""
    address = reverse("governance:deployment-act", args=[found.pk, name])
    answer = client.post(address, {f"{name}-{field}": value for field, value in given.items()}, follow=True)
    found.refresh_from_db()
    return answer


def page(client, found):
    return client.get(reverse("governance:deployment", args=[found.pk])).text


def test_a_canary_is_recorded_with_its_steps_and_taken_to_the_whole(client, given, worker):
    sent = {
        "model_version": given.model_version_id, "environment": "production", "strategy": "canary",
        "steps": "5 %, 50 %, 100 %", "metric": "error_rate", "op": ">", "limit": "0.05",
    }  # fmt: skip
    answer = client.post(
        reverse("governance:deployment-record", args=[given.project.slug]), sent, follow=True
    )

    found = Deployment.objects.get()
    assert answer.redirect_chain[-1][0] == reverse("governance:deployment", args=[found.pk])
    assert (found.steps, found.abort_metric) == ([5, 50, 100], METRIC)
    assert "has 5 % of the traffic in production" in answer.text
    assert "The gate check allows the next step, 50 %" in answer.text
    assert "error_rate &gt; 0.05" in answer.text

    assert "has 50 % of the traffic" in act(client, found, "advance").text
    done = act(client, found, "advance")
    assert "is live in production" in done.text
    assert str(worker) in done.text, "who did what, from the ledger"
    assert "Take the next step" not in done.text


@pytest.mark.parametrize(
    ("strategy", "says"),
    [("shadow", "sees a copy of the traffic"), ("blue_green", "stands beside the live one")],
)
def test_what_begins_beside_the_traffic_says_so(client, given, worker, strategy, says):
    assert says in page(client, deploy(given, strategy=strategy))


def test_all_at_once_replaces_what_is_live(client, given, worker):
    first = deploy(given)
    address = reverse("governance:deployment-record", args=[given.project.slug])
    client.post(address, {"model_version": given.model_version_id, "environment": "production"})

    assert "was replaced in production" in page(client, first)
    assert Deployment.objects.get(state="live").strategy == "full"


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        ({"steps": "five"}, "is no whole percentage"),
        ({"strategy": "canary", "steps": "50 5 100"}, "Each step is more than the one before"),
        ({"strategy": "canary", "metric": "error_rate"}, "At which value?"),
        ({"strategy": "canary", "limit": "1"}, "Of which metric?"),
        ({"strategy": "odd"}, "odd is not one of the available choices"),
    ],
)
def test_a_plan_that_cannot_be_is_refused_with_what_was_typed(client, given, worker, sent, says):
    values = {"model_version": given.model_version_id, "environment": "somewhere"} | sent
    answer = client.post(reverse("governance:deployment-record", args=[given.project.slug]), values)

    assert answer.status_code == 422
    assert says in answer.text
    assert "somewhere" in answer.text
    assert not Deployment.objects.exists()


def test_it_is_paused_resumed_and_aborted_in_place_each_with_a_reason(client, given, worker):
    live, found = deploy(given), canary(given)

    assert act(client, found, "pause").status_code == 422
    assert found.state == "rolling"
    assert "waits at 5 % of the traffic" in act(client, found, "pause", reason="Lunch").text
    assert "has 5 % of the traffic" in act(client, found, "resume", reason="After lunch").text
    answer = act(client, found, "abort", reason="Burnt")

    assert "was aborted at 5 % of the traffic" in answer.text
    assert "Burnt" in answer.text
    live.refresh_from_db()
    assert live.state == "live"


def test_a_value_beyond_the_limit_aborts_it(client, given, worker):
    found = canary(given)

    act(client, found, "metric", value="0.04")
    assert found.state == "rolling"
    answer = act(client, found, "metric", value="0.06")

    assert found.state == "aborted"
    assert "error_rate &gt; 0.05" in answer.text


def test_one_action_rolls_back_to_the_last_version_that_is_authorized(client, given, worker):
    deploy(given)
    bad = another(given)
    second = deploy(bad)
    assert f"Roll back to model {given.model_version.number}" in page(client, second)

    answer = act(client, second, "roll-back", reason="Burnt")

    assert second.state == "rolled_back"
    back = Deployment.objects.get(state="live")
    assert (back.model_version, back.returns_from) == (given.model_version, second)
    assert answer.redirect_chain[-1][0] == reverse("governance:deployment", args=[back.pk])
    assert "Came back after" in answer.text


def test_nothing_is_rolled_back_to_what_is_not_authorized_any_more(client, given, worker):
    deploy(given)
    second = deploy(another(given))
    withdraw_authorization(authorization=given, actor=given.project.created_by, reason="Drift")

    assert "no earlier version that is authorized here now" in page(client, second)
    answer = act(client, second, "roll-back", reason="Burnt")

    assert answer.status_code == 422
    assert "There is no earlier version" in answer.text
    assert second.state == "live"


def test_the_page_says_beforehand_that_the_next_step_is_not_allowed_and_the_button_keeps_the_answer(
    client, given, worker
):
    found = canary(given)
    suspend_authorization(authorization=given, actor=given.project.created_by, reason="Drift")

    assert "The next step, 50 %, is not allowed." in page(client, found)
    asked = GateAsk.objects.count()
    answer = act(client, found, "advance")

    assert answer.status_code == 422
    assert "suspended" in answer.text
    assert (found.share, GateAsk.objects.count()) == (5, asked + 1)


def test_only_a_manager_withdraws_and_a_reviewer_does_nothing(client, given, worker):
    found = canary(given)
    assert "Withdraw the deployment" not in page(client, found)
    assert act(client, found, "withdraw", reason="Because").status_code == 403

    client.force_login(make.member(given.project, "reviewer"))
    html = page(client, found)
    assert "<form" not in html.partition("<main")[2]
    for name in ("advance", "pause", "abort", "roll-back", "metric", "withdraw"):
        assert act(client, found, name, reason="Because", value=1).status_code == 403
    assert found.state == "rolling"

    client.force_login(given.project.created_by)
    silent = act(client, found, "withdraw", reason=" ")
    done = act(client, found, "withdraw", reason="Complaints")
    assert (silent.status_code, done.status_code, found.state) == (422, 200, "withdrawn")


def test_an_act_that_there_is_not_and_one_that_cannot_be_now(client, given, worker):
    live = deploy(given)

    assert act(client, live, "erase").status_code == 404
    assert act(client, live, "advance").status_code == 422
    assert act(client, live, "metric", value=1).status_code == 422


def test_a_deployment_is_recorded_under_an_authorization_only(client, given, worker):
    home, other = given.project, make.model_version(given.project)
    address = reverse("governance:deployment-record", args=[home.slug])

    denied = client.post(address, {"model_version": other.pk, "environment": "production", "scope": "a=b"})

    assert denied.status_code == 422
    assert "was ever authorized" in denied.text
    assert "a=b" in denied.text
    assert not Deployment.objects.exists()


def test_the_list_puts_what_stands_first_and_is_narrowed(client, given, worker):
    home = given.project
    old, live, rolling = deploy(given), deploy(given), canary(given)
    other = make_gates.deployment()
    address = reverse("governance:project-deployments", args=[home.slug])

    html = client.get(address).text
    places = [html.index(reverse("governance:deployment", args=[each.pk])) for each in (rolling, live, old)]
    assert places == sorted(places)
    assert "One deployment is live, one is on its way" in html
    assert reverse("governance:deployment", args=[other.pk]) not in html
    for query, shown in (("state=live", live), ("strategy=canary", rolling), ("state=replaced", old)):
        found = list(client.get(f"{address}?{query}").context["page"].object_list)
        assert found == [shown]
    assert "No deployment fits" in client.get(f"{address}?state=aborted").text
    assert client.get(f"{address}?state=odd").status_code == 422


def test_the_list_of_everything_shows_what_the_reader_sees(client, given, worker):
    mine, other = deploy(given), make_gates.deployment()
    address = reverse("governance:deployments")

    assert list(client.get(address).context["page"].object_list) == [mine]
    client.force_login(make.user(org_role="auditor"))
    assert set(client.get(address).context["page"].object_list) == {mine, other}
    only = client.get(f"{address}?project={other.project.slug}&environment=production")
    assert list(only.context["page"].object_list) == [other]
    client.force_login(make.user())
    assert "Nothing was deployed" in client.get(address).text


def test_the_pages_cost_the_same_for_any_number(client, given, worker):
    found = canary(given)

    def grow():
        make_gates.deployment(given, state="replaced", ended_at=given.valid_from)

    of_project = reverse("governance:project-deployments", args=[given.project.slug])
    assert grown(client, reverse("governance:deployments"), grow) == 10
    assert grown(client, of_project, grow) == 13
    assert grown(client, reverse("governance:deployment", args=[found.pk]), grow) == 15
