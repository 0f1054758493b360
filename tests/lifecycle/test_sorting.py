"""Lists are sorted on the server, and their address says how."""

import datetime as dt

import pytest
from django.urls import reverse
from django.utils import timezone

from lifecycle.models import Notice, Task
from lifecycle.sorting import Sorting, words
from tests import make

COLUMNS = {"name": [words("name")], "due": ["due_on"]}
LISTS = {
    "lifecycle:project-tasks": ["task", "owner", "due", "state"],
    "lifecycle:project-handoffs": ["handoff", "from", "to", "due"],
    "lifecycle:project-runs": ["run", "iteration", "model", "by", "when", "state"],
    "lifecycle:project-risks": ["risk", "before", "now", "owner", "state"],
    "lifecycle:project-requirements": ["requirement", "limit", "slice", "gate", "state"],
    "lifecycle:project-people": ["person", "role", "process", "since"],
    "lifecycle:project-triggers": ["seen", "state", "by", "when"],
    "lifecycle:project-events": ["what", "when", "by"],
    "governance:project-gates": ["gate", "model", "criteria", "approvals", "state", "date"],
    "governance:portfolio": ["project", "state", "phase", "gate", "live", "monitoring", "late", "manager"],
    "lifecycle:organization": ["person", "username", "role", "projects"],
    "lifecycle:process": ["process", "published", "state"],
    "lifecycle:notices": ["when", "project", "kind"],
    "reports:ledger": ["entry"],
}
OF_A_PROJECT = [name for name in LISTS if "project-" in name]


def address(name, project, **query):
    return reverse(name, args=[project.slug] if name in OF_A_PROJECT else [], query=query or None)


def names(rows):
    return [row.name for row in rows]


@pytest.mark.django_db
class TestOrder:
    def test_rows_are_sorted_either_way_and_what_is_empty_stands_last(self):
        phase = make.phase()
        day = timezone.localdate()
        make.task(phase, "1.1", name="beta", due_on=None)
        make.task(phase, "1.2", name="Alpha", due_on=day)
        make.task(make.phase(phase.iteration, "P2"), "2.1", name="gamma", due_on=day + dt.timedelta(1))
        found = Task.objects.filter(phase__iteration=phase.iteration)

        assert names(Sorting({"sort": "name"}, COLUMNS).query(found)) == ["Alpha", "beta", "gamma"]
        assert names(Sorting({"sort": "-name"}, COLUMNS).query(found)) == ["gamma", "beta", "Alpha"]
        assert names(Sorting({"sort": "due"}, COLUMNS).query(found)) == ["Alpha", "gamma", "beta"]
        assert names(Sorting({"sort": "-due"}, COLUMNS).query(found)) == ["gamma", "Alpha", "beta"]

    def test_rows_in_memory_are_sorted_by_the_same_rules(self):
        columns = {"it": lambda row: row or None}
        rows = ["b", "", "A", "c"]

        assert Sorting({"sort": "it"}, columns).rows(rows) == ["A", "b", "c", ""]
        assert Sorting({"sort": "-it"}, columns).rows(rows) == ["c", "b", "A", ""]
        assert Sorting({}, columns).rows(rows) == rows

    @pytest.mark.parametrize("asked", ["", "password", "--name", "name ", "owner__password", "-", "\0", "?"])
    def test_only_columns_that_are_offered_are_sorted_by(self, asked):
        assert Sorting({"sort": asked}, COLUMNS).value == ""


def test_a_click_turns_the_order_and_the_third_gives_the_lists_own_back():
    up, down, own = (Sorting({"sort": each}, COLUMNS, first_down=["due"]) for each in ("name", "-name", ""))

    assert [each.next_value("name") for each in (own, up, down)] == ["name", "-name", ""]
    assert [
        Sorting({"sort": s}, COLUMNS, first_down=["due"]).next_value("due") for s in ("", "-due", "due")
    ] == [
        "-due",
        "due",
        "",
    ]


@pytest.fixture
def filled(client):
    """A project with a few of everything, seen by its manager."""
    iteration = make.iteration()
    project, phase = iteration.project, make.phase(iteration)
    for name in ("beta", "Alpha"):
        task = make.task(phase, "1.1" if name == "beta" else "1.2", name=name)
        make.risk(task, "assessed", text=f"Risk {name}")
        make.handoff(iteration, "offered", title=f"Handoff {name}")
        make.requirement(project, statement=f"{name} holds", key=name)
        make.run(project, title=f"Run {name}")
        make.firing(make.trigger(project), summary=f"Seen {name}")
    make.run(project, iteration=iteration, started_by=project.created_by)
    client.force_login(project.created_by)
    return project


@pytest.mark.django_db
class TestPages:
    @pytest.mark.parametrize("name", LISTS)
    def test_every_column_sorts_both_ways_at_the_same_cost(
        self, client, filled, name, django_assert_max_num_queries
    ):
        for number in range(2):
            Notice.objects.create(
                person=filled.created_by, kind="mention", subject=str(number), url="/", key=str(number),
                way="page", created_at=timezone.now(),
            )  # fmt: skip
        for column in LISTS[name]:
            for way in (column, f"-{column}"):
                with django_assert_max_num_queries(25):
                    answer = client.get(address(name, filled, sort=way))
                assert answer.status_code == 200
                if way == column or name != "reports:ledger":
                    assert answer.context["sorting"].value == way

    @pytest.mark.parametrize(
        ("name", "column", "shown"),
        [
            ("lifecycle:project-tasks", "task", ("Alpha", "beta")),
            ("lifecycle:project-handoffs", "handoff", ("Handoff Alpha", "Handoff beta")),
            ("lifecycle:project-runs", "run", ("Run Alpha", "Run beta")),
            ("lifecycle:project-risks", "risk", ("Risk Alpha", "Risk beta")),
            ("lifecycle:project-requirements", "requirement", ("Alpha holds", "beta holds")),
            ("lifecycle:project-triggers", "seen", ("Seen Alpha", "Seen beta")),
        ],
    )
    def test_the_order_of_the_address_is_the_order_of_the_page(self, client, filled, name, column, shown):
        first, second = shown
        up, down = (client.get(address(name, filled, sort=way)).text for way in (column, f"-{column}"))

        assert up.index(f">{first}<") < up.index(f">{second}<")
        assert down.index(f">{second}<") < down.index(f">{first}<")

    def test_the_head_says_how_the_list_is_sorted_and_keeps_the_filter(self, client, filled):
        html = client.get(address("lifecycle:project-runs", filled, kind="TRN", sort="run", page="1")).text

        assert html.count('aria-sort="ascending"') == 1
        assert 'href="?kind=TRN&amp;sort=-run"' in html
        assert '<input type="hidden" name="sort" value="run">' in html

    def test_markup_in_the_address_stays_text(self, client, filled):
        asked = address("lifecycle:project-runs", filled, kind='"><script>', sort='"><script>')

        assert "<script>" not in client.get(asked).text.replace('<script src="', "")

    def test_the_ledger_is_read_from_its_beginning_too(self, client):
        boss = make.user(org_role="auditor")
        for _each in range(3):
            make.iteration()
        client.force_login(boss)
        first = client.get(reverse("reports:ledger", query={"sort": "entry"})).context["found"]
        rows = [row.index for row in first.rows]

        assert (rows, first.older) == (sorted(rows), "")
        if first.newer:
            more = client.get(reverse("reports:ledger", query={"sort": "entry", "cursor": first.newer}))
            assert more.context["found"].rows[0].index == rows[-1] + 1
