"""The migrated database that every process of a run copies, instead of migrating one of its own.

Migrating from nothing is the dearest set-up of the suite. It is done once, by a process of its own, while the
others collect their tests; on SQLite the file is kept in pytest's cache until a migration changes.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

from tests.patience import PATIENCE, wait_until

ROOT = Path(__file__).resolve().parents[1]
PLACE = "GATEBOOK_TEST_MIGRATED"
"""The variable that names the file which is there as soon as the database is."""
# What decides on the tables: migrations, what they import, the triggers that stand after them, Django itself.
DECIDES = ("*/migrations/*.py", "ledger/*.py", "ledger/models/*.py", "*/models/*.py", "requirements.lock")


def begin(folder: Path, url: str) -> subprocess.Popen[bytes] | None:
    """Have the database made: at a PostgreSQL URL, or as a file of this folder; None if it is there."""
    place = folder / f"{_digest()}.{'postgres' if url else 'sqlite3'}"
    os.environ[PLACE] = str(place)
    if place.exists():
        return None
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        if not old.name.startswith(place.name):
            _remove(old)
    return subprocess.Popen([sys.executable, "-m", "tests.migrated", str(place), url], cwd=ROOT)


def _remove(old: Path) -> None:
    """A file, or the home that a run which was broken off has left."""
    if old.is_dir():
        shutil.rmtree(old, ignore_errors=True)
    else:
        old.unlink(missing_ok=True)


def copy_sqlite(target: Path) -> None:
    """Put a migrated database there."""
    shutil.copyfile(_made(), target)


def copy_postgres(name: str) -> None:
    """Make a migrated database of this name beside the one that DATABASE_URL names."""
    import psycopg

    template = _made().read_text(encoding="utf-8")
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')


def drop_postgres(name: str) -> None:
    """Take a database away, whoever a thread or a killed process has left connected to it."""
    import psycopg

    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def forget() -> None:
    """Take the database away from a server that outlives the run."""
    place = Path(os.environ.pop(PLACE, ""))
    if place.suffix == ".postgres" and place.exists():
        drop_postgres(place.read_text(encoding="utf-8"))


def _made() -> Path:
    place = Path(os.environ[PLACE])
    failed = _failed(place)
    wait_until(lambda: place.exists() or failed.exists(), 4 * PATIENCE)
    assert place.exists(), failed.read_text(encoding="utf-8")
    return place


def _failed(place: Path) -> Path:
    return place.with_suffix(".failed")


def _digest() -> str:
    found = hashlib.sha256()
    for path in sorted({path for pattern in DECIDES for path in ROOT.glob(pattern)}):
        found.update(f"{path.relative_to(ROOT)}\n".encode())
        found.update(path.read_bytes())
    return found.hexdigest()[:16]


def _make(place: Path, url: str) -> None:
    """Migrate from nothing as `manage.py migrate` does, then say that it is there."""
    draft = place.with_name(f"{place.name}.{os.getpid()}")
    name = f"gatebook_migrated_{os.getpid()}"
    home = draft.with_suffix(".home")
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "config.settings_test",
        "GATEBOOK_HOME": str(home),
        "GATEBOOK_DATABASE_POOL": "0",
        "DATABASE_URL": _new_postgres(url, name) if url else f"sqlite:///{draft}",
    }
    command = [sys.executable, "manage.py", "migrate", "--verbosity", "0", "--no-input"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    shutil.rmtree(home, ignore_errors=True)
    if done.returncode:
        _failed(place).write_text(done.stdout + done.stderr, encoding="utf-8")
        return
    if url:
        draft.write_text(name, encoding="utf-8")
    draft.replace(place)


def _new_postgres(url: str, name: str) -> str:
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    given = urlsplit(url)
    # By hand: `_replace` would drop the two slashes of an address without a host, which is then in the query.
    return f"{given.scheme}://{given.netloc}/{name}" + (f"?{given.query}" if given.query else "")


if __name__ == "__main__":
    _make(Path(sys.argv[1]), sys.argv[2])
