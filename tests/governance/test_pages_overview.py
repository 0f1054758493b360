"""Portfolio, project, models and authorizations: what they show, and at which cost."""

import datetime as dt
import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from governance.models import Authorization, Finding
from tests import make, make_gates

pytestmark = pytest.mark.django_db
MOST_QUERIES = 25


def cost(client, address):
    """(number of queries, page) of one visit."""
    with CaptureQueriesContext(connection) as queries:
        answer = client.get(address)
    assert answer.status_code == 200
    return len(queries), answer.text


def grown(client, address, grow):
    """How many queries a page takes with 1 and with 3 records more; asserts that they are as many."""
    found = []
    for count in (1, 2):
        for _ in range(count):
            grow()
        found.append(cost(client, address)[0])
    assert found[0] == found[1] <= MOST_QUERIES
    return found[0]


def measured(home, version, task, **record):
    """Evidence of an evaluation of the version."""
    run = make.run(home, "EVR", model_version=version, iteration=task.phase.iteration)
    content = {"record": {"main_metric": "accuracy", **record}, "run": run.pk}
    return make.evidence(task, snapshot=make.snapshot(home, "EVR", run=run, content=json.dumps(content)))


# ---- portfolio ----


def test_the_portfolio_costs_the_same_for_any_number_of_projects(client):
    me = make.user()
    client.force_login(me)

    def grow():
        home = make_gates.project()
        make.member(home, "reviewer", user=me)
        make_gates.gate(home)

    assert grown(client, reverse("governance:portfolio"), grow) == 23


def test_the_portfolio_shows_a_page_of_projects_and_says_how_many_there_are(client, monkeypatch):
    monkeypatch.setattr("governance.views.portfolio.A_PAGE", 2)
    me = make.user(org_role="auditor")
    client.force_login(me)
    for _ in range(3):
        make.small_project()

    first, last = (client.get(reverse("governance:portfolio"), {"page": page}) for page in (1, 2))

    assert (len(first.context["lines"]), len(last.context["lines"])) == (2, 1)
    assert "1 to 2 of 3" in first.text
    assert "page=1" in last.text


def test_the_list_of_exceptions_is_paged_sorted_and_narrowed_over_all_of_them(client, monkeypatch):
    monkeypatch.setattr("governance.views.exceptions.A_PAGE", 2)
    me, home, other = make.user(org_role="auditor"), make_gates.project(), make_gates.project()
    client.force_login(me)
    first = make_gates.finding(home, title="Alpha", due_on=timezone.now().date() + dt.timedelta(days=1))
    last = make_gates.finding(other, title="Zulu")
    waiver = make_gates.waiver(make_gates.gate(home))
    address = reverse("governance:exceptions")

    def shown(**query):
        return [line.record for line in client.get(address, query).context["lines"]]

    assert (shown(), shown(page=2)) == ([first, waiver], [last])
    assert shown(sort="-what")[-1] != first
    assert shown(kind="waiver") == [waiver]
    assert shown(words="zul") == [last]
    assert set(shown(words=other.name.lower())) == {last}
    assert shown(words="\0%", kind="nothing", page="x") == []
    assert "3 exceptions stand" in client.get(address, {"words": "zul"}).text


def test_the_inventory_is_paged_and_narrowed_over_all_systems(client, monkeypatch):
    monkeypatch.setattr("governance.views.inventory.A_PAGE", 2)
    client.force_login(make.user(org_role="auditor"))
    homes = [make.small_project(name=f"System {name}", risk_class="limited") for name in "abc"]
    high = make.small_project(name="Zulu", risk_class="high")
    address = reverse("governance:inventory")

    def shown(**query):
        return [line.project for line in client.get(address, query).context["lines"]]

    assert (shown(), shown(page=2)) == (homes[:2], [homes[2], high])
    assert (shown(words="zul"), shown(risk="high"), shown(risk="odd")) == ([high], [high], homes[:2])
    assert "4 AI systems" in client.get(address).text


def test_an_empty_portfolio_says_what_to_do(client):
    client.force_login(make.user())

    html = client.get(reverse("governance:portfolio")).text

    assert "No project yet" in html
    assert "Begin one" in html


def test_the_portfolio_says_what_does_harm_and_what_waits(client):
    me = make.user()
    harmed = make_gates.deployment().project
    make.run(harmed, "MON", record={"verdict": "drift"})
    waiting = make_gates.project()
    make_gates.gate(waiting)
    calm = make_gates.project()
    for home in (harmed, waiting, calm):
        make.member(home, "reviewer", user=me)
    client.force_login(me)

    html = client.get(reverse("governance:portfolio")).text

    assert "3 projects, 1 needs somebody" in html
    assert "Drift while live" in html
    assert "Sign G1" in html
    assert html.index(harmed.name) < html.index(waiting.name) < html.index(calm.name)


def test_many_projects_stand_on_a_board_by_their_phase(client):
    me = make.user()
    homes = [make.small_project(me) for _ in range(4)]
    for home, state in zip(homes, ("in_progress", "passed", "passed", "in_review"), strict=True):
        make.phase(make.iteration(home), "P1", state)
    client.force_login(me)

    columns = client.get(reverse("governance:portfolio")).context["board"]

    assert [(column.key, len(column.standings)) for column in columns] == [("P1", 2), ("P2", 2)]


def test_the_portfolio_is_filtered(client):
    me = make.user()
    high, low = make.small_project(me, risk_class="high"), make.small_project(me)
    client.force_login(me)

    html = client.get(reverse("governance:portfolio"), {"show": "high"}).text

    assert high.name in html
    assert low.name not in html


def test_an_overdue_handoff_is_counted(client):
    home = make_gates.project()
    make.handoff(home.iterations.get(), due_on=timezone.localdate() - dt.timedelta(days=3))
    client.force_login(home.created_by)

    assert "1 thing overdue" in client.get(reverse("governance:portfolio")).text


# ---- project ----


def test_a_project_costs_the_same_for_any_number_of_records(client):
    given = make_gates.authorization()
    home, iteration = given.project, given.gate.iteration
    client.force_login(home.created_by)

    def grow():
        make.handoff(iteration, due_on=make.tomorrow())
        make_gates.finding(home)
        make.firing(make.trigger(home))
        make_gates.deployment(given, state="replaced", ended_at=timezone.now())

    assert grown(client, reverse("governance:project", args=[home.slug]), grow) == 20


def test_a_project_shows_where_it_stands_and_what_comes_next(client):
    home = make.project(document=make_gates.gate_document(), purpose="Sells more pizza. In the US.")
    make.phase(make.iteration(home), "P1", "in_review")
    gate = make_gates.gate(home)
    reviewer = make.member(home, "reviewer")
    client.force_login(reviewer)

    html = client.get(reverse("governance:project", args=[home.slug])).text

    assert "<h1>Sells more pizza</h1>" in html
    assert "Sign G1 Gate G1" in html
    assert reverse("governance:gate", args=[gate.pk]) in html
    assert "G1 open" in html


def test_a_project_without_an_iteration_says_so(client):
    home = make.small_project()
    client.force_login(home.created_by)

    assert "No iteration yet" in client.get(reverse("governance:project", args=[home.slug])).text


# ---- gates ----


def test_the_list_of_gates_costs_the_same_for_any_number(client):
    home = make_gates.project()
    client.force_login(home.created_by)

    def grow():
        gate = make_gates.gate(home)
        gate.state, gate.decided_at = "refused", timezone.now()
        gate.save()

    assert grown(client, reverse("governance:project-gates", args=[home.slug]), grow) == 10


def test_a_gate_costs_a_signer_the_same_for_any_number_of_records(client):
    home = make_gates.project(required=9)
    version = make.model_version(home)
    gate = make_gates.gate(home, model_version=version)
    reviewer = make.member(home, "reviewer")
    task = make.task(home.iterations.get().phases.get(key="P1"))
    client.force_login(reviewer)

    def grow():
        measured(home, version, task, metrics={"accuracy": 0.9}, slices={"month=1": {"accuracy": 0.8}})
        make.requirement(home, gate="G1", limit=0.5)
        make.risk(task)
        make.handoff(gate.iteration)
        make_gates.finding(home)
        make_gates.signed(gate, make.member(home, "reviewer"))

    assert grown(client, reverse("governance:gate", args=[gate.pk]), grow) <= MOST_QUERIES


def test_a_gate_shows_criteria_slices_and_the_version_before(client):
    before = make_gates.authorization()
    home, iteration = before.project, before.gate.iteration
    task = make.task(iteration.phases.get(key="P1"))
    measured(
        home, before.model_version, task, metrics={"accuracy": 0.81}, slices={"month=12": {"accuracy": 0.7}}
    )
    make.requirement(home, gate="G1", limit=0.9, statement="Accurate overall")
    make.phase(iteration, "P1", "in_review")
    version = make.model_version(home)
    measured(
        home, version, task, metrics={"accuracy": 0.95},
        slices={"month=12": {"accuracy": 0.88, "rows": 1200, "baseline_accuracy": 0.5}},
    )  # fmt: skip
    gate = make_gates.gate(home, model_version=version)
    make_gates.evaluation(gate)
    client.force_login(make.member(home, "reviewer"))

    html = client.get(reverse("governance:gate", args=[gate.pk])).text

    assert "Accurate overall" in html
    assert "Observed 0.950, limit at least 0.900: met, before 0.810" in html
    assert "month 12" in html
    assert "−0.020" in html
    assert "This version beside the last authorized one" in html


# ---- models and authorizations ----


def test_models_cost_the_same_for_any_number(client):
    given = make_gates.authorization()
    home = given.project
    client.force_login(home.created_by)

    def grow():
        version = make.model_version(home)
        make.run(home, "TRN", model_version=version, record={"main_metric": "f1", "metrics": {"f1": 0.5}})
        make_gates.deployment(given, state="replaced", ended_at=timezone.now())
        make_gates.finding(home)

    assert grown(client, reverse("governance:project-models", args=[home.slug]), grow) == 15


def test_an_authorization_costs_the_same_for_any_number_of_deployments(client):
    given = make_gates.authorization()
    client.force_login(given.project.created_by)

    def grow():
        make_gates.deployment(given, state="replaced", ended_at=timezone.now())

    assert grown(client, reverse("governance:authorization", args=[given.pk]), grow) == 10


def test_a_model_shows_digest_metric_gates_and_where_it_runs(client):
    deployment = make_gates.deployment()
    home, version = deployment.project, deployment.model_version
    make.run(home, "TRN", model_version=version, record={"main_metric": "f1", "metrics": {"f1": 0.625}})
    client.force_login(home.created_by)

    html = client.get(reverse("governance:project-models", args=[home.slug])).text

    assert f"Model {version.number} is live in production" in html
    assert version.digest in html
    assert "0.625" in html
    assert "G1 passed" in html


def test_an_authorization_names_the_command_that_a_pipeline_runs(client):
    given = make_gates.authorization()
    client.force_login(make.member(given.project))

    html = client.get(reverse("governance:authorization", args=[given.pk])).text

    assert f"--model-digest {given.model_digest}" in html
    assert "--scope country=US" in html
    assert html.count("Approved") == 2


def test_an_authorization_is_suspended_resumed_and_withdrawn(client):
    given = make_gates.authorization()
    client.force_login(given.project.created_by)
    states = []

    for move in ("suspend", "resume", "withdraw"):
        address = reverse(f"governance:authorization-{move}", args=[given.pk])
        assert client.post(address, {f"{move}-reason": " "}).status_code == 422
        assert client.post(address, {f"{move}-reason": "Because"}).status_code == 302
        given.refresh_from_db()
        states.append(given.state)

    assert states == ["suspended", "active", "withdrawn"]
    assert "may not run" in client.get(reverse("governance:authorization", args=[given.pk])).text


def test_a_move_that_the_state_forbids_is_refused_on_the_page(client):
    given = make_gates.authorization()
    client.force_login(given.project.created_by)

    answer = client.post(
        reverse("governance:authorization-resume", args=[given.pk]), {"resume-reason": "Why"}
    )

    assert answer.status_code == 422
    assert Authorization.objects.get().state == "active"


def test_what_two_people_let_in_shows_that_it_has_no_authorization(client):
    home = make_gates.project()
    version = make.model_version(home)
    make_gates.broken_glass(version, "production")
    client.force_login(home.created_by)

    sent = {"model_version": version.pk, "environment": "production"}
    client.post(reverse("governance:deployment-record", args=[home.slug]), sent)

    html = client.get(reverse("governance:project-models", args=[home.slug])).text
    assert "Without authorization" in html
    assert "without an authorization" in Finding.objects.get().title
