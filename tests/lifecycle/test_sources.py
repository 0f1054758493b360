"""Evidence whose source changes afterwards: the evidence stays, and the difference is said."""

import json

import pytest
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from ledger.actors import SystemActor
from lifecycle import events
from lifecycle.intake.reading import read_runs
from lifecycle.models import Job, ModelVersion, Run, Snapshot
from lifecycle.queries.differences import LONGEST, changes
from lifecycle.services.evidence import attach_evidence, freeze_run
from lifecycle.services.outbox import deliver
from lifecycle.services.run_intake import upsert_runs
from lifecycle.services.sources import ask_for_check, check_the_day, compare_source, compare_sources_of
from tests import make
from tests.traces import forbidden, no_trace, one_entry

pytestmark = pytest.mark.django_db

MACHINE = SystemActor("runs")


@pytest.fixture
def frozen():
    """A run as evidence of a task."""
    task = make.task(state="instantiated")
    project = task.phase.iteration.project
    record = {"metrics": {"accuracy": 0.93}, "parameters": {"depth": 3}, "tags": {"owner": "ana"}}
    run = make.run(project, record=record, model_version=make.model_version(project))
    snapshot = freeze_run(run=run, actor=MACHINE)
    attach_evidence(task=task, snapshot=snapshot, actor=task.owner)
    return snapshot


def edit(snapshot, **parts):
    """The run as a tracker's later word leaves it."""
    run = Run.objects.get(pk=snapshot.run_id)
    run.record = {**run.record, **parts}
    run.save(update_fields=["record"])
    return run


def delete(run, *, deleted=True):
    """The run as it is when its tracker has deleted or restored it."""
    Run.objects.filter(pk=run.pk).update(deleted_at_source=deleted)
    compare_sources_of(run=run)


def said(snapshot):
    return [each["words"] for each in snapshot.source_changes.first().differences]


def test_an_untouched_source_says_nothing(frozen):
    with no_trace(frozen):
        assert compare_source(snapshot=frozen) is None


def test_a_metric_logged_afterwards_is_told_in_words_and_the_evidence_stays(frozen):
    before = frozen.content
    edit(frozen, metrics={"accuracy": 0.95, "f1": 0.8})

    with one_entry("evidence.source_changed") as detail:
        moved = compare_source(snapshot=frozen)

    assert (moved.source_state, moved.content, moved.source_differs) == ("changed", before, True)
    assert said(moved) == [
        "Metric accuracy: was 0.93, is now 0.95",
        "Metric f1: was not there, is now 0.8",
    ]
    assert detail["said"] == said(moved)
    assert frozen.evidence.get().state == "attached"


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"tags": {"owner": "ben"}}, "Tag owner: was “ana”, is now “ben”"),
        ({"tags": {}}, "Tag owner: was “ana”, is gone"),
        ({"parameters": {"depth": "3"}}, "Parameter depth: was 3, is now “3”"),
        ({"slices": {"country=IT": {"rows": 5}}}, "Slice country=IT / rows: was not there, is now 5"),
    ],
)
def test_each_field_is_named_as_people_call_it(frozen, parts, words):
    edit(frozen, **parts)

    assert said(compare_source(snapshot=frozen)) == [words]


def test_another_model_and_another_title_are_differences_too(frozen):
    other = make.model_version(frozen.project)
    Run.objects.filter(pk=frozen.run_id).update(title="Better", model_version=other)

    words = said(compare_source(snapshot=frozen))

    assert any(each.startswith("Model: was “") and other.digest in each for each in words)
    assert any(each.startswith("Title: was “") for each in words)


def test_a_source_that_is_gone_is_marked_and_one_that_comes_back_too(frozen):
    with one_entry("evidence.source_changed"):
        delete(frozen.run)
    frozen.refresh_from_db()
    assert frozen.source_state == "gone"

    with one_entry("evidence.source_restored"):
        delete(frozen.run, deleted=False)

    frozen.refresh_from_db()
    assert (frozen.source_state, frozen.source_differs) == ("restored", False)


def test_a_source_that_changes_back_is_shown_as_such(frozen):
    was = frozen.run.record
    edit(frozen, metrics={"accuracy": 0.1})
    compare_source(snapshot=frozen)
    edit(frozen, **was)

    with one_entry("evidence.source_restored"):
        compare_source(snapshot=frozen)

    assert [each.state for each in frozen.source_changes.all()] == ["restored", "changed"]


def test_the_same_difference_is_told_once_and_another_one_again(frozen):
    edit(frozen, metrics={"accuracy": 0.1})
    compare_source(snapshot=frozen)
    frozen.refresh_from_db()
    with no_trace(frozen):
        assert compare_source(snapshot=frozen) is None

    edit(frozen, metrics={"accuracy": 0.2})
    with one_entry("evidence.source_changed"):
        compare_source(snapshot=frozen)


def test_whoever_listens_hears_and_one_who_fails_undoes_it(frozen):
    heard = []

    def listen(event, **_):
        heard.append(event)
        if len(heard) > 1:
            raise RuntimeError("No")

    events.evidence_source_changed.connect(listen)
    try:
        edit(frozen, metrics={})
        compare_source(snapshot=frozen)
        frozen.refresh_from_db()
        edit(frozen, metrics={"accuracy": 0.2})
        with no_trace(frozen), pytest.raises(RuntimeError):
            compare_source(snapshot=frozen)
    finally:
        events.evidence_source_changed.disconnect(listen)
    assert heard[0] == events.EvidenceSourceChanged(frozen.pk, frozen.project_id, "changed")


def test_a_document_has_no_source():
    document = make.snapshot(kind="DOC")

    with no_trace(document):
        assert compare_source(snapshot=document) is None


def test_what_a_newer_version_freezes_beside_is_no_difference(frozen):
    old = json.loads(frozen.content)
    del old["external_id"]
    Snapshot.objects.filter(pk=frozen.pk).update(content=json.dumps(old))

    assert compare_source(snapshot=frozen) is None


def test_a_record_that_json_can_not_hold_is_a_difference(frozen):
    edit(frozen, rows=2**60)

    assert said(compare_source(snapshot=frozen)) == [
        "record: was not there, is now something that canonical JSON can not hold"
    ]


def test_the_day_finds_what_was_edited_behind_the_application_s_back(frozen):
    ModelVersion.objects.filter(pk=frozen.run.model_version_id).update(digest="f" * 64)

    check_the_day([frozen], None)

    frozen.refresh_from_db()
    assert frozen.source_state == "changed"


def test_people_have_all_sources_looked_at_in_the_background(frozen):
    edit(frozen, metrics={"accuracy": 0.5})
    ask_for_check(project=frozen.project, actor=frozen.project.created_by)

    assert deliver(Job.objects.get(task="sources.check").pk)

    frozen.refresh_from_db()
    assert frozen.source_state == "changed"


def test_who_only_looks_has_nothing_looked_at(frozen):
    auditor = make.member(frozen.project, "auditor")

    with forbidden():
        ask_for_check(project=frozen.project, actor=auditor)


def test_what_a_source_says_later_of_a_run_marks_what_was_frozen_from_it():
    home = make.small_project()
    first = {
        "external_id": "1", "kind": "TRN", "title": "Trained", "finished_at": "2026-01-02T10:00:00Z",
        "metrics": {"accuracy": 0.93}, "tags": {"owner": "ana"},
    }  # fmt: skip

    def send(**changes):
        upsert_runs(project=home, source="api", runs=read_runs([first | changes]), actor=MACHINE)

    send()
    frozen = freeze_run(run=Run.objects.get(), actor=MACHINE)
    send(metrics={"accuracy": 0.93, "late": 1.0}, tags={"owner": "ben"})
    frozen.refresh_from_db()
    assert (frozen.source_state, said(frozen)) == (
        "changed",
        ["Metric late: was not there, is now 1", "Tag owner: was “ana”, is now “ben”"],
    )

    for later, state in (({"deleted": True}, "gone"), ({}, "restored"), ({"state": "failed"}, "changed")):
        send(**later)
        frozen.refresh_from_db()
        assert frozen.source_state == state


# ---- differences ----


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=8,
)


@given(VALUES, VALUES)
def test_two_documents_differ_exactly_where_a_field_is_named(one, other):
    found = changes(one, other)

    assert bool(found) == (json.dumps(one, sort_keys=True) != json.dumps(other, sort_keys=True))
    assert changes(one, one) == []
    assert [(each.path, each.before, each.after) for each in changes(other, one)] == [
        (each.path, each.after, each.before) for each in found
    ]


def test_long_values_are_cut_and_deep_ones_do_not_end_the_stack():
    deep = 1
    for _ in range(400):
        deep = {"a": deep}

    assert len(changes({"a": "x" * 9000}, {"a": 1})[0].before) == LONGEST
    assert len(changes(deep, {"a": 2})) == 1


# ---- pages ----


def test_a_stranger_sees_neither_list_nor_snapshot(client, frozen):
    client.force_login(make.user())
    for name, arg in (
        ("project-evidence", frozen.project.slug),
        ("snapshot", frozen.pk),
        ("snapshot-content", frozen.pk),
    ):
        assert client.get(reverse(f"lifecycle:{name}", args=[arg])).status_code == 404


def test_the_list_says_how_many_sources_differ_and_is_filtered(client, frozen):
    edit(frozen, metrics={"accuracy": 0.95})
    compare_source(snapshot=frozen)
    client.force_login(frozen.project.created_by)
    address = reverse("lifecycle:project-evidence", args=[frozen.project.slug])

    html = client.get(address).text

    assert "1 piece of evidence no longer matches its source" in html
    assert frozen.title in html
    assert frozen.title not in client.get(address, {"source": "same"}).text
    assert frozen.title in client.get(address, {"source": "differs", "kind": "TRN"}).text


@pytest.mark.parametrize("count", [1, 3])
def test_the_list_costs_the_same_for_any_number(client, django_assert_max_num_queries, count):
    task = make.task(state="instantiated")
    for _ in range(count):
        make.evidence(task, snapshot=make.snapshot(task.phase.iteration.project, run=make.run()))
    client.force_login(task.owner)

    with django_assert_max_num_queries(11):
        client.get(reverse("lifecycle:project-evidence", args=[task.phase.iteration.project.slug]))


def test_the_snapshot_shows_the_difference_and_gives_the_exact_bytes(client, frozen):
    edit(frozen, metrics={"accuracy": 0.95})
    compare_source(snapshot=frozen)
    client.force_login(frozen.project.created_by)

    html = client.get(reverse("lifecycle:snapshot", args=[frozen.pk])).text
    raw = client.get(reverse("lifecycle:snapshot-content", args=[frozen.pk])).content

    assert "Metric accuracy: was 0.93, is now 0.95" in html
    assert raw.decode() == frozen.content


@pytest.mark.parametrize("page", ["task", "run"])
def test_the_mark_stands_wherever_the_evidence_does(client, frozen, page):
    edit(frozen, metrics={"accuracy": 0.95})
    compare_source(snapshot=frozen)
    client.force_login(frozen.project.created_by)
    pk = frozen.run_id if page == "run" else frozen.evidence.get().task_id

    assert "Source changed" in client.get(reverse(f"lifecycle:{page}", args=[pk])).text
