import pytest
from django.urls import reverse

from lifecycle.definitions import load_yaml
from lifecycle.models import Membership, Project, Requirement
from tests import make

pytestmark = pytest.mark.django_db


def get(client, user, name, *args, query=""):
    client.force_login(user)
    return client.get(reverse(f"lifecycle:{name}", args=args) + query)


def post(client, user, name, /, *args, **values):
    client.force_login(user)
    return client.post(reverse(f"lifecycle:{name}", args=args), values)


def wanted(**changes):
    values = {
        "name": "Oven Ear",
        "slug": "oven-ear",
        "purpose": "",
        "risk_class": "limited",
        "risk_appetite": "6",
    }
    return values | {"process_version": make.process_version(make.small_document()).pk} | changes


def test_anonymous_people_are_sent_to_the_log_in(client):
    home = make.small_project()
    names = (
        "project-people",
        "project-requirements",
        "project-ownership",
        "project-tasks",
        "project-triggers",
    )
    for address in [reverse(f"lifecycle:{name}", args=[home.slug]) for name in names] + [
        reverse("lifecycle:project-new"),
        reverse("lifecycle:process"),
    ]:
        assert client.get(address).status_code == 302


def test_a_stranger_finds_no_project(client):
    home, stranger = make.small_project(), make.user()
    for name in ("project-people", "project-requirements", "project-ownership"):
        assert get(client, stranger, name, home.slug).status_code == 404
    assert post(client, stranger, "member-add", home.slug).status_code == 404
    assert post(client, stranger, "requirement-define", home.slug).status_code == 404


def test_whoever_begins_a_project_is_its_manager(client):
    user = make.user(org_role="process_owner")
    assert post(client, user, "project-new", **wanted()).status_code == 302
    home = Project.objects.get(slug="oven-ear")
    assert Membership.objects.get(project=home).role == "manager"
    assert get(client, user, "project-new").status_code == 200


def test_a_taken_short_name_is_said_at_its_field(client):
    taken = make.small_project()
    answer = post(
        client, make.user(org_role="administrator"), "project-new", **wanted(slug=taken.slug, name="Kept")
    )
    text = answer.content.decode()
    assert answer.status_code == 422
    assert "Another project has this short name." in text
    assert 'value="Kept"' in text


def test_auditors_begin_no_projects(client):
    auditor = make.user(org_role="auditor")
    assert get(client, auditor, "project-new").status_code == 403
    assert post(client, auditor, "project-new", **wanted()).status_code == 403


def test_a_manager_adds_changes_and_removes_people(client):
    home, newcomer = make.small_project(), make.user()
    manager = home.created_by
    sent = {"user": newcomer.pk, "role": "contributor", "crisp_roles": ["DS"]}
    assert post(client, manager, "member-add", home.slug, **sent).status_code == 302
    member = Membership.objects.get(project=home, user=newcomer)
    assert member.crisp_roles == ["DS"]
    assert post(client, manager, "member-change", home.slug, member.pk, role="reviewer").status_code == 302
    assert post(client, newcomer, "member-remove", home.slug, member.pk).status_code == 403
    assert post(client, manager, "member-remove", home.slug, member.pk).status_code == 302
    assert newcomer.name in get(client, manager, "project-people", home.slug).content.decode()
    member.refresh_from_db()
    assert member.left_at is not None
    assert post(client, manager, "member-remove", home.slug, member.pk).status_code == 404


def test_the_last_manager_stays(client):
    home = make.small_project()
    member = Membership.objects.get(project=home)
    answer = post(client, home.created_by, "member-remove", home.slug, member.pk)
    assert answer.status_code == 422
    assert "last manager" in answer.content.decode()


def test_changes_of_people_are_posts(client):
    home = make.small_project()
    member = Membership.objects.get(project=home)
    for name, args in (("member-add", ()), ("member-change", (member.pk,)), ("member-remove", (member.pk,))):
        assert get(client, home.created_by, name, home.slug, *args).status_code == 405
        assert post(client, make.user(org_role="auditor"), name, home.slug, *args).status_code == 403


def test_a_requirement_is_defined_agreed_changed_and_its_versions_kept(client):
    home = make.small_project()
    manager, worker = home.created_by, make.member(home)
    sent = {
        "key": "accurate", "statement": "Accurate enough", "metric": "accuracy", "operator": ">=",
        "limit": "0.9", "gate": "G1", "blocking": "on",
    }  # fmt: skip
    assert (
        post(client, make.member(home, "reviewer"), "requirement-define", home.slug, **sent).status_code
        == 403
    )
    assert post(client, worker, "requirement-define", home.slug, **sent).status_code == 302
    again = post(client, worker, "requirement-define", home.slug, **sent)
    assert again.status_code == 422
    assert "change that one" in again.content.decode()
    first = Requirement.objects.get(project=home)
    assert post(client, worker, "requirement-act", home.slug, first.pk, "agree").status_code == 403
    assert post(client, manager, "requirement-act", home.slug, first.pk, "agree").status_code == 302
    change = {"statement": first.statement, "operator": ">=", "limit": "0.8"}
    assert (
        post(client, manager, "requirement-act", home.slug, first.pk, "change", **change).status_code == 422
    )
    change["reason"] = "The old limit was a guess."
    assert (
        post(client, manager, "requirement-act", home.slug, first.pk, "change", **change).status_code == 302
    )
    text = get(client, manager, "project-requirements", home.slug).content.decode()
    assert "version 2" in text
    assert "0.9" in text
    assert "The old limit was a guess." in text


def test_only_what_was_missed_is_waived(client):
    home = make.small_project()
    manager = home.created_by
    missed, met = make.requirement(home, "not_met"), make.requirement(home, "met")
    assert (
        post(client, manager, "requirement-act", home.slug, missed.pk, "waive", reason="For now.").status_code
        == 302
    )
    assert (
        post(client, manager, "requirement-act", home.slug, met.pk, "waive", reason="No.").status_code == 422
    )
    assert (
        post(
            client, manager, "requirement-act", make.small_project(manager).slug, met.pk, "agree"
        ).status_code
        == 404
    )


def test_the_number_of_queries_does_not_grow(client, django_assert_max_num_queries):
    home = make.small_project()
    make.requirement(home)
    client.force_login(home.created_by)
    for name in ("project-people", "project-requirements"):
        address = reverse(f"lifecycle:{name}", args=[home.slug])
        with django_assert_max_num_queries(25) as first:
            client.get(address)
        for _each in range(2):
            make.requirement(home)
            make.member(home)
        with django_assert_max_num_queries(len(first)):
            client.get(address)


def test_the_matrix_shows_duties_and_gaps(client, django_assert_max_num_queries):
    trip = make.iteration()
    home = trip.project
    task = make.task(make.phase(trip))
    home.memberships.all()
    text = get(client, home.created_by, "project-ownership", home.slug).content.decode()
    assert "2 tasks lack somebody" in text
    assert "Nobody does it" in text
    gaps = get(client, home.created_by, "project-ownership", home.slug, query="?show=gaps").content.decode()
    assert str(task.name) not in gaps
    mine = get(client, task.owner, "project-ownership", home.slug, query="?show=mine").content.decode()
    assert str(task.name) in mine
    assert "Task 2.1" not in mine
    with django_assert_max_num_queries(12):
        client.get(reverse("lifecycle:project-ownership", args=[home.slug]))


def test_the_matrix_before_the_first_iteration_says_so(client):
    home = make.small_project()
    assert (
        "Nothing to own yet" in get(client, home.created_by, "project-ownership", home.slug).content.decode()
    )
    assert (
        get(client, home.created_by, "project-ownership", home.slug, query="?iteration=1").status_code == 404
    )


def test_the_inbox_names_one_step_for_each_thing_that_waits(client, django_assert_max_num_queries):
    trip = make.iteration()
    handoff = make.handoff(trip, "offered")
    text = get(client, handoff.taker, "inbox").content.decode()
    assert "1 thing waits for you" in text
    assert "Check and accept" in text
    assert reverse("lifecycle:handoff", args=[handoff.pk]) in text
    with django_assert_max_num_queries(12) as first:
        client.get(reverse("lifecycle:inbox"))
    make.handoff(trip, "offered", taker=handoff.taker)
    make.handoff(trip, "returned", giver=handoff.taker)
    with django_assert_max_num_queries(len(first)):
        assert "3 things wait for you" in client.get(reverse("lifecycle:inbox")).content.decode()


def test_firings_and_own_tasks_come_in_the_order_of_harm(client):
    phase = make.phase()
    manager = phase.iteration.project.created_by
    make.task(phase, owner=manager)
    make.firing(make.trigger(phase.iteration.project), summary="It drifts")
    text = get(client, manager, "inbox").content.decode()
    assert text.index("Harm is happening") < text.index("Can wait")
    assert "It drifts" in text


def test_an_empty_inbox_says_so(client):
    assert "Nothing waits for you" in get(client, make.user(), "inbox").content.decode()


def test_published_processes_are_read_and_downloaded(client):
    version, user = make.process_version(make.small_document()), make.user()
    assert version.process.name in get(client, user, "process").content.decode()
    text = get(client, user, "process-version", version.pk).content.decode()
    assert "Somebody asks" in text
    assert "Gate G1" in text
    assert "So that it ends" in text
    answer = get(client, user, "process-yaml", version.pk)
    assert load_yaml(answer.content) == make.small_document()
    assert f"small-{version.number}.yaml" in answer.headers["Content-Disposition"]


def test_drafts_are_not_among_the_published_processes(client):
    version = make.process_version(state="draft", published_at=None)
    assert get(client, make.user(), "process-version", version.pk).status_code == 404


def test_long_and_foreign_names_break_no_page(client):
    name = "مشروع " * 40 + "🍕" * 20
    home = make.small_project(name=name.strip())
    make.iteration(home, title="Ü" * 300)
    for page in ("project-tasks", "project-people", "project-ownership", "project-requirements"):
        assert name.strip() in get(client, home.created_by, page, home.slug).content.decode()
