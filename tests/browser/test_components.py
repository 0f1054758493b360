import pytest

from tests import make
from tests.browser.axe import violations

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def log_in(page, address="/design/"):
    person = make.user(name="Saskia de Boer")
    page.goto(address)
    page.get_by_label("Username").fill(person.username)
    page.get_by_label("Password").fill(make.PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(f"**{address}")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_every_component_is_accessible_and_fits_the_window(page, scheme, width):
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    log_in(page)

    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") == 0
    assert violations(page) == []


def test_a_chosen_theme_stays_without_inline_script(page):
    log_in(page)

    page.locator("summary.menu-open").click()
    page.get_by_role("button", name="Dark").click()
    page.reload()

    assert page.locator("html").get_attribute("data-theme") == "dark"
    page.locator("summary.menu-open").click()
    page.keyboard.press("Escape")
    assert not page.get_by_role("button", name="Dark").is_visible()


def test_the_project_s_own_fonts_are_used(page):
    log_in(page)

    assert page.evaluate("document.fonts.ready.then(() => document.fonts.check('600 16px Manrope'))")
    assert page.evaluate("[...document.fonts].filter(face => face.status === 'error').length") == 0
