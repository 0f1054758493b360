"""Connectors against a tracker that behaves well, badly, or not at all."""

import json
from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.utils.timezone import now

from ledger.models import Entry, Payload
from lifecycle import tasks  # noqa: F401  # registers the handlers
from lifecycle.connectors import mlflow as rest
from lifecycle.connectors.mlflow import Access
from lifecycle.errors import Invalid, Refused
from lifecycle.models import Connector, ConnectorRule, Evidence, Job, Run, SourceRecord, Sync
from lifecycle.outbound import Limits
from lifecycle.sealing import SealBroken, new_key, seal, unseal
from lifecycle.services import connector_work, outbox
from lifecycle.services.connector_rules import add_rule, reapply_rules, retire_rule, would_fit
from lifecycle.services.connector_syncs import Overtaken, advance, request_sync, run_due_syncs
from lifecycle.services.connectors import (
    access_to,
    add_connector,
    change_connector,
    reseal_secrets,
    try_connection,
)
from tests import make
from tests.lifecycle import tracker as pretend

pytestmark = pytest.mark.django_db


@pytest.fixture
def tracker(settings, monkeypatch):
    settings.GATEBOOK_OUTBOUND_ALLOW = ["127.0.0.0/8"]
    monkeypatch.setattr(rest, "WAITS", ())
    with pretend.serving() as server:
        yield server


@pytest.fixture
def administrator():
    return make.user(org_role="administrator")


@pytest.fixture
def connector(tracker, administrator):
    return make.connector(url=tracker.url, created_by=administrator)


@pytest.fixture
def project(connector):
    """A project to which a rule brings every run of the experiment."""
    made = make.small_project()
    add_rule(
        connector=connector, project=made, experiment="promotions", run_kind="TRN", actor=made.created_by
    )
    return made


def work(connector):
    """Ask for a full sync and carry it out, as a worker does."""
    sync = request_sync(connector=connector, actor=connector.created_by)
    outbox.deliver(Job.objects.get(key=f"connector-sync:{sync.pk}").pk)
    sync.refresh_from_db()
    connector.refresh_from_db()
    return sync


def test_runs_arrive_once_with_one_entry_a_batch(tracker, connector, project):
    tracker.runs = [pretend.run(number) for number in range(7)]

    first, entries = work(connector), Entry.objects.count()
    second = work(connector)

    assert (first.counts["created"], second.counts["created"], second.counts["seen"]) == (7, 0, 7)
    assert Run.objects.filter(project=project).count() == 7
    assert Entry.objects.filter(action="runs.recorded").count() == 1
    assert Entry.objects.count() == entries + 1  # that it was asked for


def test_many_runs_of_one_millisecond_are_paged_through(tracker, connector, project, monkeypatch):
    monkeypatch.setattr(connector_work, "PAGE", 4)
    start = {"info": {"start_time": 1_700_000_000_000}}
    tracker.runs = [pretend.run(number) for number in range(5)]
    tracker.runs += [
        {**each, "info": {**each["info"], **start["info"]}} for each in map(pretend.run, range(10, 31))
    ]

    done = work(connector)

    assert (done.state, done.error) == ("finished", "")
    assert Run.objects.filter(project=project).count() == 26


def test_runs_that_come_while_it_reads_are_not_missed(tracker, connector, project, monkeypatch):
    monkeypatch.setattr(connector_work, "PAGE", 3)
    tracker.runs = [pretend.run(number) for number in range(0, 20, 2)]

    def behave(path, asked):
        if path.endswith("runs/search") and len(tracker.runs) < 20:
            tracker.runs.append(pretend.run(len(tracker.runs) * 2 + 1))

    tracker.behave = behave
    work(connector)
    tracker.behave = None
    work(connector)

    assert Run.objects.filter(project=project).count() == len(tracker.runs)


def test_a_changed_run_is_taken_again_and_an_unchanged_one_is_not(tracker, connector, project):
    tracker.runs = [pretend.run(1), pretend.run(2)]
    work(connector)
    tracker.runs[0]["data"]["tags"].append({"key": "late", "value": "yes"})
    tracker.runs[1]["data"]["tags"].reverse()

    done = work(connector)

    assert done.counts["changed"] == 1
    assert Run.objects.get(external_id=f"{1:032x}").record["tags"]["late"] == "yes"


def test_a_run_that_is_gone_for_good_is_said_to_be_gone(tracker, connector, project):
    tracker.runs = [pretend.run(1), pretend.run(2)]
    work(connector)
    before = Run.objects.get(external_id=f"{1:032x}").record
    del tracker.runs[0]

    done = work(connector)

    assert done.counts["gone"] == 1
    gone = SourceRecord.objects.get(external_id=f"{1:032x}")
    gone.run.refresh_from_db()
    assert (gone.state, gone.run.deleted_at_source, gone.run.record) == ("gone", True, before)


def test_an_incomplete_page_takes_nothing_away(tracker, connector, project):
    tracker.runs = [pretend.run(1), pretend.run(2)]
    work(connector)
    whole = tracker.runs

    def behave(path, _asked):
        said = json.dumps({"runs": whole[:1]})
        return (200, "application/json", said) if path.endswith("runs/search") else None

    tracker.behave = behave
    work(connector)

    assert set(SourceRecord.objects.filter(kind="run").values_list("state", flat=True)) == {"active"}


def again_and_again(path, asked):
    if path.endswith("runs/search"):
        said = {"runs": [pretend.run(1)], "next_page_token": "1"}
        return 200, "application/json", json.dumps(said)
    return None


def always_new_tokens(path, asked):
    if path.endswith("runs/search"):
        token = int(asked.get("page_token", 0)) + 1
        return 200, "application/json", json.dumps({"runs": [pretend.run(1)], "next_page_token": str(token)})
    return None


def of_another_experiment(path, asked):
    if path.endswith("runs/search"):
        return 200, "application/json", json.dumps({"runs": [pretend.run(1, experiment="2")]})
    return None


@pytest.mark.parametrize(
    ("behave", "said"),
    [
        (lambda *_asked: (500, "text/html", "<h1>Oops</h1>"), "answers 500"),
        (lambda *_asked: (200, "text/html", "<h1>Sign in</h1>"), "text/html instead of JSON"),
        (lambda *_asked: (200, "application/json", b'{"experiments": "\xff"}'), "instead of JSON"),
        (lambda *_asked: (200, "application/json", "[1, 2]"), "does not fit"),
        (lambda *_asked: (200, "application/json", '{"experiments": 7}'), "does not fit at experiments"),
        (lambda *_asked: (200, "application/json", "[" * 100_000), "instead of JSON"),
        (lambda *_asked: (401, "text/plain", "no"), "does not let Gatebook in"),
        (lambda *_asked: (403, "application/json", '{"message": "no"}'), "does not let Gatebook in"),
        (lambda *_asked: (400, "application/json", '{"message": "Not so"}'), "400: Not so"),
        (lambda *_asked: (302, "text/plain", ""), "302"),
        (again_and_again, "again and again"),
        (always_new_tokens, "again and again"),
        (of_another_experiment, "another experiment"),
    ],
)  # fmt: skip
def test_a_tracker_that_answers_badly_does_no_harm_and_is_shown(tracker, connector, project, behave, said):
    tracker.runs = [pretend.run(number) for number in range(3)]
    work(connector)
    kept = list(Run.objects.order_by("pk").values("pk", "record", "content_digest"))
    tracker.behave = behave

    done = work(connector)

    assert done.state == "failed"
    assert said in done.error
    assert said in connector.last_error
    assert connector.failures == 1
    assert connector.next_sync_at > now()
    assert list(Run.objects.order_by("pk").values("pk", "record", "content_digest"))[: len(kept)] == kept
    assert Entry.objects.filter(action="connector.sync_failed").count() == 1

    tracker.behave = None
    assert work(connector).state == "finished"
    assert (connector.failures, connector.last_error) == (0, "")


def test_a_tracker_that_is_down_or_slow_is_shown(tracker, connector, project, monkeypatch):
    Connector.objects.filter(pk=connector.pk).update(url="http://127.0.0.1:9")
    connector.refresh_from_db()
    assert "cannot be reached" in work(connector).error

    Connector.objects.filter(pk=connector.pk).update(url=tracker.url)
    monkeypatch.setattr(rest, "LIMITS", Limits(seconds=0.3))
    tracker.behave = pretend.slowly(0.8)
    connector.refresh_from_db()
    assert "did not answer in time" in work(connector).error
    assert connector.failures == 2
    assert Entry.objects.filter(action="connector.sync_failed").count() == 1  # the first of a row is told


def test_a_hiccup_is_tried_again(tracker, connector, project, monkeypatch):
    monkeypatch.setattr(rest, "WAITS", (0, 0))
    tracker.runs, hiccups = [pretend.run(1)], []

    def behave(path, asked):
        if len(hiccups) < 2:
            hiccups.append(path)
            return 503, "text/plain", "later"
        return None

    tracker.behave = behave

    assert work(connector).state == "finished"


def odd(**more):
    return pretend.run(50, **more)


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (odd(data={"tags": [{"key": f"t{n}", "value": "x"} for n in range(5000)]}), "tags"),
        (odd(data={"metrics": "many"}), "does not fit at data/metrics"),
        (odd(data={"metrics": [{"key": "a", "value": "high"}]}), "does not fit at data/metrics/0/value"),
        (odd(info={"status": "DREAMING"}), "does not fit at info/status"),
        (odd(info={"start_time": 10**30}), "does not fit at info/start_time"),
        (odd(info={"start_time": 4_000_000_000_000, "end_time": 4_000_000_000_001}), "future"),
        (odd(data={"params": [{"key": "a\nb", "value": "x"}]}), "control"),
        (odd(data={"params": [{"key": "a", "value": "\x00"}]}), "null"),
        (odd(data={"params": [{"key": "a", "value": "\ud800"}]}), "Unicode"),
        (odd(data={"params": [{"key": "a", "value": "x" * 7000}]}), "parameters"),
    ],
)  # fmt: skip
def test_a_run_that_cannot_be_kept_is_refused_by_itself(tracker, connector, project, bad, said):
    tracker.runs = [pretend.run(1), bad, pretend.run(99)]

    done = work(connector)

    assert (done.state, done.counts["created"], done.counts["refused"]) == ("finished", 2, 1)
    refused = SourceRecord.objects.exclude(refusal="").get()
    assert said.lower() in refused.refusal.lower()
    assert refused.run is None

    tracker.runs[1] = odd()
    assert work(connector).counts["created"] == 1


def test_metrics_that_are_no_numbers_and_paths_that_climb_are_kept_as_words(tracker, connector, project):
    metrics = [
        {"key": key, "value": value, "timestamp": 1, "step": 0}
        for key, value in {"a": "NaN", "b": "Infinity", "c": "-Infinity", "../../etc/passwd": 1.5}.items()
    ]
    tracker.runs = [odd(info={"artifact_uri": "file:///../../etc/passwd"}, data={"metrics": metrics})]

    work(connector)

    record = Run.objects.get(project=project).record
    assert record["metrics"] == {"../../etc/passwd": 1.5}
    assert record["metrics_not_finite"] == {"a": "NaN", "b": "Infinity", "c": "-Infinity"}
    assert record["detail"]["artifact_uri"] == "file:///../../etc/passwd"


def test_an_answer_beyond_measure_is_read_in_smaller_pages(tracker, connector, project, monkeypatch):
    tracker.runs = [pretend.run(n, data={"tags": [{"key": "t", "value": "x" * 3000}]}) for n in range(60)]
    monkeypatch.setattr(rest, "LIMITS", Limits(size=60_000))

    assert work(connector).state == "finished"
    assert Run.objects.filter(project=project).count() == 60


def test_one_experiment_with_a_run_beyond_measure_does_not_hold_up_the_others(
    tracker, connector, project, monkeypatch
):
    tracker.experiments.append({"experiment_id": "0", "name": "huge", "lifecycle_stage": "active"})
    tags = [{"key": f"tag {n}", "value": "x"} for n in range(3000)]
    tracker.runs = [pretend.run(1), pretend.run(2, experiment="0", data={"tags": tags})]
    monkeypatch.setattr(rest, "LIMITS", Limits(size=60_000))

    done = work(connector)

    assert done.state == "failed"
    assert "huge: The answer of 127.0.0.1 is longer" in done.error
    assert Run.objects.filter(project=project).count() == 1


def test_a_worker_that_was_overtaken_writes_nothing(tracker, connector, project):
    sync = request_sync(connector=connector, actor=connector.created_by)
    Sync.objects.filter(pk=sync.pk).update(state="running", position={"step": "models"})
    sync.refresh_from_db()
    Sync.objects.filter(pk=sync.pk).update(position={"step": "done"})

    with pytest.raises(Overtaken):
        advance(sync, {"step": "elsewhere"}, counts={})

    sync.refresh_from_db()
    assert sync.position == {"step": "done"}


def test_two_schedulers_ask_for_one_sync(connector):
    Connector.objects.filter(pk=connector.pk).update(next_sync_at=now() - timedelta(minutes=1))

    assert [run_due_syncs(now()), run_due_syncs(now())] == [1, 0]
    assert Sync.objects.count() == 1


def test_a_sync_under_way_is_the_answer_to_a_second_request(connector):
    first = request_sync(connector=connector, actor=connector.created_by)

    assert request_sync(connector=connector, actor=connector.created_by) == first
    assert Entry.objects.filter(action="connector.sync_requested").count() == 1


def test_nobody_syncs_what_is_switched_off_and_strangers_sync_nothing(connector):
    Connector.objects.filter(pk=connector.pk).update(enabled=False)
    with pytest.raises(Refused) as no:
        request_sync(connector=connector, actor=connector.created_by)
    assert no.value.code == "switched_off"
    for person in (make.user(), make.user(org_role="auditor")):
        with pytest.raises(PermissionDenied):
            request_sync(connector=connector, actor=person)
    assert (Sync.objects.count(), Entry.objects.count()) == (0, 0)


def test_the_first_rule_that_fits_counts_and_a_project_keeps_what_it_has(tracker, connector):
    one, two = make.small_project(), make.small_project()
    tags = {"team": "pi*"}
    first = add_rule(
        connector=connector, project=one, experiment="promo*", tags=tags, run_kind="TRN", actor=one.created_by
    )
    add_rule(connector=connector, project=two, experiment="*", run_kind="EVR", actor=two.created_by)
    tracker.runs = [pretend.run(1), pretend.run(2, data={"tags": []})]
    work(connector)
    assert [Run.objects.get(project=each).kind for each in (one, two)] == ["TRN", "EVR"]

    retire_rule(rule=first, actor=one.created_by)
    tracker.runs[0]["data"]["params"].append({"key": "late", "value": "1"})
    assert would_fit(ConnectorRule(connector=connector, project=two, experiment="*")).elsewhere == 1
    work(connector)

    assert Run.objects.get(project=one).record["parameters"]["late"] == "1"
    assert Run.objects.count() == 2


def test_rules_applied_anew_bring_what_a_closed_project_refused(tracker, connector, project):
    tracker.runs = [pretend.run(1)]
    type(project).objects.filter(pk=project.pk).update(state="closed")
    work(connector)
    assert Run.objects.count() == 0
    type(project).objects.filter(pk=project.pk).update(state="active")

    reapply_rules(connector=connector, actor=project.created_by)
    sync = Sync.objects.latest("pk")
    outbox.deliver(Job.objects.get(key=f"connector-sync:{sync.pk}").pk)

    assert Run.objects.filter(project=project).count() == 1


@pytest.mark.parametrize("state", ["risks_accepted", "planned"])
def test_a_rule_makes_finished_runs_evidence_when_the_task_is_at_work(tracker, connector, state):
    home = make.small_project()
    task = make.task(make.phase(make.iteration(home)), "1.1", state=state)
    add_rule(
        connector=connector, project=home, experiment="*", run_kind="TRN", task_key="1.1", proves=True,
        actor=home.created_by,
    )  # fmt: skip
    tracker.runs = [pretend.run(1), pretend.run(2, info={"status": "FAILED"})]

    work(connector)

    given = Evidence.objects.filter(task=task, attached_by=home.created_by).count()
    assert given == (1 if state == "risks_accepted" else 0)
    assert SourceRecord.objects.filter(proof="waiting").exclude(proof_note="").count() == 1 - given


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        ({"url": "ftp://x"}, "url"), ({"url": "http://u:p@x"}, "url"), ({"url": "http://x/?a"}, "url"),
        ({"auth": "token"}, "secret"), ({"auth": "basic", "secret": "x"}, "username"),
        ({"auth": "odd"}, "auth"),
        ({"auth": "token", "secret": "a\nb"}, "secret"), ({"webhook_secret": "short"}, "webhook_secret"),
        ({"every_minutes": 0}, "every_minutes"), ({"name": ""}, "name"),
    ],
)  # fmt: skip
def test_a_wrong_setting_is_refused_at_its_place(administrator, wrong, where):
    given = {"key": "t", "name": "T", "url": "https://mlflow.example"} | wrong

    with pytest.raises(Invalid) as no:
        add_connector(actor=administrator, **given)

    assert no.value.where == where
    assert (Connector.objects.count(), Entry.objects.count()) == (0, 0)


def test_secrets_are_sealed_kept_out_of_the_ledger_and_needed_again_for_another_address(administrator):
    added = add_connector(
        key="t", name="T", url="https://mlflow.example", auth="token", secret="tell-nobody-1",
        webhook_secret="tell-nobody-2-long", actor=administrator,
    )  # fmt: skip
    assert access_to(added).headers == {"authorization": "Bearer tell-nobody-1"}
    assert "tell-nobody" not in repr(access_to(added))
    with pytest.raises(Invalid) as no:
        change_connector(
            connector=added, name="T", url="https://evil.example", auth="token", actor=administrator
        )
    assert (no.value.code, no.value.where) == ("secret_again", "secret")
    changed = change_connector(
        connector=added, name="T2", url="https://mlflow.example", auth="token", actor=administrator
    )

    assert access_to(changed).secret == "tell-nobody-1"
    row = str(Connector.objects.values().get())
    told = "".join(str(each.__dict__) for model in (Entry, Payload) for each in model.objects.all())
    assert "tell-nobody" not in row + told
    assert Entry.objects.count() == 2
    with pytest.raises(PermissionDenied):
        change_connector(connector=added, name="T", url="https://x.example", auth="none", actor=make.user())


def test_keys_are_changed_by_a_list_of_keys(administrator, settings):
    old, new = new_key(), new_key()
    settings.GATEBOOK_SECRET_STORE_KEYS = [old]
    added = add_connector(
        key="t",
        name="T",
        url="https://mlflow.example",
        auth="token",
        secret="tell-nobody",
        actor=administrator,
    )
    settings.GATEBOOK_SECRET_STORE_KEYS = [new, old]

    assert (reseal_secrets(actor=administrator), reseal_secrets(actor=administrator)) == (1, 0)

    settings.GATEBOOK_SECRET_STORE_KEYS = [new]
    added.refresh_from_db()
    assert access_to(added).secret == "tell-nobody"
    settings.GATEBOOK_SECRET_STORE_KEYS = [new_key()]
    with pytest.raises(Refused) as no:
        access_to(added)
    assert no.value.code == "seal_broken"
    answers, text = try_connection(added, administrator)
    assert (answers, "give it again" in text) == (False, True)


def test_a_seal_is_bound_to_its_purpose_and_to_every_byte():
    sealed = seal("secret", "connector:1:secret")

    assert unseal(sealed, "connector:1:secret") == "secret"
    assert seal("secret", "connector:1:secret") != sealed
    for text, purpose in (
        (sealed, "connector:2:secret"),
        (sealed[:-4] + "AAAA", "connector:1:secret"),
        ("x", "x"),
    ):
        with pytest.raises(SealBroken):
            unseal(text, purpose)


def test_basic_log_in_is_sent(tracker, administrator):
    added = add_connector(
        key="t", name="T", url=tracker.url, auth="basic", username="ada", secret="x", actor=administrator
    )

    assert try_connection(added, administrator)[0]
    assert tracker.asked[0][2]["authorization"] == "Basic YWRhOng="
    assert Access("http://x").headers == {}


def report(value):
    """What Evidently 0.7 writes of one column."""
    config = {"type": "evidently:metric_v2:ValueDrift", "column": "price", "method": "psi", "threshold": 0.1}
    name = "ValueDrift(column=price,method=psi,threshold=0.1)"
    return {"metrics": [{"id": "a", "metric_name": name, "config": config, "value": value}], "tests": []}


@pytest.fixture
def monitored(tracker, connector):
    home = make.small_project()
    add_rule(connector=connector, project=home, experiment="*", run_kind="MON", actor=home.created_by)
    tracker.runs = [pretend.run(1)]
    return home


def test_reports_of_evidently_among_the_artifacts_become_runs_of_their_own_once(
    tracker, connector, monitored
):
    tracker.artifacts = {
        "evidently_report.json": report(0.4),
        "watch/May-Evidently.json": report(0.01),
        "a.json": {},
    }

    assert work(connector).state == "finished"
    listed = len([path for path, *_ in tracker.asked if path.endswith("artifacts/list")])
    assert work(connector).state == "finished"

    found = Run.objects.filter(project=monitored, kind="MON").exclude(parent_external_id="")
    assert {each.external_id for each in found} == {
        f"{1:032x}/evidently_report.json", f"{1:032x}/watch/May-Evidently.json",
    }  # fmt: skip
    assert {each.parent_external_id for each in found} == {f"{1:032x}"}
    assert found.get(external_id__endswith="report.json").record["features"]["price"]["psi"] == 0.4
    assert len([path for path, *_ in tracker.asked if path.endswith("artifacts/list")]) == listed


@pytest.mark.parametrize(
    "path", ["../../evidently.json", "/etc/evidently.json", "a\\..\\evidently.json", "a//evidently.json"]
)
def test_an_artifact_whose_name_leads_elsewhere_is_not_asked_for(tracker, connector, monitored, path):
    tracker.artifacts = {path: report(0.4)}

    def behave(asked_path, asked):
        files = json.dumps({"files": [{"path": path}]})
        return (200, "application/json", files) if asked_path.endswith("artifacts/list") else None

    tracker.behave = behave
    done = work(connector)

    assert "leads elsewhere" in done.error
    assert not [asked for asked, *_ in tracker.asked if asked.endswith("get-artifact")]
    assert Run.objects.count() == 1


def test_a_report_that_is_none_is_said_to_be_none(tracker, connector, monitored):
    tracker.artifacts = {"evidently.json": {"surprise": 1}}

    assert work(connector).state == "finished"
    assert "evidently.json" in SourceRecord.objects.get(kind="run").refusal
