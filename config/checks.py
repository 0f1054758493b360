"""System checks: settings that contradict each other, each with an id and with what to do about it."""

import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

from lifecycle.artifacts.signatures import trusted_keys
from lifecycle.outbound import AllowList
from lifecycle.sealing import read_keys
from reports.services.anchors import Anchor

MIN_KEY_LENGTH = 50


@register(Tags.security)
def check_address(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """`GATEBOOK_URL` is an origin, and a plain-HTTP one only on this machine."""
    if not settings.GATEBOOK_URL:
        return []
    site = urlsplit(settings.GATEBOOK_URL)
    if site.scheme not in {"http", "https"} or not site.hostname:
        return [
            Error(
                f"GATEBOOK_URL is {settings.GATEBOOK_URL!r}, which is no web address.",
                hint="Write the scheme and the host, for example https://gatebook.example.",
                id="gatebook.E001",
            )
        ]
    if site.path or site.query or site.fragment or site.username:
        return [
            Error(
                f"GATEBOOK_URL is {settings.GATEBOOK_URL!r}; it may hold a scheme, a host and a port only.",
                hint="Give Gatebook a host name of its own: it does not run below a path of another site.",
                id="gatebook.E002",
            )
        ]
    if (
        site.scheme == "http"
        and f"[{site.hostname}]" not in settings.LOOPBACK_HOSTS
        and (site.hostname not in settings.LOOPBACK_HOSTS)
    ):
        return [
            Warning(
                "GATEBOOK_URL is a plain-HTTP address of another machine: passwords travel in the clear.",
                hint="Put a proxy with TLS in front and give its https:// address.",
                id="gatebook.W001",
            )
        ]
    return []


@register()
def check_anchors(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Every place for checkpoints is one that Gatebook can lay them down in."""
    found: list[CheckMessage] = []
    for target in settings.GATEBOOK_LEDGER_ANCHORS:
        try:
            Anchor.parse(target)
        except ValueError as error:
            hint = "docs/settings.md shows each form of GATEBOOK_LEDGER_ANCHORS."
            found.append(Error(str(error), hint=hint, id="gatebook.E030"))
    return found


@register(Tags.security)
def check_secret_key(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """A given secret key is long enough to sign sessions with."""
    if len(settings.SECRET_KEY) >= MIN_KEY_LENGTH:
        return []
    return [
        Error(
            f"The secret key has {len(settings.SECRET_KEY)} characters; it needs at least {MIN_KEY_LENGTH}.",
            hint="Leave GATEBOOK_SECRET_KEY unset, and the first start generates one under GATEBOOK_HOME.",
            id="gatebook.E003",
        )
    ]


@register(Tags.security)
def check_debug(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Debug pages, which show settings and records, never stand under a public address."""
    if settings.DEBUG and urlsplit(settings.GATEBOOK_URL).scheme == "https":
        return [
            Error(
                "GATEBOOK_DEBUG is on while GATEBOOK_URL is an https:// address.",
                hint="Unset GATEBOOK_DEBUG where others can reach the site.",
                id="gatebook.E004",
            )
        ]
    return []


@register(Tags.security)
def check_one_machine(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """A network broker beside SQLite hints at several machines, which one file cannot serve."""
    return one_machine(settings.DATABASES["default"]["ENGINE"], settings.CELERY_BROKER_URL)


def one_machine(engine: str, broker_url: str) -> list[CheckMessage]:
    """Judges a database engine and a broker's URL together."""
    host = urlsplit(broker_url).hostname
    here = host is None or host in settings.LOOPBACK_HOSTS or f"[{host}]" in settings.LOOPBACK_HOSTS
    if here or not engine.endswith("sqlite3"):
        return []
    return [
        Warning(
            "CELERY_BROKER_URL names another machine while the database is a file of this one.",
            hint="Set DATABASE_URL to a PostgreSQL that every worker reaches, or leave both unset.",
            id="gatebook.W002",
        )
    ]


@register()
def check_choices(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Settings with a fixed list of values have one of them."""
    if settings.LOG_FORMAT in {"text", "json"}:
        return []
    return [
        Error(
            f"GATEBOOK_LOG_FORMAT is {settings.LOG_FORMAT!r}.",
            hint="Give text or json.",
            id="gatebook.E005",
        )
    ]


@register(Tags.security)
def check_outbound(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """What other systems may be reached is said in words that mean something, and is not everything."""
    try:
        allowed = AllowList.parse(settings.GATEBOOK_OUTBOUND_ALLOW)
    except ValueError as error:
        return [
            Error(
                f"GATEBOOK_OUTBOUND_ALLOW has {str(error)!r}, which is no range, address or host name.",
                hint="Give words such as 10.1.0.0/16, mlflow.lan or .lan, with commas between.",
                id="gatebook.E020",
            )
        ]
    found: list[CheckMessage] = []
    if any(network.prefixlen == 0 for network in allowed.networks):
        found.append(
            Warning(
                "GATEBOOK_OUTBOUND_ALLOW opens every address, those of cloud credentials among them.",
                hint="Name the ranges and hosts of your trackers only.",
                id="gatebook.W020",
            )
        )
    return found + _authorities()


@register(Tags.security)
def check_secret_store(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """The keys that seal secrets of other systems are keys, and there is one."""
    try:
        if read_keys(settings.GATEBOOK_SECRET_STORE_KEYS):
            return []
        wrong = "no key"
    except ValueError as error:
        wrong = f"as {error} something that is not 32 bytes in base64url"
    return [
        Error(
            f"GATEBOOK_SECRET_STORE_KEYS has {wrong}.",
            hint="Leave it unset, and the first start makes a key; `manage secrets new-key` prints one.",
            id="gatebook.E022",
        )
    ]


def _authorities() -> list[CheckMessage]:
    if not settings.GATEBOOK_OUTBOUND_CA:
        return []
    try:
        ssl.create_default_context(cadata=settings.GATEBOOK_OUTBOUND_CA)
    except (ssl.SSLError, ValueError) as error:
        return [
            Error(
                f"GATEBOOK_OUTBOUND_CA holds no certificates: {error}.",
                hint="Give them as PEM, best in a file that GATEBOOK_OUTBOUND_CA_FILE names.",
                id="gatebook.E021",
            )
        ]
    return []


@register(Tags.security)
def check_github(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """GitHub's rule is set up wholly or not at all, and its environments are named as they should be."""
    found: list[CheckMessage] = []
    parts = ("GATEBOOK_GITHUB_APP", "GATEBOOK_GITHUB_KEY", "GATEBOOK_GITHUB_SECRET")
    missing = [name for name in parts if not getattr(settings, name)]
    if missing and len(missing) < len(parts):
        text = f"GitHub's protection rule lacks {', '.join(missing)}, so no question of GitHub is taken."
        hint = "Give the app's id, its private key and its webhook secret, or none of them."
        found.append(Error(text, hint=hint, id="gatebook.E040"))
    named = settings.GATEBOOK_GITHUB_ENVIRONMENTS
    inside = named.values() if isinstance(named, dict) else [None]
    if not all(
        isinstance(each, dict) and all(isinstance(at, str) for at in each.values()) for each in inside
    ):
        text = "GATEBOOK_GITHUB_ENVIRONMENTS does not say which environment is which."
        hint = 'Write JSON such as {"owner/name": {"prod-us": "production"}}.'
        found.append(Error(text, hint=hint, id="gatebook.E041"))
    return found


@register(Tags.security)
def check_model_keys(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Every file among the keys for models' signatures is a public key."""
    if not settings.GATEBOOK_MODEL_KEYS:
        return []
    try:
        trusted_keys(Path(settings.GATEBOOK_MODEL_KEYS))
    except (OSError, ValueError) as error:
        hint = "GATEBOOK_MODEL_KEYS is a folder of *.pem or *.pub with public keys on P-256, P-384 or P-521."
        text = f"The keys for signatures of models can not be read: {error}"
        return [Error(text, hint=hint, id="gatebook.E030")]
    return []
