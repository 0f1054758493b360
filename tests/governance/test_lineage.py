"""What came of what: joined, walked in both directions, bounded, drawn and listed."""

import datetime as dt
import re
from itertools import pairwise

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from governance.queries import lineage
from governance.queries.lineage import lineage_of
from lifecycle.figures import LineageGraph, LineageNode, render_figure
from lifecycle.models import DataUse
from tests import make, make_gates

pytestmark = pytest.mark.django_db


@pytest.fixture
def story():
    """Data, training, model, gate, authorization, deployment, monitoring, firing, next iteration."""
    gate = make_gates.gate()
    home, model = gate.iteration.project, gate.model_version
    data = make.data_version(home)
    training = make.run(home, "TRN", model_version=model)
    DataUse.objects.create(run=training, version=data, role="data")
    task = make.task(gate.phase, "1.1", "instantiated")
    make.evidence(task, snapshot=make.snapshot(home, run=training))
    make_gates.signed(gate, *[make.member(home, "reviewer") for _ in range(2)])
    given = gate.authorization
    deployment = make_gates.deployment(given)
    watch = make.run(home, "MON", model_version=model)
    firing = make.firing(make.trigger(home), "started", run=watch)
    gate.iteration.state, gate.iteration.closed_at = "completed", timezone.now()
    gate.iteration.save()
    again = make.iteration(home)
    again.firing = firing
    again.save()
    later = make.run(home, "TRN", iteration=again, model_version=make.model_version(home))
    return {
        "data": data, "run": training, "model": model, "gate": gate, "authorization": given,
        "deployment": deployment, "monitoring": watch, "firing": firing, "iteration": again, "later": later,
        "home": home,
    }  # fmt: skip


CHAIN = (
    "data", "run", "model", "gate", "authorization", "deployment", "monitoring", "firing", "iteration",
)  # fmt: skip


def key(story, kind):
    return f"{'run' if kind == 'later' else kind}:{story[kind].pk}"


@pytest.mark.parametrize("at", range(len(CHAIN)))
def test_from_any_record_everything_before_is_upstream_and_everything_after_downstream(story, at):
    found = lineage_of(story["home"], key(story, CHAIN[at]))

    up, down = {each.key for each in found.upstream}, {each.key for each in found.downstream}
    assert {key(story, each) for each in CHAIN[:at]} <= up
    assert {key(story, each) for each in (*CHAIN[at + 1 :], "later")} <= down
    assert not up & down


def test_what_is_live_is_shown_without_a_choice_and_a_project_without_anything_says_so(story):
    assert lineage_of(story["home"]).focus.key == key(story, "deployment")
    assert lineage_of(make.small_project()) is None


@pytest.mark.parametrize(
    "asked", ["model:999999", "model:x", "odd:1", ":", "model:", "model:" + "9" * 30, "\0"]
)
def test_a_record_that_is_not_there_is_not_found(client, story, asked):
    client.force_login(story["home"].created_by)

    address = reverse("governance:project-lineage", args=[story["home"].slug])
    assert client.get(address, {"of": asked}).status_code == 404


def test_a_record_of_another_project_is_not_found(story):
    assert lineage_of(story["home"], f"model:{make.model_version().pk}") is None


def test_only_the_nearest_records_are_shown_and_that_there_are_more_is_said(story, monkeypatch):
    monkeypatch.setattr(lineage, "MOST_EACH_WAY", 2)

    found = lineage_of(story["home"], key(story, "authorization"))

    assert {each.key for each in found.upstream} == {key(story, "gate"), key(story, "model")} or len(
        found.upstream
    ) == 2
    assert (found.more_up, found.more_down, len(found.downstream)) == (True, True, 2)


def test_an_old_record_is_found_with_what_was_around_it(story, monkeypatch):
    monkeypatch.setattr("governance.queries.lineage_records.MOST", dict.fromkeys(
        ("model", "run", "gate", "authorization", "deployment", "firing", "iteration", "data"), 4
    ))  # fmt: skip
    for _number in range(10):
        make.run(story["home"], "TRN", model_version=make.model_version(story["home"]))

    found = lineage_of(story["home"], key(story, "run"))

    assert key(story, "data") in {each.key for each in found.upstream}


@pytest.mark.parametrize("count", [1, 3])
def test_the_page_costs_the_same_for_any_number_of_records(client, story, count):
    home = story["home"]
    for _number in range(count):
        version = make.model_version(home)
        run = make.run(home, "TRN", model_version=version)
        DataUse.objects.create(run=run, version=make.data_version(home), role="data")
        make.firing(make.trigger(home), run=make.run(home, "MON", model_version=version))
    client.force_login(home.created_by)

    with CaptureQueriesContext(connection) as queries:
        client.get(reverse("governance:project-lineage", args=[home.slug]), {"of": key(story, "model")})

    assert len(queries) == 18


def test_the_page_draws_lists_and_links_every_record(client, story):
    client.force_login(story["home"].created_by)
    address = reverse("governance:project-lineage", args=[story["home"].slug])

    html = client.get(address, {"of": key(story, "model")}).text

    assert "Model" in re.search("<h1[^>]*>(.*?)</h1>", html).group(1)
    for kind in CHAIN:
        if kind != "model":
            assert html.count(f"?of={key(story, kind)}") >= 2  # in the drawing and in the list
    assert reverse("lifecycle:run", args=[story["run"].pk]) in html
    client.force_login(make.user())
    assert client.get(address).status_code == 404


def test_a_run_that_nothing_came_of_stands_alone(story):
    lonely = make.run(story["home"])

    found = lineage_of(story["home"], f"run:{lonely.pk}")

    assert (found.focus.title, found.upstream, found.downstream) == (lonely.title, [], [])


# ---- the drawing ----


EDGES = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=20)


@given(EDGES)
def test_every_arrow_leads_to_the_right_and_no_two_boxes_overlap(pairs):
    edges = tuple({(f"n{min(pair)}", f"n{max(pair)}") for pair in pairs if pair[0] != pair[1]})
    nodes = tuple(LineageNode(f"n{number}", "Run", f"Run {number}", "", "/x") for number in range(10))
    graph = LineageGraph(nodes, tuple(sorted(edges)), "All")

    corners = {box["node"].key: (float(box["x"]), float(box["y"])) for box in graph.drawn}
    width, height = graph.BOX
    assert all(corners[source][0] + width < corners[target][0] for source, target in graph.edges)
    boxes = sorted(corners.values())
    for one, other in pairwise(boxes):
        assert one[0] != other[0] or other[1] >= one[1] + height
    right, low = map(float, graph.size)
    assert all(x + width <= right and y + height <= low for x, y in boxes)
    assert render_figure(graph).count("<a ") == 10


@given(EDGES)
def test_a_drawing_leaves_out_what_a_longer_way_says_and_nothing_else(pairs):
    edges = {(min(pair), max(pair)) for pair in pairs if pair[0] != pair[1]}

    def ways(among):
        found = set(among)
        for _step in range(10):
            found |= {(a, d) for a, b in found for c, d in among if b == c}
        return found

    kept = set(lineage.without_shortcuts(sorted(edges)))

    assert ways(kept) == ways(edges)
    assert all((a, b) not in ways(kept - {(a, b)}) for a, b in kept)


def test_a_drawing_escapes_what_people_wrote():
    node = LineageNode("a", "Run", "<script>", 'a "b"', "/x?of=a")

    html = render_figure(LineageGraph((node,), (), "<b>"))

    assert "<script>" not in html
    assert "&lt;script&gt;" in html


def test_times_do_not_turn_the_drawing_round(story):
    story["data"].created_at = timezone.now() + dt.timedelta(days=1)
    story["data"].save()

    found = lineage_of(story["home"], key(story, "model"))

    assert any(edge[:2] == (key(story, "data"), key(story, "run")) for edge in found.edges)
