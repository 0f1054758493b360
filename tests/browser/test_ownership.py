import pytest
from axe_playwright_python.sync_playwright import Axe

from lifecycle.models import Task
from tests import make

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def log_in(page, person):
    page.goto("/login")
    page.get_by_label("Username").fill(person.username)
    page.get_by_label("Password").fill(make.PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_load_state()


def violations(page):
    return [
        (found["id"], [node["html"][:120] for node in found["nodes"]])
        for found in Axe().run(page).response["violations"]
    ]


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


@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 390)])
def test_pages_of_people_and_ownership_are_accessible_and_fit_the_window(page, scheme, width):
    manager = make.user(name="Marta Ibsen", org_role="administrator")
    trip = make.iteration(make.small_project(manager))
    noor = make.member(trip.project, "contributor", "DS", user=make.user("noor", name="Noor Haddad"))
    task = make.task(make.phase(trip), owner=noor)
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    log_in(page, manager)
    page.goto(f"/tasks/{task.pk}/")
    page.get_by_role("textbox", name="Comment").fill("Please look, @noor: https://example.org/x")
    page.get_by_role("button", name="Comment", exact=True).click()
    page.get_by_text("Please look").wait_for()

    slug = trip.project.slug
    for address in (
        f"/tasks/{task.pk}/", f"/projects/{slug}/ownership/", f"/projects/{slug}/ownership/history/",
        "/people/", f"/people/{noor.pk}/", "/profile/", "/profile/tokens/", "/absences/",
    ):  # fmt: skip
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, address
        assert violations(page) == [], address
