import pytest
from django.utils import timezone

from ledger.actors import SystemActor
from lifecycle import rules
from tests import make

pytestmark = pytest.mark.django_db

MAY = {
    "manager": {"see", "manage", "contribute", "review", "take_part"},
    "contributor": {"see", "contribute", "take_part"},
    "reviewer": {"see", "review", "take_part"},
    "auditor": {"see", "audit"},
    "administrator": {"see"},
    "process_owner": {"see"},
    "org_auditor": {"see", "audit"},
    "auditor_in_disguise": {"see", "audit"},
    "left": set(),
    "closed": set(),
    "stranger": set(),
}
PREDICATES = {
    "see": rules.can_see_project,
    "manage": rules.can_manage_project,
    "contribute": rules.can_contribute,
    "review": rules.can_review,
    "take_part": rules.can_take_part,
    "audit": rules.can_audit,
}


def person(who, project):
    if who in ("manager", "contributor", "reviewer", "auditor"):
        return make.member(project, who)
    if who in ("administrator", "process_owner"):
        return make.user(org_role=who)
    return {
        "org_auditor": lambda: make.user(org_role="auditor"),
        "auditor_in_disguise": lambda: make.member(project, "manager", user=make.user(org_role="auditor")),
        "left": lambda: make.member(project, "manager", left_at=timezone.now()),
        "closed": lambda: make.member(project, "manager", user=make.user(is_active=False)),
        "stranger": make.user,
    }[who]()


@pytest.mark.parametrize("who", MAY)
def test_who_may_what_in_a_project(who):
    project = make.small_project()
    someone = person(who, project)

    assert {word for word, may in PREDICATES.items() if may(someone, project)} == MAY[who]


def test_a_role_in_one_project_is_none_in_another():
    manager = make.small_project().created_by

    assert not any(may(manager, make.small_project()) for may in PREDICATES.values())


def test_machines_and_auditors():
    machine, auditor = SystemActor("triggers"), make.user(org_role="auditor")

    assert rules.is_machine(machine)
    assert not rules.is_machine(auditor)
    assert not rules.can_change(auditor)
    assert not rules.can_create_projects(auditor)
    assert not rules.can_manage_processes(machine)
