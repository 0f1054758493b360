import datetime as dt
import json
from hashlib import sha256

import pytest
import rfc8785
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now
from hypothesis import example, given
from hypothesis import strategies as st

from ledger.actors import SystemActor
from ledger.merkle import leaf_hash, root_of
from ledger.models import Entry
from lifecycle.errors import Invalid, InvalidItems, Refused
from lifecycle.events import run_content_changed, run_ended
from lifecycle.intake.canonical import canonical
from lifecycle.intake.reading import read_runs
from lifecycle.models import Notice, Run, RunBatch, RunHistory, RunRevision
from lifecycle.models.run_batches import leaf_of
from lifecycle.services.run_intake import upsert_runs
from tests import make, traces

CONNECTOR = SystemActor("connector")
ENDED = "2026-01-02T10:00:00Z"


@pytest.fixture
def project(db):
    return make.small_project()


@pytest.fixture
def heard():
    """The events that the intake sends, in order."""
    events = []

    def hear(event, **kwargs):
        events.append(event)

    for signal in (run_ended, run_content_changed):
        signal.connect(hear)
    yield events
    for signal in (run_ended, run_content_changed):
        signal.disconnect(hear)


def said(name="1", **fields):
    values = {"external_id": name, "kind": "TRN", "title": "Trained", "started_at": "2026-01-02T09:00:00Z"}
    if fields.get("state", "finished") in ("finished", "failed"):
        values["finished_at"] = ENDED
    return values | fields


def send(project, *items, source="api", actor=CONNECTOR):
    return upsert_runs(project=project, source=source, runs=read_runs(items), actor=actor)


def names(events):
    return [type(each).__name__ for each in events]


def flaws(*items):
    with pytest.raises(InvalidItems) as no:
        read_runs(items)
    return {(each.where, each.code) for each in no.value.flaws}


def test_a_batch_is_one_entry_whose_root_proves_every_run(project, heard):
    sender = make.member(project)
    with traces.one_entry("runs.recorded") as detail:
        done = send(project, said("a"), said("b", state="running"), actor=sender)

    assert [each.outcome for each in done.kept] == ["created", "created"]
    assert done.batch.lines == [(each.run_id, each.digest) for each in done.kept]
    leaves = [leaf_hash(leaf_of(pk, bytes.fromhex(digest))) for pk, digest in done.batch.lines]
    assert root_of(leaves).hex() == done.batch.root == detail["root"]
    assert (detail["count"], detail["created"], detail["source"]) == (2, 2, "api")
    first, second = Run.objects.order_by("pk")
    assert (first.state, first.progress, first.started_by, first.batch) == (
        "finished",
        1.0,
        sender,
        done.batch,
    )
    assert (second.state, second.finished_at) == ("running", None)
    assert names(heard) == ["RunEnded"]


def test_the_record_has_the_names_of_our_own_runs_and_keeps_histories_apart(project):
    history = [[0, 1_767_300_000_000, 0.5], [1, 1_767_300_001_000, "NaN"]]
    item = said(
        parameters={"depth": 3, "rate": 1e-7, "name": "x"},
        metrics={"rmse": 0.25, "loss": "NaN"},
        histories={"loss": history},
        tags={"team": "pizza"},
        inputs=[{"name": "orders", "digest": "sha256:ab", "rows": 10}],
        model={"digest": "a" * 64},
        outcome={"verdict": "ok", "main_metric": "rmse"},
        detail={"note": [1, 2.5]},
    )

    send(project, item)

    run = Run.objects.get()
    assert run.record == {
        "parameters": {"depth": 3, "rate": 1e-7, "name": "x"},
        "metrics": {"rmse": 0.25},
        "metrics_not_finite": {"loss": "NaN"},
        "tags": {"team": "pizza"},
        "inputs": [{"name": "orders", "digest": "sha256:ab", "rows": 10}],
        "model": {"digest": "a" * 64},
        "model_sha256": "a" * 64,
        "verdict": "ok",
        "main_metric": "rmse",
        "detail": {"note": [1, 2.5]},
        "history": {"sha256": sha256(run.history.text).hexdigest(), "metrics": 1, "points": 2},
    }
    assert json.loads(run.history.text) == {"loss": history}


def test_the_same_content_again_writes_nothing(project, heard):
    send(project, said("a"), said("b", state="running"))
    heard.clear()

    with traces.no_trace(*Run.objects.all()):
        done = send(project, said("b", state="running"), said("a"))

    assert done.batch is None
    assert done.counts == {"created": 0, "updated": 0, "changed": 0, "unchanged": 2}
    assert heard == []
    assert RunBatch.objects.count() == 1


def test_only_what_is_new_in_a_batch_is_written(project):
    first = send(project, said("a"), said("b"))
    done = send(project, said("a"), said("b", title="Other"), said("c"))

    assert [each.outcome for each in done.kept] == ["unchanged", "changed", "created"]
    assert done.batch.count == 2
    assert Run.objects.get(external_id="a").batch == first.batch


def test_a_run_under_way_goes_on_and_ends_once(project, heard):
    send(project, said(state="queued"))
    send(project, said(state="running", metrics={"loss": 2.0}))
    done = send(project, said(metrics={"loss": 1.0}))
    send(project, said(metrics={"loss": 1.0}))

    assert done.kept[0].outcome == "updated"
    assert names(heard) == ["RunEnded"]
    assert (heard[0].kind, heard[0].state) == ("TRN", "finished")
    assert RunRevision.objects.count() == 0


def test_an_ended_run_that_changes_keeps_its_earlier_digest_and_is_told_once(project, heard):
    before = send(project, said(metrics={"f1": 0.5}, histories={"f1": [[0, 1, 0.5]]}))
    heard.clear()

    with traces.one_entry("runs.recorded"):
        after = send(project, said(metrics={"f1": 0.9}))

    [told] = heard
    assert (told.run_id, told.before_digest, told.after_digest, told.batch_id, told.deleted_at_source) == (
        before.kept[0].run_id, before.kept[0].digest, after.kept[0].digest, after.batch.pk, False,
    )  # fmt: skip
    assert (after.kept[0].outcome, after.kept[0].before) == ("changed", before.kept[0].digest)
    kept = RunRevision.objects.get()
    assert (kept.digest, kept.state, kept.batch) == (before.kept[0].digest, "finished", before.batch)
    assert Run.objects.get().record["metrics"] == {"f1": 0.9}
    assert RunHistory.objects.count() == 0


def test_a_run_deleted_and_restored_at_its_source_is_told_each_time(project, heard):
    first = send(project, said())
    heard.clear()
    send(project, said(deleted=True))
    assert Run.objects.get().deleted_at_source
    send(project, said())

    assert [(each.before_digest == first.kept[0].digest, each.deleted_at_source) for each in heard] == [
        (True, True), (False, False),
    ]  # fmt: skip
    assert heard[1].after_digest == first.kept[0].digest


def test_a_receiver_that_fails_undoes_the_batch(project):
    def refuse(event, **kwargs):
        raise RuntimeError("no")

    run_ended.connect(refuse)
    try:
        with traces.no_trace(), pytest.raises(RuntimeError):
            send(project, said("a"), said("b"))
    finally:
        run_ended.disconnect(refuse)
    assert (Run.objects.count(), RunBatch.objects.count()) == (0, 0)


def test_the_same_name_means_another_run_in_another_project_or_from_another_source(project):
    send(project, said())
    send(project, said(), source="mlflow:1")
    send(make.small_project(), said())

    assert Run.objects.count() == 3


def test_runs_find_their_iteration_and_task_and_keep_them(project):
    iteration = make.iteration(project)
    task = iteration.phases.first().tasks.get(key="1.1")
    with traces.one_entry("runs.recorded") as detail:
        send(project, said("a", task="1.1"), said("b", iteration=iteration.number), said("c"))
    send(project, said("a", title="Renamed"))

    found = dict(Run.objects.values_list("external_id", "task__key"))
    assert found == {"a": "1.1", "b": None, "c": None}
    assert Run.objects.get(external_id="a").task == task
    assert detail["iterations"] == [iteration.number]
    moved = send(project, said("c", task="1.1"))
    assert moved.kept[0].outcome == "updated"


@pytest.mark.parametrize(
    ("fields", "where", "code"),
    [
        ({"iteration": 9}, "/runs/1/iteration", "unknown_iteration"),
        ({"task": "9.9"}, "/runs/1/task", "unknown_task"),
    ],
)
def test_an_unknown_place_is_named_and_nothing_of_the_batch_is_kept(project, fields, where, code):
    make.iteration(project)
    with traces.no_trace(), pytest.raises(InvalidItems) as no:
        send(project, said("a"), said("b", **fields))
    assert (no.value.where, no.value.code) == (where, code)
    assert Run.objects.count() == 0


def test_strangers_auditors_and_closed_projects_are_refused(project):
    with traces.no_trace(), pytest.raises(PermissionDenied):
        send(project, said(), actor=make.user())
    with traces.no_trace(), pytest.raises(PermissionDenied):
        send(project, said(), actor=make.member(project, "auditor"))
    project.state = "closed"
    project.closed_at = now()
    project.save()
    with traces.no_trace(), pytest.raises(Refused) as no:
        send(project, said())
    assert no.value.code == "project_closed"


@pytest.mark.parametrize("source", ["", "builtin", "gatebook", "Über", "a" * 41, "a b"])
def test_a_source_is_a_short_word_that_is_not_ours(project, source):
    with traces.no_trace(), pytest.raises(Invalid) as no:
        send(project, said(), source=source)
    assert no.value.code == "unknown_source"


def test_a_batch_is_bounded_and_has_each_run_once(project):
    with pytest.raises(Invalid) as no:
        send(project, *[said(str(n)) for n in range(1001)])
    assert no.value.code == "too_many_runs"
    with pytest.raises(InvalidItems) as no:
        send(project, said("a"), said("a"))
    assert (no.value.where, no.value.code) == ("/runs/1/external_id", "twice_in_batch")


def test_a_batch_costs_the_same_queries_however_many_runs_it_has(project):
    with CaptureQueriesContext(connection) as one:
        send(project, said("a"))
    with CaptureQueriesContext(connection) as many:
        send(project, *[said(str(n)) for n in range(30)])
    assert len(many) <= len(one) + 1 <= 11  # one that is sent alone is looked for by the lock itself


def test_a_failure_is_told_to_people_unless_it_is_long_past(project):
    recent = (now() - dt.timedelta(hours=1)).isoformat()
    send(project, said("old", state="failed"), said("new", state="failed", finished_at=recent, error="Boom"))

    assert list(Run.objects.order_by("pk").values_list("error", flat=True)) == [
        "It failed; its source does not say why.", "Boom",
    ]  # fmt: skip
    told = Notice.objects.filter(kind="run_failed").values_list("person", "url")
    assert set(told) == {(project.created_by_id, f"/runs/{Run.objects.get(external_id='new').pk}/")}


@pytest.mark.parametrize(
    ("fields", "where", "code"),
    [
        ({"metrics": {"a": float("nan")}}, "/runs/0/metrics/a", "not_finite"),
        ({"metrics": {"a": float("-inf")}}, "/runs/0/metrics/a", "not_finite"),
        ({"metrics": {"a": "0.5"}}, "/runs/0/metrics/a", "unknown_value"),
        ({"metrics": {"a": True}}, "/runs/0/metrics/a", "float_type"),
        ({"parameters": {"a": 2**60}}, "/runs/0/parameters/a", "too_large"),
        ({"parameters": {"a": float("nan")}}, "/runs/0/parameters/a", "not_finite"),
        ({"parameters": {"a": [1]}}, "/runs/0/parameters/a", "string_type"),
        ({"tags": {f"t{n}": "" for n in range(1001)}}, "/runs/0/tags", "too_many"),
        ({"tags": {"t": "\x00"}}, "/runs/0/tags/t", "null_character"),
        ({"tags": {"t": "\ud800"}}, "/runs/0/tags/t", "string_unicode"),
        ({"title": "a\nb"}, "/runs/0/title", "control_character"),
        ({"title": ""}, "/runs/0/title", "string_too_short"),
        ({"url": "javascript:alert(1)"}, "/runs/0/url", "string_pattern_mismatch"),
        ({"surprise": 1}, "/runs/0/surprise", "unknown_key"),
        ({"kind": "XXX"}, "/runs/0/kind", "unknown_value"),
        ({"external_id": 7}, "/runs/0/external_id", "string_type"),
        ({"started_at": "2026-01-02T09:00:00"}, "/runs/0/started_at", "no_time_zone"),
        ({"started_at": "1970-01-02T09:00:00Z"}, "/runs/0/started_at", "too_early"),
        ({"finished_at": None}, "/runs/0", "no_end"),
        ({"finished_at": "2026-01-01T00:00:00Z"}, "/runs/0", "ends_before_it_starts"),
        ({"state": "running", "finished_at": ENDED}, "/runs/0", "not_ended"),
        ({"error": "x"}, "/runs/0", "error_without_failure"),
        ({"histories": {"a": [[0, 1, 1.0]] * 100_001}}, "/runs/0", "too_many_points"),
        ({"histories": {"a": [[0, 1]]}}, "/runs/0/histories/a/0/2", "missing"),
        ({"detail": {"a": 2**60}}, "/runs/0", "not_json"),
        ({"detail": {"a": "x" * 300_000}}, "/runs/0", "too_large"),
        ({"detail": {"a": "\x00"}}, "/runs/0", "null_character"),
    ],
)
def test_bad_input_is_refused_by_place(fields, where, code):
    assert (where, code) in flaws(said(**fields))


def test_a_clock_that_is_a_day_ahead_is_refused_and_a_few_minutes_are_not():
    ahead = now() + dt.timedelta(days=1)
    assert flaws(said(finished_at=ahead.isoformat())) == {("/runs/0/finished_at", "in_the_future")}
    read_runs([said(finished_at=(now() + dt.timedelta(minutes=5)).isoformat())])


def test_detail_may_not_be_nested_deeply():
    deep = value = {}
    for _ in range(50):
        value["a"] = {}
        value = value["a"]
    assert ("/runs/0", "too_deep") in flaws(said(detail=deep))


def test_many_wrong_runs_are_named_up_to_a_bound():
    with pytest.raises(InvalidItems) as no:
        read_runs([said(str(n), kind="no") for n in range(200)])
    assert len(no.value.flaws) == 50


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


@given(JSON)
@example(2.0**53)
@example([2.0**53 - 1, -0.0, 1e-4, 9.9e-5, 1e16])
def test_the_quick_canonical_json_is_rfc_8785(value):
    try:
        expected = rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeEncodeError):
        return
    assert canonical(value) == expected


def test_the_page_of_a_run_from_outside_shows_where_it_is_and_what_it_read_and_stays_bounded(client, project):
    item = said(
        metrics={f"m{n}": float(n) for n in range(600)}, url="https://tracker.example/1", parent="p-7",
        inputs=[{"name": "orders", "version": "8", "digest": "sha256:ab"}], deleted=True,
    )  # fmt: skip
    send(project, item)
    client.force_login(project.created_by)
    page = client.get(f"/runs/{Run.objects.get().pk}/").content.decode()

    for words in ('href="https://tracker.example/1"', "p-7", "orders", "version 8", "400 more metrics"):
        assert words in page
    assert "Deleted there" in page


def test_entries_of_batches_are_small(project):
    send(project, *[said(str(n)) for n in range(200)])
    payload = Entry.objects.get(action="runs.recorded").payload

    assert len(json.dumps(payload.content)) < 600
    assert len(payload.body) < 200 * 120  # and a digest of each row that was written


def test_a_single_run_costs_few_queries_and_two_cost_no_more(project):
    person = make.member(project)
    send(project, said("0"), actor=person)
    counts = []
    for items in ([said("1")], [said("2"), said("3")]):
        with CaptureQueriesContext(connection) as asked:
            send(project, *items, actor=person)
        counts.append(len(asked))
    assert counts[0] <= counts[1] <= 12
    assert Run.objects.filter(project=project).count() == 4


def test_the_record_is_kept_as_it_was_said(project):
    item = said(
        metrics={"whole": 1.0, "tiny": 1e-12, "huge": 1e300, "less": -0.5, "odd": "NaN"},
        parameters={"depth": 3, "share": 2.0, "none": None, "flag": True, "words": "ä “ü” \U0001f600 \\ '%s"},
        tags={"a'b": "100 % {}"},
    )
    send(project, item)
    record = Run.objects.get(project=project).record
    # PostgreSQL gives a whole number back as one, however large: the same number in another dress.
    measured = {name: float(value) for name, value in record["metrics"].items()}
    assert measured == {"whole": 1.0, "tiny": 1e-12, "huge": 1e300, "less": -0.5}
    assert record["metrics_not_finite"] == {"odd": "NaN"}
    assert record["parameters"] == item["parameters"]
    assert record["tags"] == item["tags"]
    assert send(project, item).counts["unchanged"] == 1
