import pytest
from django.utils import timezone

from lifecycle.definitions import plain
from lifecycle.models import Membership, Trigger
from lifecycle.services.processes import change_draft, draft_process, publish_process, retire_process
from lifecycle.services.projects import (
    add_member,
    change_member,
    change_project,
    close_project,
    create_project,
    remove_member,
)
from tests import make
from tests.traces import forbidden, invalid, one_entry, refused

pytestmark = pytest.mark.django_db


def create(actor, version, **fields):
    values = {"slug": "pizza", "name": "Pizza", "purpose": "Bake", "risk_class": "high"} | fields
    return create_project(process_version=version, actor=actor, **values)


def test_a_process_is_drafted_published_and_retired():
    owner = make.user(org_role="process_owner")

    with one_entry("process.drafted"):
        draft = draft_process(document=make.small_document(), actor=owner)
    with one_entry("process.published") as detail:
        published = publish_process(version=draft, actor=owner)
    with one_entry("process.retired"):
        retired = retire_process(version=draft, actor=owner)

    assert (draft.number, published.state, retired.state) == (1, "published", "retired")
    assert detail["digest"] == published.digest
    assert len(published.digest) == 64


def test_a_published_process_never_changes():
    owner = make.user(org_role="process_owner")
    version = publish_process(version=draft_process(document=make.small_document(), actor=owner), actor=owner)

    with refused("wrong_state", version):
        change_draft(version=version, document=make.small_document(name="Other"), actor=owner)
    with refused("wrong_state", version):
        publish_process(version=version, actor=owner)


def test_a_draft_is_changed_and_the_next_draft_has_the_next_number():
    owner = make.user(org_role="process_owner")
    draft = draft_process(document=make.small_document(), actor=owner)

    with one_entry("process.changed"):
        changed = change_draft(version=draft, document=make.small_document(summary="Another."), actor=owner)
    second = draft_process(document=make.small_document(), actor=owner)

    assert changed.document == plain(make.small_document(summary="Another."))
    assert second.number == 2


@pytest.mark.parametrize("org_role", ["member", "auditor"])
def test_processes_are_for_their_owners(org_role):
    person, draft = make.user(org_role=org_role), make.process_version(state="draft", published_at=None)

    with forbidden():
        draft_process(document=make.small_document(), actor=person)
    with forbidden(draft):
        publish_process(version=draft, actor=person)
    with forbidden(draft):
        retire_process(version=draft, actor=person)


def test_whoever_creates_a_project_manages_it_and_it_has_the_triggers_of_its_process():
    person = make.user()

    with one_entry("project.created") as detail:
        project = create(person, make.process_version())

    assert Membership.objects.get(project=project, user=person).role == "manager"
    assert detail["triggers"] == list(Trigger.objects.values_list("key", flat=True))
    nightly = Trigger.objects.get(project=project, kind="schedule")
    assert (nightly.schedule != "", "timezone" in nightly.params) == (True, True)
    assert set(Trigger.objects.values_list("target_phase", flat=True)) <= {
        "",
        "P1",
        "P2",
        "P3",
        "P4",
        "P5",
        "P6",
    }


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("slug", "With Capitals", "bad_slug"),
        ("slug", "", "bad_slug"),
        ("slug", "taken", "slug_taken"),
        ("name", " ", "missing"),
        ("purpose", "nul\x00", "control_character"),
        ("risk_class", "none", "unknown_risk_class"),
        ("risk_appetite", 26, "bad_risk_appetite"),
        ("risk_appetite", 0, "bad_risk_appetite"),
    ],
)
def test_a_project_is_not_created_with_bad_input(field, value, code):
    make.small_project(slug="taken")
    version, person = make.process_version(), make.user()

    with invalid(code, field):
        create(person, version, **{field: value})


@pytest.mark.parametrize("state", ["draft", "retired"])
def test_a_project_needs_a_published_process(state):
    version = make.process_version(state=state, published_at=None if state == "draft" else timezone.now())
    person = make.user()

    with refused("not_published"):
        create(person, version)


def test_an_auditor_creates_no_project():
    auditor, version = make.user(org_role="auditor"), make.process_version()

    with forbidden():
        create(auditor, version)


def test_a_manager_changes_and_closes_a_project():
    project = make.small_project()

    with one_entry("project.changed") as detail:
        changed = change_project(project=project, name="New", risk_appetite=9, actor=project.created_by)
    with one_entry("project.changed"):
        closed = close_project(project=project, reason="Retired", actor=project.created_by)

    assert (changed.name, changed.risk_appetite, closed.state) == ("New", 9, "closed")
    assert detail["to"] == {"name": "New", "risk_appetite": 9}
    with refused("project_closed", project):
        change_project(project=project, name="Newer", actor=project.created_by)


def test_a_project_with_an_open_iteration_stays_open():
    iteration = make.iteration()
    project = iteration.project

    with refused("iteration_open", project):
        close_project(project=project, reason="Retired", actor=project.created_by)


def test_members_come_change_leave_and_come_back():
    project, person = make.small_project(), make.user()
    manager = project.created_by

    with one_entry("member.added") as detail:
        add_member(project=project, user=person, role="contributor", crisp_roles=["DS", "DS"], actor=manager)
    with one_entry("member.changed"):
        change_member(project=project, user=person, role="reviewer", crisp_roles=["PO"], actor=manager)
    with one_entry("member.removed"):
        remove_member(project=project, user=person, actor=manager)
    with one_entry("member.added"):
        again = add_member(project=project, user=person, role="auditor", actor=manager)

    assert detail == {"user": person.pk, "role": "contributor", "crisp_roles": ["DS"]}
    assert (again.role, again.crisp_roles, again.left_at) == ("auditor", [], None)
    assert Membership.objects.filter(user=person).count() == 1


@pytest.mark.parametrize(
    ("fields", "code"), [({"role": "king"}, "unknown_role"), ({"crisp_roles": ["XX"]}, "unknown_crisp_role")]
)
def test_a_member_has_roles_that_exist(fields, code):
    project, person = make.small_project(), make.user()

    with invalid(code):
        add_member(
            **({"project": project, "user": person, "role": "reviewer", "actor": project.created_by} | fields)
        )


def test_who_cannot_become_a_member():
    project = make.small_project()
    manager, closed = project.created_by, make.user(is_active=False)
    auditor, member = make.user(org_role="auditor"), make.member(project)

    with refused("person_closed"):
        add_member(project=project, user=closed, role="contributor", actor=manager)
    with refused("auditors_read"):
        add_member(project=project, user=auditor, role="contributor", actor=manager)
    with refused("already_member"):
        add_member(project=project, user=member, role="contributor", actor=manager)
    with refused("not_member"):
        remove_member(project=project, user=closed, actor=manager)


def test_a_project_keeps_a_manager():
    project = make.small_project()
    manager = project.created_by

    with refused("last_manager"):
        remove_member(project=project, user=manager, actor=manager)
    with refused("last_manager"):
        change_member(project=project, user=manager, role="reviewer", actor=manager)


@pytest.mark.parametrize("role", ["contributor", "reviewer", "auditor", None])
def test_only_a_manager_manages_members_and_the_project(role):
    project, newcomer = make.small_project(), make.user()
    person = make.member(project, role) if role else make.user(org_role="administrator")

    with forbidden():
        add_member(project=project, user=newcomer, role="reviewer", actor=person)
    with forbidden():
        change_member(project=project, user=project.created_by, role="reviewer", actor=person)
    with forbidden():
        remove_member(project=project, user=project.created_by, actor=person)
    with forbidden(project):
        change_project(project=project, name="Mine", actor=person)
    with forbidden(project):
        close_project(project=project, reason="Mine", actor=person)
