import datetime as dt
import uuid

import pytest
from django.core.exceptions import PermissionDenied
from django.utils.timezone import now
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.actors import SystemActor
from ledger.errors import GatebookError
from ledger.models import Entry
from lifecycle.errors import Invalid
from lifecycle.intake.openlineage_events import read_event
from lifecycle.intake.openlineage_fold import fold
from lifecycle.models import LineageEvent, Run, RunBatch
from lifecycle.services.lineage_intake import record_lineage
from tests import make, traces

CONNECTOR = SystemActor("connector")
SPEC = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/"
RUN = "0192c8a4-0000-7000-8000-000000000001"


@pytest.fixture
def project(db):
    return make.small_project()


def event(kind="COMPLETE", minute=0, name=RUN, **parts):
    moment = dt.datetime(2026, 1, 2, 10, minute, tzinfo=dt.UTC).isoformat()
    made = {
        "eventType": kind, "eventTime": moment, "producer": "https://example.org/etl",
        "schemaURL": f"{SPEC}RunEvent",
        "run": {"runId": name, "facets": {}},
        "job": {"namespace": "shop", "name": "load orders", "facets": {}},
        "inputs": [], "outputs": [],
    }  # fmt: skip
    return made | parts


def send(project, *events):
    return record_lineage(project=project, facts=[read_event(each) for each in events], actor=CONNECTOR)


def facets(**named):
    return {name: {"_producer": "p", "_schemaURL": "s", **facet} for name, facet in named.items()}


def story():
    """A run as an orchestrator tells it: begun, added to, ended, each event with facets of its own."""
    orders = {"namespace": "db", "name": "orders"}
    job = facets(
        ownership={"owners": [{"name": "team:data", "type": "OWNER"}]},
        sourceCodeLocation={"type": "git", "url": "https://git.example/x", "version": "abc"},
    )
    run = facets(
        parent={"run": {"runId": str(uuid.UUID(int=7))}, "job": {"namespace": "shop", "name": "nightly"}},
        executionParameters={"parameters": [{"key": "day", "value": "2026-01-01"}]},
    )
    first = facets(
        version={"datasetVersion": "7"}, schema={"fields": [{"name": "id", "type": "int"}]}
    )  # fmt: skip
    failing = {"assertion": "not_null", "success": False, "column": "id", "severity": "error"}
    quality = facets(
        dataQualityMetrics={"rowCount": 100, "columnMetrics": {"id": {"nullCount": 3}}},
        dataQualityAssertions={"assertions": [failing]},
    )
    tested = facets(
        tags={"tags": [{"key": "team", "value": "pizza"}]},
        test={
            "tests": [
                {"name": "unique", "status": "pass"},
                {"name": "fresh", "status": "fail", "severity": "warn", "expected": "1", "actual": "2"},
            ]
        },
    )
    second = facets(version={"datasetVersion": "8"})
    clean = {"namespace": "db", "name": "clean", "outputFacets": facets(outputStatistics={"rowCount": 97})}
    return [
        event(
            "START", 0, job={"namespace": "shop", "name": "load orders", "facets": job},
            run={"runId": RUN, "facets": run},
        ),
        event("RUNNING", 1, inputs=[{**orders, "facets": first}]),
        event("RUNNING", 2, inputs=[{**orders, "facets": second, "inputFacets": quality}]),
        event("OTHER", 3, run={"runId": RUN, "facets": tested}),
        event("COMPLETE", 4, outputs=[clean]),
    ]  # fmt: skip


def test_a_story_of_events_ends_in_one_run_with_everything_that_they_say(project):
    with traces.one_entry("runs.recorded"):
        send(project, *story())

    run = Run.objects.get()
    assert (run.source, run.external_id, run.kind, run.state) == ("openlineage", RUN, "DVR", "finished")
    assert (run.started_at.minute, run.finished_at.minute) == (0, 4)
    assert run.parent_external_id == str(uuid.UUID(int=7))
    [orders] = run.record["inputs"]
    assert (orders["version"], orders["rows"], orders["fields"]) == ("8", 100, {"id": "int"})
    assert orders["checks"] == [
        {"name": "not_null", "status": "fail", "severity": "error", "column": "id"}
    ]  # fmt: skip
    assert run.record["outputs"][0]["rows"] == 97
    assert run.record["owners"] == ["team:data"]
    assert run.record["code"]["commit"] == "abc"
    assert run.record["parameters"] == {"day": "2026-01-01"}
    assert run.record["tags"] == {"team": "pizza"}
    assert run.record["verdict"] == "ok"
    assert [each["status"] for each in run.record["checks"]] == ["pass", "fail"]


@given(st.lists(st.integers(0, 4), min_size=0, max_size=8), st.permutations(range(5)), st.integers(1, 3))
def test_any_order_with_any_repetition_folds_to_the_same_run(again, order, parts):
    told = [read_event(each).raw for each in story()]
    mixed = [told[at] for at in (*order, *again)]
    assert fold(mixed) == fold(told)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(range(5)), again=st.lists(st.integers(0, 4), max_size=4), size=st.integers(1, 4))
def test_any_order_with_any_repetition_ends_in_the_same_record(project, order, again, size):
    other = make.small_project(project.created_by)
    send(other, *story())
    straight = Run.objects.get(project=other)
    mixed = [story()[at] for at in (*order, *again)]
    third = make.small_project(project.created_by)
    for at in range(0, len(mixed), size):
        send(third, *mixed[at : at + size])

    crooked = Run.objects.get(project=third)
    assert crooked.content_digest == straight.content_digest
    assert crooked.record == straight.record
    assert LineageEvent.objects.filter(project=third).count() == 5


def test_the_same_events_again_write_nothing(project):
    send(project, *story())
    with traces.no_trace():
        done = send(project, *reversed(story()))
    assert (done.new, done.runs) == (0, None)
    assert RunBatch.objects.count() == 1


def test_an_event_that_comes_a_month_late_is_put_in_its_place(project):
    told = story()
    send(project, told[0], told[-1])
    before = Run.objects.get().content_digest
    send(project, *told[1:-1])

    late = Run.objects.get()
    assert late.revisions.get().digest == before
    assert (late.state, late.record["inputs"][0]["version"]) == ("finished", "8")


@pytest.mark.parametrize(
    ("kinds", "state"),
    [
        (["OTHER"], "queued"), (["START"], "running"), (["RUNNING"], "running"),
        (["START", "FAIL"], "failed"), (["START", "ABORT"], "failed"), (["COMPLETE"], "finished"),
    ],
)  # fmt: skip
def test_states_are_those_of_the_house(project, kinds, state):
    send(project, *[event(kind, minute) for minute, kind in enumerate(kinds)])
    assert Run.objects.get().state == state


def test_a_failure_says_why(project):
    facet = {"errorMessage": {"message": "No space", "programmingLanguage": "python", "stackTrace": "at x"}}
    send(project, event("FAIL", run={"runId": RUN, "facets": facet}))
    assert Run.objects.get().error == "No space\n\nat x"


@pytest.mark.parametrize(
    ("name", "tag", "kind"),
    [
        ("train model", "", "TRN"), ("evaluate", "", "EVR"), ("drift monitor", "", "MON"),
        ("deploy", "", "DPR"), ("load", "", "DVR"), ("load", "trn", "TRN"),
    ],
)  # fmt: skip
def test_the_kind_is_said_by_a_tag_or_read_from_the_name(project, name, tag, kind):
    facets = {"tags": {"tags": [{"key": "gatebook.kind", "value": tag}]}} if tag else {}
    send(project, event(job={"namespace": "n", "name": name}, run={"runId": RUN, "facets": facets}))
    assert Run.objects.get().kind == kind


@pytest.mark.parametrize(("task", "found"), [("1.1", "1.1"), ("9.9", None)])
def test_a_tag_names_the_task_and_an_unknown_one_is_left_out(project, task, found):
    make.iteration(project)
    facets = {"tags": {"tags": [{"key": "gatebook.task", "value": task}]}}
    send(project, event(run={"runId": RUN, "facets": facets}), event(name=str(uuid.UUID(int=3))))
    run = Run.objects.get(external_id=RUN)
    assert (run.task.key if run.task else None) == found
    assert Run.objects.count() == 2


def test_events_about_jobs_and_data_sets_are_kept_once_and_make_no_run(project):
    base = {"eventTime": "2026-01-02T10:00:00Z", "producer": "p"}
    job = base | {"schemaURL": f"{SPEC}JobEvent", "job": {"namespace": "n", "name": "j"}}
    data = base | {"schemaURL": f"{SPEC}DatasetEvent", "dataset": {"namespace": "n", "name": "d"}}
    for _ in range(2):
        send(project, job, data)
    assert sorted(LineageEvent.objects.values_list("about", flat=True)) == ["dataset", "job"]
    assert (Run.objects.count(), Entry.objects.filter(action="runs.recorded").count()) == (0, 0)


def test_a_facet_that_is_deleted_is_gone(project):
    facet = {"tags": {"tags": [{"key": "a", "value": "1"}]}}
    send(project, event("START", 0, run={"runId": RUN, "facets": facet}))
    send(project, event("RUNNING", 1, run={"runId": RUN, "facets": {"tags": {"_deleted": True}}}))
    assert "tags" not in Run.objects.get().record


def test_strangers_send_nothing(project):
    with traces.no_trace(), pytest.raises(PermissionDenied):
        record_lineage(project=project, facts=[read_event(event())], actor=make.user())


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"run": {"runId": "seven"}}, "/run/runId"),
        ({"eventTime": "yesterday"}, "/eventTime"),
        ({"eventTime": "2026-01-02T10:00:00"}, "/eventTime"),
        ({"eventTime": (now() + dt.timedelta(days=1)).isoformat()}, "/eventTime"),
        ({"eventType": "DONE"}, "/eventType"),
        ({"job": {"namespace": "n"}}, "/job/name"),
        ({"producer": ""}, "/producer"),
        ({"schemaURL": "https://openlineage.io/spec/3-0-0/OpenLineage.json"}, "/schemaURL"),
        ({"schemaURL": "https://example.org/other.json"}, "/schemaURL"),
        ({"inputs": [{"name": "x"}]}, "/inputs/0/namespace"),
        ({"run": {"runId": RUN, "facets": {"x": 1}}}, "/run/facets/x"),
        ({"run": {"runId": RUN, "facets": {"x": {"a": 2**70}}}}, ""),
        ({"run": {"runId": RUN, "facets": {"x": {"a": "\x00"}}}}, ""),
        ({"producer": "x" * 1_100_000}, None),
    ],
)
def test_a_wrong_event_is_refused_by_place(change, where):
    with pytest.raises(Invalid) as no:
        read_event(event() | change)
    assert where is None or no.value.where == where


def test_an_event_without_a_subject_is_refused():
    with pytest.raises(GatebookError) as no:
        read_event({"eventTime": "2026-01-02T10:00:00Z", "producer": "p", "schemaURL": SPEC})
    assert no.value.code == "not_an_event"


FACETS = [
    "ownership", "tags", "test", "schema", "parent", "errorMessage", "version", "executionParameters",
    "processing_engine", "sourceCodeLocation", "dataQualityAssertions", "dataQualityMetrics",
]  # fmt: skip
PLAIN = st.none() | st.integers(0, 9) | st.text(max_size=5)
ANYTHING = PLAIN | st.lists(PLAIN | st.dictionaries(st.text(max_size=4), PLAIN, max_size=2), max_size=3)
KEYS = st.sampled_from(["owners", "tags", "tests", "fields", "run", "assertions", "columnMetrics"])


@given(st.dictionaries(st.sampled_from(FACETS), st.dictionaries(KEYS, ANYTHING, max_size=3)))
def test_facets_of_any_shape_never_break_the_fold(odd):
    from lifecycle.intake.reading import read_runs

    data = {"namespace": "a", "name": "b", "facets": odd}
    told = event("FAIL", run={"runId": RUN, "facets": odd}, inputs=[data])
    try:
        raw = read_event(told).raw
    except GatebookError:
        return
    read_runs([fold([raw])])
