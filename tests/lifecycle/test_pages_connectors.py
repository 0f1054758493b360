"""The pages of connectors."""

import pytest
from django.urls import reverse
from django.utils.timezone import now

from lifecycle.models import Connector, ConnectorRule, Gap, SourceRecord, Sync
from tests import make

pytestmark = pytest.mark.django_db


def fill(connector, count, project=None):
    """`count` of everything that the pages list."""
    for at in range(count):
        sync = Sync.objects.create(
            connector=connector, reason="schedule", state="failed", error="It broke.", asked_at=now(),
            finished_at=now(), asked_by=connector.created_by,
        )  # fmt: skip
        Gap.objects.create(
            connector=connector, sync=sync, event="model_version.created", subject=f"m/{at}", found_at=now()
        )
        common = {"connector": connector, "digest": "0" * 64, "first_seen_at": now(), "changed_at": now()}
        SourceRecord.objects.create(
            kind="experiment", external_id=f"{at}", name=f"odd experiment {at}", **common
        )
        SourceRecord.objects.create(kind="run", external_id=f"a{at}", parent=f"{at}", **common)
        SourceRecord.objects.create(
            kind="run", external_id=f"b{at}", name="bad", refusal=f"Too long {at}.", **common
        )
        if project:
            rule = ConnectorRule.objects.create(
                connector=connector, project=project, order=at, experiment=f"fits {at}", run_kind="TRN",
                created_by=project.created_by, created_at=now(),
            )  # fmt: skip
            SourceRecord.objects.create(
                kind="run", external_id=f"c{at}", name="waits", rule=rule, run=make.run(project),
                proof="waiting", proof_note="Not yet.", **common,
            )  # fmt: skip


@pytest.mark.parametrize("name", ["connectors", "connector", "connector-rules"])
def test_pages_cost_the_same_however_much_they_show(client, name, django_assert_max_num_queries):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    project = make.small_project()
    costs = []
    for _count in (1, 3):
        connector = make.connector()
        fill(connector, _count, project)
        client.force_login(project.created_by)
        address = reverse(f"lifecycle:{name}", args=[] if name == "connectors" else [connector.pk])
        client.get(address)
        with CaptureQueriesContext(connection) as queries:
            assert client.get(address).status_code == 200
        costs.append(len(queries))

    assert costs[0] == costs[1]
    assert costs[1] <= 25


def test_a_page_says_what_is_wrong_in_words(client):
    connector = make.connector(failures=2, last_error="The tracker answers 500.", last_error_at=now())
    fill(connector, 2)
    client.force_login(connector.created_by)

    html = client.get(reverse("lifecycle:connector", args=[connector.pk])).text

    for words in ("fails: The tracker answers 500.", "The last 2 syncs failed.", "Too long 1.", "m/1"):
        assert words in html


def test_secrets_are_on_no_page(client):
    connector = make.connector(
        auth="token", sealed_secret="s1.sealed.text", sealed_webhook_secret="s1.other.text"
    )
    client.force_login(connector.created_by)

    for name in ("connector", "connector-settings"):
        html = client.get(reverse(f"lifecycle:{name}", args=[connector.pk])).text
        assert "s1." not in html


def test_a_tracker_is_connected_changed_and_synced_from_its_pages(client):
    administrator = make.user(org_role="administrator")
    client.force_login(administrator)
    given = {
        "name": "Tracker", "key": "tracker", "url": "https://mlflow.example", "auth": "token",
        "secret": "s3cret", "every_minutes": 5, "full_every_minutes": 60,
    }  # fmt: skip

    refused = client.post(reverse("lifecycle:connector-new"), given | {"url": "mlflow"})
    added = client.post(reverse("lifecycle:connector-new"), given)
    connector = Connector.objects.get()
    changed = client.post(
        reverse("lifecycle:connector-settings", args=[connector.pk]),
        given | {"secret": "", "name": "New", "enabled": "on"},
    )
    synced = client.post(reverse("lifecycle:connector-sync", args=[connector.pk]))

    assert (refused.status_code, "begins with http" in refused.text) == (422, True)
    assert [each.status_code for each in (added, changed, synced)] == [302, 302, 302]
    connector.refresh_from_db()
    assert (connector.name, connector.auth) == ("New", "token")
    assert Sync.objects.get().asked_by == administrator
    bar = client.get(reverse("lifecycle:connector-progress", args=[connector.pk]))
    assert ("hx-get" in bar.text, bar.headers.get("HX-Refresh")) == (True, None)
    Sync.objects.update(state="finished")
    assert (
        client.get(reverse("lifecycle:connector-progress", args=[connector.pk])).headers["HX-Refresh"]
        == "true"
    )


def test_a_manager_looks_first_and_then_writes_a_rule(client):
    project, connector = make.small_project(), make.connector()
    fill(connector, 2)
    SourceRecord.objects.filter(kind="run").update(
        content={"experiment": "odd experiment 1", "tags": {"team": "a"}}
    )
    client.force_login(project.created_by)
    address = reverse("lifecycle:connector-rules", args=[connector.pk])
    given = {"experiment": "odd*", "tags": "team=?", "project": project.pk, "run_kind": "TRN", "task_key": ""}

    looked = client.post(address, given | {"preview": "1"})
    assert (looked.status_code, ConnectorRule.objects.count()) == (200, 0)
    assert "4 known runs fit." in looked.text
    wrong = client.post(address, given | {"tags": "team"})
    assert (wrong.status_code, "Line 1" in wrong.text) == (422, True)
    assert client.post(address, given).status_code == 302

    rule = ConnectorRule.objects.get()
    assert (rule.tags, rule.project) == ({"team": "?"}, project)
    retired = client.post(reverse("lifecycle:connector-rule-retire", args=[connector.pk, rule.pk]))
    rule.refresh_from_db()
    assert (retired.status_code, rule.retired_at is None) == (302, False)


def test_people_without_a_project_to_manage_see_no_connector(client):
    connector = make.connector()
    client.force_login(make.member(make.small_project()))

    for name, args in (
        ("connectors", []),
        ("connector", [connector.pk]),
        ("connector-rules", [connector.pk]),
    ):
        assert client.get(reverse(f"lifecycle:{name}", args=args)).status_code == 404
