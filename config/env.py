"""Turns the environment into settings, and refuses nonsense with the variable's name in the message.

Each variable `NAME` may also be given as `NAME_FILE`, the path of a file that holds the value, which is how
container platforms hand over secrets.
"""

import base64
import os
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured
from environ.fileaware_mapping import FileAwareMapping

SQLITE_PRAGMAS = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
SQLITE_BUSY_SECONDS = 20
SQLITE_KEEP_SECONDS = 60


class _Environment(FileAwareMapping):  # type: ignore[misc]  # django-environ ships no types
    """What files hold without the line's end that editors and `echo` leave there."""

    def __getitem__(self, key: str) -> str:
        return str(super().__getitem__(key)).rstrip("\r\n")


class Env(environ.Env):  # type: ignore[misc]  # likewise
    """The process's environment, with `NAME_FILE` in place of `NAME` understood everywhere."""

    ENVIRON = _Environment()


def home(env: Env, default: Path) -> Path:
    """The folder that holds all data of this installation, created with access for its owner only."""
    folder = Path(env.str("GATEBOOK_HOME", default=str(default))).expanduser().absolute()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def secret_key(env: Env, folder: Path) -> str:
    """The given secret key, or the one kept in `folder`, which the first start generates with mode 0600."""
    given = env.str("GATEBOOK_SECRET_KEY", default="")
    if given:
        return str(given)
    path = folder / "secret_key"
    if not path.exists():
        _write_once(path, secrets.token_urlsafe(64))
    return path.read_text(encoding="ascii").strip()


def secret_store_keys(env: Env, folder: Path) -> list[str]:
    """What seals secrets of other systems, newest first; the first start makes a key, mode 0600."""
    given: list[str] = env.list("GATEBOOK_SECRET_STORE_KEYS", default=[])
    if given:
        return given
    path = folder / "secret_store_keys"
    if not path.exists():
        _write_once(path, base64.urlsafe_b64encode(secrets.token_bytes(32)).decode())
    return path.read_text(encoding="ascii").split()


def _write_once(path: Path, text: str) -> None:
    """Write `path` whole or not at all; when two processes start at once, the first one's text stays."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def database(env: Env, folder: Path) -> dict[str, Any]:
    """Django's settings for the one database; SQLite in `folder` unless `DATABASE_URL` names another.

    Raises ImproperlyConfigured for an engine on which Gatebook's triggers and locks were never tried.
    """
    config: dict[str, Any] = env.db("DATABASE_URL", default=f"sqlite:///{folder / 'db.sqlite3'}")
    engine = str(config["ENGINE"]).rpartition(".")[2]
    options = config.setdefault("OPTIONS", {})
    if engine == "sqlite3":
        options.setdefault("transaction_mode", "IMMEDIATE")
        options.setdefault("timeout", SQLITE_BUSY_SECONDS)
        options.setdefault("init_command", SQLITE_PRAGMAS)
        # Kept between requests: the last to close a file in WAL mode locks it to tidy up, and that is every
        # request's fate when each opens and closes its own. Eight clients at once got a tenth of the answers.
        config.setdefault("CONN_MAX_AGE", SQLITE_KEEP_SECONDS)
    elif engine == "postgresql":
        _pool(env, config)
    else:
        raise ImproperlyConfigured(
            f"DATABASE_URL names {engine}; Gatebook runs on sqlite:// and postgres://."
        )
    return config


def _pool(env: Env, config: dict[str, Any]) -> None:
    """Give PostgreSQL a connection pool in each process: one a request costs ten times as much."""
    size = env.int("GATEBOOK_DATABASE_POOL", default=8)
    if size < 0:
        raise ImproperlyConfigured(f"GATEBOOK_DATABASE_POOL is {size}; give a number, or 0 for no pool.")
    if size:
        config["OPTIONS"]["pool"] = {"min_size": 1, "max_size": size, "timeout": 10}
    else:
        # For those who pool outside, as with pgbouncer: one connection a thread, kept and checked.
        config.update(CONN_MAX_AGE=60, CONN_HEALTH_CHECKS=True)


def broker(env: Env, folder: Path) -> tuple[str, dict[str, Any]]:
    """The broker's URL and its transport options; files below `folder` unless `CELERY_BROKER_URL` is set."""
    url = env.str("CELERY_BROKER_URL", default="filesystem://localhost")
    if url.startswith("filesystem:"):
        queue, control = folder / "broker" / "queue", folder / "broker" / "control"
        for path in (queue, control):
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        folders = {
            "data_folder_in": str(queue),
            "data_folder_out": str(queue),
            "control_folder": str(control),
        }
        return url, {**folders, "polling_interval": 0.2}
    if url.startswith(("redis:", "rediss:", "redis+socket:")):
        # Redis gives a task that is not yet acknowledged to a second worker after this time. A long training
        # must not meet that; the outbox, not the broker, is what finds a dead worker.
        return url, {"visibility_timeout": 24 * 60 * 60}
    return url, {}


def site(env: Env) -> SplitResult | None:
    """`GATEBOOK_URL` taken apart, or None when it is not set; the checks say what is wrong with it."""
    url = env.str("GATEBOOK_URL", default="").strip()
    return urlsplit(url) if url else None


def mail(env: Env, folder: Path) -> dict[str, Any]:
    """Django's settings for e-mail: `EMAIL_URL`, or files below `folder` where none is set.

    Raises ImproperlyConfigured for a scheme that names no way to send.
    """
    url = env.str("EMAIL_URL", default="").strip()
    config: dict[str, Any] = {"EMAIL_BACKEND": "django.core.mail.backends.filebased.EmailBackend"}
    if url:
        config = environ.Env.email_url_config(url)
    if config["EMAIL_BACKEND"].endswith("filebased.EmailBackend"):
        # The parser takes the host for a part of the path and knows no default.
        given = urlsplit(url).path if url else ""
        config["EMAIL_FILE_PATH"] = given if given.strip("/") else str(folder / "mail")
    known = ("BACKEND", "HOST", "PORT", "HOST_USER", "HOST_PASSWORD", "USE_TLS", "USE_SSL", "FILE_PATH")
    return {f"EMAIL_{name}": config[f"EMAIL_{name}"] for name in known if config.get(f"EMAIL_{name}")}
