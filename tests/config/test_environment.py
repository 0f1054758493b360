import pytest
from django.conf import settings
from django.db import connection

pytestmark = pytest.mark.django_db


def test_suite_runs_on_the_database_that_was_asked_for(request):
    vendor = {"sqlite": "sqlite", "postgres": "postgresql"}[request.config.getoption("database")]

    assert connection.vendor == vendor


def test_sqlite_is_durable_and_lets_readers_read():
    if connection.vendor != "sqlite":
        pytest.skip("asks SQLite for its pragmas")
    with connection.cursor() as cursor:
        pragmas = {
            name: cursor.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ["journal_mode", "synchronous", "foreign_keys", "busy_timeout"]
        }

    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 20_000}
    assert settings.DATABASES["default"]["OPTIONS"]["transaction_mode"] == "IMMEDIATE"


def test_each_process_has_a_home_of_its_own():
    assert "gatebook-test-" in str(settings.GATEBOOK_HOME)
