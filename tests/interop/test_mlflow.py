"""A real MLflow server, written to by its own client, read by Gatebook."""

import json
import subprocess
import time

import pytest

from ledger.models import Entry
from lifecycle import tasks  # noqa: F401  # registers the handlers
from lifecycle.models import (
    Connector,
    Evidence,
    Gap,
    Job,
    Run,
    RunRevision,
    Snapshot,
    SourceRecord,
    Sync,
    Task,
)
from lifecycle.services import outbox
from lifecycle.services.connector_rules import add_rule
from lifecycle.services.connector_syncs import request_sync, run_due_syncs
from lifecycle.services.connectors import add_connector, try_connection
from tests import make
from tests.interop.conftest import PEERS, experiment, peer_environment

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow, pytest.mark.usefixtures("allowed")]


@pytest.fixture
def administrator():
    return make.user(org_role="administrator")


@pytest.fixture
def connector(administrator, mlflow_server):
    return add_connector(key="tracker", name="Tracker", url=mlflow_server.url, actor=administrator)


def sync(connector, actor=None):
    """Ask for a full sync and carry it out, as a worker does."""
    asked = request_sync(connector=connector, actor=actor or connector.created_by)
    outbox.deliver(Job.objects.get(key=f"connector-sync:{asked.pk}").pk)
    asked.refresh_from_db()
    connector.refresh_from_db()
    return asked


def named(mlflow, experiment_id):
    return mlflow("answer = client.get_experiment(given_id).name", given_id=experiment_id)


LOG_ONE = """
tags = {"team": "pizza", "mlflow.source.git.commit": "abc123"}
run = client.create_run(experiment_id, run_name=name, tags=tags)
key = run.info.run_id
client.log_param(key, "depth", 3)
for step in range(3):
    client.log_metric(key, "loss", 1.0 / (step + 1), step=step)
client.log_metric(key, "accuracy", 0.9)
client.set_terminated(key)
answer = key
"""


def test_a_run_arrives_whole_and_once(mlflow, connector):
    project = make.small_project()
    make.iteration(project)
    place = experiment(mlflow, "promotions")
    key = mlflow(
        LOG_ONE + """
import mlflow.data, pandas
from mlflow.entities import DatasetInput, InputTag
frame, source = pandas.DataFrame({"a": [1, 2, 3]}), "https://data.example/o.csv"
data = mlflow.data.from_pandas(frame, name="orders", source=source)
context = InputTag("mlflow.data.context", "training")
client.log_inputs(key, [DatasetInput(data._to_mlflow_entity(), [context])])
client.log_metric(key, "odd", float("nan"))
""",
        experiment_id=place, name="first",
    )  # fmt: skip
    add_rule(
        connector=connector, project=project, experiment="promotions-*", tags={"team": "pizz?"},
        run_kind="TRN", actor=project.created_by,
    )  # fmt: skip

    done = sync(connector)

    assert (done.state, done.error) == ("finished", "")
    run = Run.objects.get(external_id=key)
    assert (run.project, run.kind, run.state, run.title) == (project, "TRN", "finished", "first")
    assert run.source == f"mlflow:{connector.pk}"
    assert run.iteration.number == 1
    record = run.record
    assert record["parameters"] == {"depth": "3"}
    assert record["metrics"] == {"accuracy": 0.9, "loss": 1 / 3}
    assert record["metrics_not_finite"] == {"odd": "NaN"}
    assert record["tags"]["team"] == "pizza"
    assert record["code"]["commit"] == "abc123"
    [data] = record["inputs"]
    assert (data["name"], data["role"], data["rows"]) == ("orders", "training", 3)
    assert data["digest"]
    history = json.loads(run.history.text)
    assert [(step, value) for step, _, value in history["loss"]] == [(0, 1), (1, 0.5), (2, 1 / 3)]
    entries = Entry.objects.count()

    again = sync(connector)

    assert again.state == "finished"
    assert again.counts["created"] == again.counts["changed"] == 0
    assert Run.objects.filter(external_id=key).count() == 1
    assert Entry.objects.count() == entries + 1  # that it was asked for


AUTOLOG = """
import mlflow
mlflow.sklearn.autolog()

from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

X, y = load_iris(return_X_y=True)
LogisticRegression(max_iter=200, C=0.5).fit(X, y)
"""


def test_autolog_code_that_nobody_changed_arrives_as_a_proven_task(
    mlflow, mlflow_server, connector, tmp_path
):
    project = make.small_project()
    iteration = make.iteration(project)
    task = make.task(make.phase(iteration), "1.1", state="risks_accepted")
    name = f"autolog-{time.time_ns()}"
    add_rule(
        connector=connector, project=project, experiment=name, run_kind="TRN", task_key="1.1", proves=True,
        actor=project.created_by,
    )  # fmt: skip
    (tmp_path / "train.py").write_text(AUTOLOG)
    environment = peer_environment(MLFLOW_TRACKING_URI=mlflow_server.url, MLFLOW_EXPERIMENT_NAME=name)
    subprocess.run([str(PEERS), "train.py"], cwd=tmp_path, env=environment, check=True, capture_output=True)

    done = sync(connector)

    assert done.state == "finished", done.error
    run = Run.objects.get(project=project)
    assert (run.state, run.task) == ("finished", task)
    assert run.record["parameters"]["C"] == "0.5"
    assert run.record["metrics"]["training_accuracy_score"] > 0.9
    assert run.record["model"]["uri"].startswith("models:/")
    assert run.record["inputs"][0]["digest"]
    evidence = Evidence.objects.get(task=task)
    assert evidence.snapshot.run == run
    assert evidence.attached_by == project.created_by
    task.refresh_from_db()
    assert task.state == Task.State.EVIDENCE_ATTACHED
    logged = SourceRecord.objects.get(
        connector=connector, kind="logged_model", parent=run.record["detail"]["experiment_id"]
    )
    assert logged.content["run_id"] == run.external_id


def test_evidence_of_a_task_that_has_not_begun_waits_for_it(mlflow, connector):
    project = make.small_project()
    task = make.task(make.phase(make.iteration(project)), "1.1", state="planned")
    place = experiment(mlflow, "early")
    key = mlflow(LOG_ONE, experiment_id=place, name="early")
    add_rule(
        connector=connector, project=project, experiment=named(mlflow, place), run_kind="TRN", task_key="1.1",
        proves=True, actor=project.created_by,
    )  # fmt: skip
    sync(connector)
    waiting = SourceRecord.objects.get(external_id=key)
    assert (waiting.proof, task.evidence.count()) == ("waiting", 0)
    assert "at work" in waiting.proof_note

    Task.objects.filter(pk=task.pk).update(state="risks_accepted")
    sync(connector)

    waiting.refresh_from_db()
    assert (waiting.proof, task.evidence.count()) == ("given", 1)


def test_a_run_edited_after_it_finished_is_noticed_and_keeps_what_was_frozen(mlflow, connector):
    project = make.small_project()
    task = make.task(make.phase(make.iteration(project)), "1.1", state="risks_accepted")
    place = experiment(mlflow, "edited")
    key = mlflow(LOG_ONE, experiment_id=place, name="edited")
    add_rule(
        connector=connector, project=project, experiment=named(mlflow, place), run_kind="TRN", task_key="1.1",
        proves=True, actor=project.created_by,
    )  # fmt: skip
    sync(connector)
    frozen = Snapshot.objects.get(run__external_id=key)

    mlflow("client.log_metric(key, 'accuracy', 0.99)\nclient.set_tag(key, 'team', 'pasta')", key=key)
    edited = sync(connector)

    assert edited.counts["changed"] == 1
    run = Run.objects.get(external_id=key)
    assert (run.record["metrics"]["accuracy"], run.record["tags"]["team"]) == (0.99, "pasta")
    assert RunRevision.objects.filter(run=run).count() == 1
    frozen.refresh_from_db()
    assert json.loads(frozen.content)["record"]["metrics"]["accuracy"] == 0.9
    assert task.evidence.count() == 1


def test_deleted_and_restored_runs_are_followed(mlflow, connector):
    project = make.small_project()
    place = experiment(mlflow, "deleted")
    key = mlflow(LOG_ONE, experiment_id=place, name="deleted")
    add_rule(
        connector=connector, project=project, experiment=named(mlflow, place), run_kind="TRN",
        actor=project.created_by,
    )  # fmt: skip
    seen = []

    for act in ("pass", "client.delete_run(key)", "client.restore_run(key)"):
        mlflow(act, key=key)
        sync(connector)
        record = SourceRecord.objects.get(external_id=key)
        seen.append((record.state, Run.objects.get(external_id=key).deleted_at_source))

    assert seen == [("active", False), ("deleted", True), ("active", False)]


def test_a_run_under_way_is_followed_to_its_end_without_a_full_look(mlflow, connector):
    project = make.small_project()
    place = experiment(mlflow, "open")
    key = mlflow(
        "answer = client.create_run(experiment_id, start_time=1_600_000_000_000).info.run_id",
        experiment_id=place,
    )
    mlflow(LOG_ONE, experiment_id=place, name="later")
    add_rule(
        connector=connector, project=project, experiment=named(mlflow, place), run_kind="TRN",
        actor=project.created_by,
    )  # fmt: skip
    sync(connector)
    assert Run.objects.get(external_id=key).state == "running"
    mlflow("client.set_terminated(key)", key=key)

    Connector.objects.update(next_sync_at="2020-01-01T00:00Z")
    from django.utils.timezone import now

    assert (run_due_syncs(now()), run_due_syncs(now())) == (1, 0)
    due = Sync.objects.filter(connector=connector).first()
    assert (due.reason, due.full) == ("schedule", False)
    outbox.deliver(Job.objects.get(key=f"connector-sync:{due.pk}").pk)

    assert Run.objects.get(external_id=key).state == "finished"


def test_what_no_rule_fits_is_listed_and_a_new_rule_brings_it(mlflow, connector):
    project = make.small_project()
    place = experiment(mlflow, "unmatched")
    key = mlflow(LOG_ONE, experiment_id=place, name="nobody's")
    done = sync(connector)
    left = SourceRecord.objects.get(external_id=key)
    assert (left.rule, left.run, done.counts["unmatched"] >= 1) == (None, None, True)

    rule = add_rule(
        connector=connector, project=project, experiment=named(mlflow, place), run_kind="EVR",
        actor=project.created_by,
    )  # fmt: skip
    by_rule = Sync.objects.get(connector=connector, state="queued")
    assert (by_rule.reason, by_rule.full) == ("rules", True)
    outbox.deliver(Job.objects.get(key=f"connector-sync:{by_rule.pk}").pk)

    left.refresh_from_db()
    assert (left.rule, left.run.kind, left.run.project) == (rule, "EVR", project)


REGISTER = """
client.create_registered_model(name)
version = client.create_model_version(name, source="s3://models/none")
client.set_registered_model_alias(name, "champion", version.version)
client.set_model_version_tag(name, version.version, "validation_status", "pending")
answer = version.version
"""


def test_models_versions_and_aliases_are_followed_and_gaps_are_noted(mlflow, connector, administrator):
    name = f"flights-{time.time_ns()}"
    sync(connector)
    Connector.objects.filter(pk=connector.pk).update(
        webhooks_since=connector.created_at, sealed_webhook_secret="s1.none.none"
    )
    connector.refresh_from_db()
    version = mlflow(REGISTER, name=name)

    done = sync(connector)

    model = SourceRecord.objects.get(connector=connector, kind="model", external_id=name)
    assert model.content["aliases"] == {"champion": version}
    found = SourceRecord.objects.get(connector=connector, kind="version", external_id=f"{name}/{version}")
    assert found.content["tags"] == {"validation_status": "pending"}
    gaps = set(Gap.objects.filter(sync=done).values_list("event", "subject"))
    assert gaps == {
        ("registered_model.created", name),
        ("model_version.created", f"{name}/{version}"),
        ("model_version_alias.created", f"{name}@champion={version}"),
    }
    entry = Entry.objects.filter(action="connector.records_changed").latest("pk")
    assert entry is not None

    mlflow(
        "client.delete_registered_model_alias(name, 'champion')\nclient.delete_model_version(name, '1')",
        name=name,
    )
    sync(connector)

    model.refresh_from_db()
    found.refresh_from_db()
    assert (model.content["aliases"], found.state) == ({}, "gone")


def test_a_connection_can_be_tried(connector, administrator, settings):
    answers, text = try_connection(connector, administrator)
    assert (answers, "experiments" in text) == (True, True)

    settings.GATEBOOK_OUTBOUND_ALLOW = []
    answers, text = try_connection(connector, administrator)
    assert (answers, "GATEBOOK_OUTBOUND_ALLOW" in text) == (False, True)


def test_webhooks_that_mlflow_sends_are_taken(mlflow, connector, administrator, live_server):
    from lifecycle.models import Delivery
    from lifecycle.services.connectors import change_connector

    secret = "a-secret-of-the-webhook"
    change_connector(
        connector=connector, name="Tracker", url=connector.url, auth="none", webhook_secret=secret,
        actor=administrator,
    )  # fmt: skip
    sync(connector)
    name = f"announced-{time.time_ns()}"
    version = mlflow(
        """
from mlflow.entities.webhook import WebhookEvent
events = [
    "registered_model.created", "model_version.created", "model_version_tag.set",
    "model_version_alias.created",
]
hook = client.create_webhook(name=name, url=url, events=events, secret=secret)
""" + REGISTER,
        name=name, url=f"{live_server.url}/api/v1/webhooks/mlflow/tracker/", secret=secret,
    )  # fmt: skip
    until = time.monotonic() + 20
    while Delivery.objects.count() < 4 and time.monotonic() < until:
        time.sleep(0.1)
    mlflow("[client.delete_webhook(each.webhook_id) for each in client.list_webhooks()]")

    assert set(Delivery.objects.values_list("event", "subject")) == {
        ("registered_model.created", name),
        ("model_version.created", f"{name}/{version}"),
        ("model_version_alias.created", f"{name}@champion={version}"),
        ("model_version_tag.set", f"{name}/{version}#validation_status"),
    }
    asked = Sync.objects.get(connector=connector, state="queued")
    assert asked.reason == "webhook"
    outbox.deliver(Job.objects.get(key=f"connector-sync:{asked.pk}").pk)
    assert SourceRecord.objects.filter(kind="version", external_id=f"{name}/{version}").exists()
    assert not Gap.objects.exists()
