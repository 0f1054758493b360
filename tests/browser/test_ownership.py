import pytest

from lifecycle.models import Task
from tests import make

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def log_in(page, person):
    page.goto("/login")
    page.get_by_label("Username").fill(person.username)
    page.get_by_label("Password").fill(make.PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_load_state()


def test_a_manager_assigns_ticked_tasks_and_a_role_on_the_matrix(page):
    manager = make.user(name="Marta Ibsen", org_role="administrator")
    trip = make.iteration(make.small_project(manager))
    noor = make.member(trip.project, user=make.user(name="Noor Haddad"))
    log_in(page, manager)

    page.goto(f"/projects/{trip.project.slug}/ownership/")
    for key in ("1.1", "2.1"):
        page.get_by_label(f"Choose {key} Task {key}").check()
    page.get_by_label("Does it").select_option("Noor Haddad")
    page.get_by_role("button", name="Assign them").click()
    page.get_by_label("All open tasks of the role").select_option("PO Owner")
    page.get_by_label("go to").select_option("Noor Haddad")
    page.get_by_role("button", name="Assign the role").click()
    page.get_by_role("link", name="History").click()

    assert page.get_by_text("does it").count() == 3
    assert Task.objects.filter(owner=noor).count() == 3
