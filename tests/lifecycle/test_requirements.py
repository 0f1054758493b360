import pytest

from ledger.actors import SystemActor
from lifecycle.models import Requirement
from lifecycle.services.requirements import (
    agree_requirement,
    change_requirement,
    define_requirement,
    record_check,
    waive_requirement,
)
from tests import make
from tests.traces import forbidden, invalid, one_entry, refused

pytestmark = pytest.mark.django_db

MACHINE = SystemActor("gates")


def define(project, **fields):
    values = {
        "key": "mae", "statement": "Close enough", "metric": "mae", "operator": "<=", "limit": 4,
        "actor": project.created_by
    } | fields  # fmt: skip
    return define_requirement(project=project, **values)


def test_a_requirement_is_defined_and_agreed():
    project = make.small_project()

    with one_entry("requirement.defined") as detail:
        requirement = define(project, slice="country=IT", unit="min")
    with one_entry("requirement.agreed"):
        agreed = agree_requirement(requirement=requirement, actor=project.created_by)

    assert (requirement.limit, requirement.gate, agreed.state) == (4.0, "G4", "agreed")
    assert (detail["limit"], detail["slice"], detail["version"]) == (4, "country=IT", 1)


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("key", "", "missing"),
        ("statement", "", "missing"),
        ("metric", "m" * 121, "too_long"),
        ("operator", "==", "unknown_operator"),
        ("limit", float("nan"), "bad_limit"),
        ("limit", True, "bad_limit"),
        ("limit", "4", "bad_limit"),
    ],
)
def test_a_requirement_is_not_defined_with_bad_input(field, value, code):
    project = make.small_project()

    with invalid(code, field):
        define(project, **{field: value})


def test_a_key_is_defined_once():
    project = make.small_project()
    define(project)

    with invalid("key_taken", "key"):
        define(project)


def test_a_changed_limit_is_a_new_version_that_has_to_be_agreed():
    project = make.small_project()
    old = make.requirement(project, "met", key="mae", limit=4.0)

    with one_entry("requirement.changed") as detail:
        new = change_requirement(requirement=old, actor=project.created_by, reason="Holidays", limit=5)

    old.refresh_from_db()
    assert (old.state, old.limit) == ("superseded", 4.0)
    assert (new.version, new.state, new.limit, new.change_reason) == (2, "draft", 5.0, "Holidays")
    assert (detail["from"], detail["to"], detail["supersedes"]) == ({"limit": 4}, {"limit": 5}, old.pk)


def test_a_change_has_a_reason_and_changes_something():
    requirement = make.requirement()
    manager = requirement.project.created_by

    with invalid("missing", "reason"):
        change_requirement(requirement=requirement, actor=manager, reason="", limit=0.8)
    with refused("no_change", requirement):
        change_requirement(requirement=requirement, actor=manager, reason="Because", limit=0.9)
    with invalid("unknown_field", "state"):
        change_requirement(requirement=requirement, actor=manager, reason="Because", state="met")


@pytest.mark.parametrize(("met", "state"), [(True, "met"), (False, "not_met")])
def test_a_check_says_whether_it_was_met(met, state):
    requirement = make.requirement()

    with one_entry("requirement.checked") as detail:
        checked = record_check(requirement=requirement, met=met, actor=MACHINE, detail={"value": 0.91})

    assert (checked.state, detail["met"], detail["measured"]) == (state, met, {"value": 0.91})


def test_a_draft_is_not_checked():
    requirement = make.requirement(state="draft")

    with refused("wrong_state", requirement):
        record_check(requirement=requirement, met=True, actor=MACHINE)


def test_what_is_not_met_is_waived_with_a_reason():
    requirement = make.requirement(state="not_met")

    with one_entry("requirement.waived"):
        waived = waive_requirement(
            requirement=requirement, actor=requirement.project.created_by, reason="One week only"
        )

    assert waived.state == "waived"


@pytest.mark.parametrize("role", ["contributor", "reviewer", "auditor", None])
def test_only_managers_agree_change_and_waive(role):
    requirement = make.requirement(state="draft")
    project = requirement.project
    person = make.member(project, role) if role else make.user()

    with forbidden(requirement):
        agree_requirement(requirement=requirement, actor=person)
    with forbidden(requirement):
        change_requirement(requirement=requirement, actor=person, reason="x", limit=0.1)
    with forbidden(requirement):
        waive_requirement(requirement=requirement, actor=person, reason="x")
    if role not in ("contributor", "reviewer"):
        with forbidden(requirement):
            record_check(requirement=requirement, met=True, actor=person)
    if role != "contributor":
        with forbidden():
            define(project, actor=person)
    assert Requirement.objects.count() == 1
