import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from lifecycle.models import TestSet
from tests import make, traces
from tests.lifecycle import running, watching
from tests.lifecycle.test_test_sets import BLIND, evaluate, lock

pytestmark = pytest.mark.django_db

API = "/api/v1/test-sets/"


@pytest.fixture
def project():
    watching.sales("blind.csv", seed=3)
    return running.project()


def address(project):
    return reverse("lifecycle:project-test-sets", args=[project.slug])


def filled(**changes):
    where = '[{"column": "country", "op": "==", "value": "US"}]'
    return {"name": "blind", "uri": "blind.csv", "format": "csv", "where": where, "max_uses": 2} | changes


def test_a_contributor_locks_a_test_set_on_the_page(client, project):
    client.force_login(make.member(project, role="contributor"))
    with traces.one_entry("test_set.locked"):
        answer = client.post(address(project), filled(), follow=True)
    held = TestSet.objects.get(project=project)
    assert (held.name, held.version, held.max_uses, held.data["where"]) == ("blind", 1, 2, BLIND["where"])
    text = answer.content.decode()
    assert "One test set under lock" in text
    assert "0 of 2" in text


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"uri": "nowhere.csv"}, "nowhere.csv"),
        ({"uri": "../secret.csv"}, "secret"),
        ({"where": "{"}, "not JSON"),
        ({"where": "{}"}, "list of conditions"),
        ({"where": '[{"column": "a"}]'}, "where"),
        ({"max_uses": "0"}, "greater than or equal to 1"),
        ({"name": "two words"}, "letters"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_locked(client, project, changes, says):
    client.force_login(project.created_by)
    with traces.no_trace():
        answer = client.post(address(project), filled(**changes))
    assert answer.status_code == 422
    assert says in answer.content.decode()
    assert TestSet.objects.count() == 0


def test_others_read_and_strangers_see_nothing(client, project):
    lock(project)
    client.force_login(make.member(project, role="reviewer"))
    text = client.get(address(project)).content.decode()
    assert "blind" in text
    assert "Lock it" not in text
    assert client.post(address(project), filled()).status_code == 403
    client.force_login(make.user())
    assert client.get(address(project)).status_code == 404


def test_the_page_names_the_runs_that_used_it_at_a_constant_cost(client, project):
    watching.sales()
    model = watching.trained(project)
    lock(project, max_uses=9)
    client.force_login(project.created_by)
    client.get(address(project))
    counts = []
    for number in (1, 2):
        for _ in range(number):
            run = evaluate(project, model)
        watching.work()
        with CaptureQueriesContext(connection) as asked:
            text = client.get(address(project)).content.decode()
        counts.append(len(asked))
        assert reverse("lifecycle:run", args=[run.pk]) in text
    assert counts[0] == counts[1] <= 25


def test_the_api_lists_shows_and_locks(client, project):
    client.force_login(project.created_by)
    body = {"project": project.slug, "name": "blind", "data": BLIND, "max_uses": 2}
    made = client.post(API, body, content_type="application/json")
    again = client.post(API, body, content_type="application/json")
    assert (made.status_code, made.json()["version"], again.json()["version"]) == (201, 1, 2)

    listed = client.get(API, {"project": project.slug, "name": "blind"}).json()["results"]
    assert [each["version"] for each in listed] == [2, 1]
    assert client.get(f"{API}{made.json()['id']}/").json()["used_by"] == []

    wrong = client.post(
        API, body | {"data": {"uri": "x.csv", "format": "csv"}}, content_type="application/json"
    )
    odd = client.post(
        API, body | {"data": {"uri": "x.csv", "format": "doc"}}, content_type="application/json"
    )
    assert (wrong.status_code, odd.status_code) == (400, 400)
    client.force_login(make.user())
    assert client.get(API).json()["results"] == []
    assert client.post(API, body, content_type="application/json").status_code == 404
