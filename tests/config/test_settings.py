"""Settings are read by a process at its start, so each of these starts one."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.patience import PATIENCE

ROOT = Path(__file__).resolve().parents[2]
SHOW = """
import json, sys
from config import settings
print(json.dumps({name: getattr(settings, name) for name in sys.argv[1:]}, default=str))
"""


def start(home, *arguments, **environment):
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "LANG", "TMPDIR"}}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**kept, "GATEBOOK_HOME": str(home), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )


def settings_of(home, *names, **environment):
    done = start(home, "-c", SHOW, *names, **environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_first_start_makes_a_secret_key_that_only_the_owner_can_read(tmp_path):
    home = tmp_path / "home"

    first = settings_of(home, "SECRET_KEY")
    second = settings_of(home, "SECRET_KEY")

    assert first == second
    assert len(first["SECRET_KEY"]) > 80
    assert stat.S_IMODE((home / "secret_key").stat().st_mode) == 0o600
    assert stat.S_IMODE(home.stat().st_mode) == 0o700


def test_processes_that_start_at_once_agree_on_one_secret_key(tmp_path):
    code = (
        "from pathlib import Path; import sys; from config import env\n"
        "print(env.secret_key(env.Env(), Path(sys.argv[1])))"
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path)],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"]},
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]

    keys = {process.communicate(timeout=PATIENCE)[0].strip() for process in started}

    assert len(keys) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["secret_key"]


def test_a_given_key_is_used_and_none_is_written(tmp_path):
    assert settings_of(tmp_path, "SECRET_KEY", GATEBOOK_SECRET_KEY="k" * 60) == {"SECRET_KEY": "k" * 60}
    assert not (tmp_path / "secret_key").exists()


def test_each_setting_may_lie_in_a_file(tmp_path):
    key, url = tmp_path / "key", tmp_path / "url"
    key.write_text("f" * 60 + "\n")
    url.write_text("postgres://gate:book@db.example:5433/gatebook")

    found = settings_of(
        tmp_path / "home",
        "SECRET_KEY",
        "DATABASES",
        GATEBOOK_SECRET_KEY_FILE=str(key),
        DATABASE_URL_FILE=str(url),
    )

    database = found["DATABASES"]["default"]
    assert found["SECRET_KEY"] == "f" * 60
    assert (database["HOST"], database["PORT"], database["PASSWORD"]) == ("db.example", 5433, "book")


def test_a_key_file_that_is_not_there_is_named(tmp_path):
    done = start(tmp_path, "-c", SHOW, "SECRET_KEY", GATEBOOK_SECRET_KEY_FILE="/nowhere/key")

    assert done.returncode != 0
    assert "/nowhere/key" in done.stderr


def test_production_is_the_default_and_needs_no_other_service(tmp_path):
    found = settings_of(tmp_path, "DEBUG", "DATABASES", "CELERY_BROKER_URL", "SESSION_COOKIE_SECURE")

    assert found["DEBUG"] is False
    assert found["DATABASES"]["default"]["NAME"] == str(tmp_path / "db.sqlite3")
    assert found["DATABASES"]["default"]["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    assert found["CELERY_BROKER_URL"] == "filesystem://localhost"


def test_postgresql_gets_a_pool_or_lasting_connections(tmp_path):
    url = {"DATABASE_URL": "postgres://u:p@h/d"}

    pooled = settings_of(tmp_path, "DATABASES", **url)["DATABASES"]["default"]
    lasting = settings_of(tmp_path, "DATABASES", GATEBOOK_DATABASE_POOL="0", **url)["DATABASES"]["default"]

    assert pooled["OPTIONS"]["pool"]["max_size"] == 8
    assert "pool" not in lasting["OPTIONS"]
    assert lasting["CONN_MAX_AGE"] == 60


@pytest.mark.parametrize(
    ("name", "value"),
    [("DATABASE_URL", "mysql://u:p@h/d"), ("GATEBOOK_DATABASE_POOL", "-1")],
)
def test_nonsense_is_refused_by_name(tmp_path, name, value):
    environment = {"DATABASE_URL": "postgres://u:p@h/d", name: value}

    done = start(tmp_path, "-c", SHOW, "DATABASES", **environment)

    assert done.returncode != 0
    assert name in done.stderr.splitlines()[-1]


def test_one_address_sets_hosts_origins_and_cookies(tmp_path):
    found = settings_of(
        tmp_path,
        "ALLOWED_HOSTS",
        "CSRF_TRUSTED_ORIGINS",
        "SESSION_COOKIE_SECURE",
        "SECURE_SSL_REDIRECT",
        GATEBOOK_URL="https://gatebook.example:8443/",
    )

    assert found == {
        "ALLOWED_HOSTS": ["localhost", "127.0.0.1", "[::1]", "gatebook.example"],
        "CSRF_TRUSTED_ORIGINS": ["https://gatebook.example:8443"],
        "SESSION_COOKIE_SECURE": True,
        "SECURE_SSL_REDIRECT": True,
    }


@pytest.mark.slow
@pytest.mark.parametrize("url", ["", "https://gatebook.example"])
def test_deployment_checks_are_clean(tmp_path, url):
    done = start(tmp_path, "manage.py", "check", "--deploy", "--fail-level", "WARNING", GATEBOOK_URL=url)

    assert done.returncode == 0, done.stderr
