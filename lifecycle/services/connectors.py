"""Connectors: added, changed, tried out. Secrets go in sealed and never come out again."""

from typing import Any

from django.db import transaction
from django.utils.timezone import now
from django.utils.translation import gettext as _

from ledger.actors import Actor
from lifecycle import rules
from lifecycle.actions import LifecycleAction
from lifecycle.connectors.mlflow import Access, Tracker
from lifecycle.connectors.shapes import TrackerError
from lifecycle.errors import Invalid, Refused
from lifecycle.models import Connector, User
from lifecycle.outbound import Limits, OutboundError, ensure_web_address
from lifecycle.sealing import SealBroken, is_sealed_anew, seal, unseal
from lifecycle.services.steps import allow, change, locked, record
from lifecycle.services.texts import line

LEAST_MINUTES, MOST_MINUTES = 1, 7 * 24 * 60
LEAST_WEBHOOK_SECRET = 16
_TRY = Limits(seconds=15, size=8_000_000, redirects=0)
_TOLD = ("name", "url", "auth", "username", "enabled", "every_minutes", "full_every_minutes")


@transaction.atomic
def add_connector(
    *, key: str, name: str, url: str, actor: User, auth: str = "none", username: str = "", secret: str = "",
    webhook_secret: str = "", every_minutes: int = 5, full_every_minutes: int = 60,
) -> Connector:  # fmt: skip
    """Add a tracker. Its first sync is due at once. Raises `Invalid` with the field that is wrong."""
    allow(rules.can_manage_connectors(actor), _("Only administrators manage connectors."))
    connector = Connector(key=line(key, "key", most=40), created_by=actor, created_at=now())
    if Connector.objects.filter(key=connector.key).exists():
        raise Invalid("key_taken", _("There is a connector with this key."), "key")
    _fill(connector, name, url, auth, username, every_minutes, full_every_minutes)
    connector.next_sync_at = now()
    connector.save()
    _keep_secrets(connector, secret, webhook_secret)

    connector.save()
    record(
        LifecycleAction.CONNECTOR_ADDED, connector, actor=actor, key=connector.key, kind=connector.kind,
        secret=bool(secret), webhooks=bool(webhook_secret), **_said(connector),
    )  # fmt: skip
    return connector


@transaction.atomic
def change_connector(
    *, connector: Connector, name: str, url: str, auth: str, actor: Actor, username: str = "",
    secret: str = "", webhook_secret: str = "", forget_webhooks: bool = False, enabled: bool = True,
    every_minutes: int = 5, full_every_minutes: int = 60,
) -> Connector:  # fmt: skip
    """Change a tracker. An empty secret keeps the one that is there; another address needs it anew."""
    allow(rules.can_manage_connectors(actor), _("Only administrators manage connectors."))
    connector = locked(connector)
    before, address = _said(connector), connector.url
    _fill(connector, name, url, auth, username, every_minutes, full_every_minutes)
    if connector.url != address and connector.sealed_secret and not secret and auth != Connector.Auth.NONE:
        # Else whoever may change the address could have the secret sent to a host of theirs.
        raise Invalid("secret_again", _("Give the secret again: the address is another one."), "secret")
    connector.enabled = enabled
    connector.next_sync_at = now() if enabled else None
    if forget_webhooks:
        connector.sealed_webhook_secret, connector.webhooks_since = "", None
    _keep_secrets(connector, secret, webhook_secret)

    connector.save()
    record(
        LifecycleAction.CONNECTOR_CHANGED, connector, actor=actor, key=connector.key,
        secret_changed=bool(secret), webhook_secret_changed=bool(webhook_secret),
        **change(before, _said(connector)),
    )  # fmt: skip
    return connector


@transaction.atomic
def reseal_secrets(*, actor: Actor) -> int:
    """Seal every secret under the newest key; returns how many were under an older one.

    Raises `Refused("seal_broken")` if one cannot be opened; nothing is changed then.
    """
    allow(rules.can_manage_connectors(actor), _("Only administrators manage connectors."))
    changed = 0
    for connector in Connector.objects.select_for_update(of=("self",), no_key=True).order_by("pk"):
        for field in ("sealed_secret", "sealed_webhook_secret"):
            sealed = getattr(connector, field)
            if sealed and not is_sealed_anew(sealed):
                setattr(connector, field, seal(_opened(connector, field), _purpose(connector, field)))
                changed += 1
        connector.save(update_fields=["sealed_secret", "sealed_webhook_secret"])
    if changed:
        first = Connector.objects.order_by("pk").first()
        assert first is not None
        record(LifecycleAction.CONNECTOR_SECRETS_RESEALED, first, actor=actor, count=changed)
    return changed


def access_to(connector: Connector) -> Access:
    """Where the tracker is and how to get in. Raises `Refused("seal_broken")`."""
    secret = _opened(connector, "sealed_secret") if connector.auth != Connector.Auth.NONE else ""
    return Access(connector.url, connector.auth, connector.username, secret)


def webhook_secret_of(connector: Connector) -> str:
    """What signs the webhooks; empty if none are taken. Raises `Refused("seal_broken")`."""
    return _opened(connector, "sealed_webhook_secret")


def try_connection(connector: Connector, actor: Actor) -> tuple[bool, str]:
    """Ask the tracker for its experiments: whether it answers, and a sentence. Writes nothing."""
    allow(rules.can_sync(actor), _("Only managers and administrators try a connector."))
    try:
        with Tracker(access_to(connector), limits=_TRY, waits=()) as tracker:
            count = tracker.check()
    except (OutboundError, TrackerError, Refused) as error:
        return False, str(error)
    return True, _("The tracker answers; it has %(count)d experiments.") % {"count": count}


def _fill(
    connector: Connector, name: str, url: str, auth: str, username: str, every: int, full_every: int
) -> None:
    connector.name = line(name, "name", most=120)
    connector.url = line(url, "url", most=500).rstrip("/")
    try:
        ensure_web_address(connector.url)
    except OutboundError as error:
        raise Invalid("bad_address", str(error), "url") from error
    if any(sign in connector.url for sign in "?#"):
        raise Invalid("bad_address", _("The address ends before ? and #."), "url")
    if auth not in Connector.Auth.values:
        raise Invalid("unknown_auth", _("There is no such way to log in."), "auth")
    connector.auth = auth
    connector.username = line(username, "username", most=200, needed=auth == Connector.Auth.BASIC)
    if ":" in connector.username:
        raise Invalid("bad_username", _("A user name has no colon."), "username")
    for where, minutes in (("every_minutes", every), ("full_every_minutes", full_every)):
        if not LEAST_MINUTES <= minutes <= MOST_MINUTES:
            raise Invalid("out_of_range", _("From 1 minute to 7 days (10080)."), where)
    connector.every_minutes, connector.full_every_minutes = every, full_every


def _keep_secrets(connector: Connector, secret: str, webhook_secret: str) -> None:
    if connector.auth == Connector.Auth.NONE:
        connector.sealed_secret = ""
    elif secret:
        connector.sealed_secret = seal(_printable(secret, "secret"), _purpose(connector, "sealed_secret"))
    elif not connector.sealed_secret:
        raise Invalid("missing", _("Give the token or password."), "secret")
    if webhook_secret:
        if len(_printable(webhook_secret, "webhook_secret")) < LEAST_WEBHOOK_SECRET:
            text = _("At least %(least)d characters are needed here.") % {"least": LEAST_WEBHOOK_SECRET}
            raise Invalid("too_short", text, "webhook_secret")
        connector.sealed_webhook_secret = seal(webhook_secret, _purpose(connector, "sealed_webhook_secret"))
        connector.webhooks_since = now()


def _printable(secret: str, where: str) -> str:
    if len(secret) > 4000 or not secret.isascii() or not secret.isprintable():
        raise Invalid("bad_secret", _("A secret has at most 4000 printable ASCII characters."), where)
    return secret


def _opened(connector: Connector, field: str) -> str:
    sealed = getattr(connector, field)
    if not sealed:
        return ""
    try:
        return unseal(sealed, _purpose(connector, field))
    except SealBroken as error:
        text = _("The secret cannot be opened with the keys of this installation; give it again.")
        raise Refused("seal_broken", text) from error


def _purpose(connector: Connector, field: str) -> str:
    return f"connector:{connector.pk}:{field}"


def _said(connector: Connector) -> dict[str, Any]:
    return {name: getattr(connector, name) for name in _TOLD}
