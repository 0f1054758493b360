import hashlib

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from lifecycle.intake.reading import read_runs
from lifecycle.models import Run
from lifecycle.queries.run_histories import MOST_CHARTS, MOST_POINTS, histories_of, parts_of
from lifecycle.services.run_intake import upsert_runs
from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def project():
    return make.small_project()


def keep(project, name="1", source="api", **fields):
    values = {"external_id": name, "kind": "TRN", "title": "Trained", "finished_at": "2026-01-02T10:00:00Z"}
    done = upsert_runs(
        project=project, source=source, runs=read_runs([values | fields]), actor=project.created_by
    )
    return Run.objects.get(pk=done.kept[0].run_id)


def page_of(client, run):
    client.force_login(run.project.created_by)
    return client.get(reverse("lifecycle:run", args=[run.pk])).content.decode()


def test_a_metric_that_moved_is_drawn_in_the_order_of_its_steps(client, project):
    run = keep(project, histories={"loss": [[2, 3, 0.2], [0, 1, 0.9], [1, 2, "NaN"]], "once": [[0, 1, 1.0]]})

    [found] = histories_of(run).charts

    assert (found.name, found.count, found.span) == ("loss", 3, "0.2 to 0.9")
    assert list(found.chart.series[0].values) == [0.9, None, 0.2]
    assert list(found.chart.windows) == ["0", "1", "2"]
    assert "How the metrics moved" in page_of(client, run)


def test_many_metrics_and_many_points_are_bounded(project):
    many = {f"m{n:02}": [[0, 1, 1.0], [1, 2, 2.0]] for n in range(MOST_CHARTS + 3)}
    long = {"a": [[n, n, float(n)] for n in range(5_000)]}
    found = histories_of(keep(project, histories=many | long))

    assert (len(found.charts), found.more) == (MOST_CHARTS, 4)
    values = found.charts[0].chart.series[0].values
    assert (len(values), values[0], values[-1]) == (MOST_POINTS, 0.0, 4999.0)


def test_what_was_never_finite_is_said_to_be_so(client, project):
    run = keep(project, histories={"loss": [[0, 1, "NaN"], [1, 2, "Infinity"]]})
    assert histories_of(run).charts[0].span == "no finite value"
    assert "no finite value" in page_of(client, run)


def test_a_run_lists_the_runs_within_it_and_names_the_one_it_is_within(client, project):
    outer = keep(project, "search", title="Search")
    for n in range(3):
        inner = keep(project, f"try-{n}", title=f"Try {n}", parent="search", metrics={"rmse": n + 0.5})
    keep(project, "other", source="elsewhere", parent="search", title="A stranger")

    assert [each.run.title for each in parts_of(outer).children] == ["Try 2", "Try 1", "Try 0"]
    assert parts_of(outer).children[0].metrics == [("rmse", 2.5)]
    assert parts_of(inner).parent == outer
    assert "Try 1" in page_of(client, outer)
    assert "A stranger" not in page_of(client, outer)
    assert reverse("lifecycle:run", args=[outer.pk]) in page_of(client, inner)


def test_the_page_costs_the_same_with_one_part_and_with_three(client, project):
    outer = keep(project, "search")
    page_of(client, outer)
    address, counts = reverse("lifecycle:run", args=[outer.pk]), []
    for n in range(3):
        keep(project, f"try-{n}", parent="search")
        if n != 1:
            with CaptureQueriesContext(connection) as asked:
                client.get(address)
            counts.append(len(asked))
    assert counts[0] == counts[1] <= 25


def set_aside(project, content=b"(row),(rules),a\n3,range a,9\n", **fields):
    digest = hashlib.sha256(content).hexdigest()
    name = f"set-aside/{digest}.csv"
    if not default_storage.exists(name):
        default_storage.save(name, ContentFile(content))
    aside = {"sha256": digest, "rows": 1, "name": name}
    violations = [{"column": "a", "rule": "range", "count": 1, "rows": [3], "examples": ["9"]}]
    record = {"set_aside": aside | fields, "violations": violations}
    return make.run(project, kind="DVR", record=record)


def test_the_rows_set_aside_are_downloaded_by_those_who_work_on_the_project(client, project):
    run = set_aside(project)
    address = reverse("lifecycle:run-set-aside", args=[run.pk])
    assert address in page_of(client, run)

    answer = client.get(address)
    assert b"".join(answer.streaming_content) == b"(row),(rules),a\n3,range a,9\n"
    assert "attachment" in answer["Content-Disposition"]

    client.force_login(make.member(project, role="auditor"))
    assert client.get(address).status_code == 403
    client.force_login(make.user())
    assert client.get(address).status_code == 404


@pytest.mark.parametrize(
    "fields",
    [{"name": "set-aside/other.csv"}, {"name": "../settings.py"}, {"sha256": "../../x"}, {"name": None}],
)
def test_no_other_file_than_the_one_set_aside_is_given(client, project, fields):
    run = set_aside(project, **fields)
    client.force_login(project.created_by)
    assert client.get(reverse("lifecycle:run-set-aside", args=[run.pk])).status_code == 404


def test_a_run_from_outside_gives_no_file(client, project):
    run = set_aside(project)
    other = keep(project, "x", kind="DVR")
    Run.objects.filter(pk=other.pk).update(record=run.record)
    client.force_login(project.created_by)
    assert client.get(reverse("lifecycle:run-set-aside", args=[other.pk])).status_code == 404
