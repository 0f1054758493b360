import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now

from lifecycle.models import ApiToken, Membership, Project
from lifecycle.prepared import Prepared
from lifecycle.queries.projects import projects_visible_to, visible_project
from lifecycle.rules import role_in
from lifecycle.services.tokens import authenticate_token, issue_token
from tests import make

pytestmark = pytest.mark.django_db


def test_a_prepared_query_finds_what_the_ordinary_one_does():
    prepared = Prepared(lambda pk: Project.objects.select_related("process_version").filter(pk=pk), int)
    for project in (make.small_project(), make.small_project()):
        [found] = prepared.all(project.pk)
        with CaptureQueriesContext(connection) as asked:
            assert found.process_version.document == project.process_version.document
        assert not asked.captured_queries
        assert {each.attname: getattr(found, each.attname) for each in Project._meta.concrete_fields} == {
            each.attname: getattr(project, each.attname) for each in Project._meta.concrete_fields
        }


def test_values_are_compared_and_never_part_of_the_sql():
    prepared = Prepared(lambda slug: Project.objects.filter(slug=slug), str)
    project = make.small_project()
    assert prepared.first(project.slug) == project
    for hostile in ("' OR 1=1 --", "%s", "%", "a\\'b", ""):
        assert prepared.first(hostile) is None


def test_nobody_is_no_value_that_fits():
    prepared = Prepared(lambda user: Membership.objects.filter(user=user), int)
    make.member(make.small_project())
    assert prepared.first(None) is None


@pytest.mark.parametrize("org_role", ["member", "administrator", "auditor"])
def test_one_project_is_seen_by_whom_the_list_shows_it(org_role):
    mine, left, other = make.small_project(), make.small_project(), make.small_project()
    person = make.user(org_role=org_role)
    make.member(mine, user=person)
    make.member(left, user=person, left_at=now())
    for project in (mine, left, other):
        listed = projects_visible_to(person).filter(pk=project.pk).exists()
        assert (visible_project(person, project.slug) is not None) == listed
    assert visible_project(person, "no-such-project") is None


def test_who_leaves_has_no_role_from_the_next_call_on():
    project = make.small_project()
    person = make.member(project, role="reviewer")
    assert role_in(person, project) == "reviewer"
    Membership.objects.filter(user=person).update(left_at=now())
    assert role_in(person, project) is None


def test_a_revoked_token_lets_nobody_in_from_the_next_call_on():
    person = make.member(make.small_project())
    token, text = issue_token(user=person, name="CI", scope="read", days=9, actor=person)
    found = authenticate_token(text=text)
    assert found == token
    assert found.user == person
    ApiToken.objects.update(revoked_at=now())
    assert authenticate_token(text=text) is None


def test_a_value_that_has_no_place_in_the_sql_is_refused():
    with pytest.raises(ValueError, match="has no place"):
        Prepared(lambda _pk: Project.objects.order_by(), int).all(1)
