"""Webhooks of MLflow: who sent it, when, and that once. What it announces is then fetched, not believed.

MLflow signs `delivery id.timestamp.body` with HMAC-SHA256 under the secret as it was typed (not decoded), and
writes `v1,` and base64. It tries again with the same id, and forgets what it could not deliver.
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from django.db import transaction
from django.utils.timezone import now
from django.utils.translation import gettext as _

from lifecycle.errors import Invalid, Refused
from lifecycle.models import Connector, Delivery, Gap, Sync
from lifecycle.services.connector_syncs import MACHINE, ask_for_sync
from lifecycle.services.connectors import webhook_secret_of
from lifecycle.services.steps import locked

TOLERANCE = timedelta(minutes=5)
LONGEST = 10_000_000
KEPT = timedelta(days=30)
_VERSION = "v1"
_SUBJECTS = {
    "registered_model.created": "{name}",
    "model_version.created": "{name}/{version}",
    "model_version_tag.set": "{name}/{version}#{key}",
    "model_version_tag.deleted": "{name}/{version}#{key}",
    "model_version_alias.created": "{name}@{alias}={version}",
    "model_version_alias.deleted": "{name}@{alias}",
}


class Unproven(Exception):
    """A webhook that does not show who sent it and when; `code` says what is wrong, without the secret."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


@dataclass(frozen=True)
class Sent:
    """A webhook as it came."""

    delivery_id: str
    timestamp: str
    signatures: str
    body: bytes


Taken = Literal["taken", "seen_before"]


def open_to_webhooks(key: str) -> Connector | None:
    """The connector of this key if it takes webhooks: it is switched on and has a secret. 1 query."""
    found = Connector.objects.filter(key=key, enabled=True).exclude(sealed_webhook_secret="")
    return found.first()


def take_webhook(*, connector: Connector, sent: Sent, moment: datetime | None = None) -> Taken:
    """Take a webhook once: note it, and have its tracker looked at.

    Raises `Unproven` (`no_signature`, `bad_signature`, `bad_timestamp`, `too_old`), `Invalid` for a body that
    is no event, `Refused("other_body")` for an id that came with another body.
    """
    moment = moment or now()
    sent_at = _proven(connector, sent, moment)
    event, subject = _event(sent.body)
    return _note(connector, sent, event, subject, sent_at, moment)


@transaction.atomic
def _note(
    connector: Connector, sent: Sent, event: str, subject: str, sent_at: datetime, moment: datetime
) -> Taken:
    connector = locked(connector)
    digest = hashlib.sha256(sent.body).hexdigest()
    known = Delivery.objects.filter(connector=connector, delivery_id=sent.delivery_id).first()
    if known is not None:
        if known.digest != digest:
            raise Refused("other_body", _("This delivery came before with another body."))
        return "seen_before"

    Delivery.objects.create(
        connector=connector, delivery_id=sent.delivery_id, digest=digest, event=event, subject=subject,
        sent_at=sent_at, received_at=moment,
    )  # fmt: skip
    Gap.objects.filter(connector=connector, event=event, subject=subject, announced_at__isnull=True).update(
        announced_at=moment
    )
    Delivery.objects.filter(connector=connector, received_at__lt=moment - KEPT).delete()
    ask_for_sync(connector=connector, reason=Sync.Reason.WEBHOOK, full=False, actor=MACHINE)
    return "taken"


def _proven(connector: Connector, sent: Sent, moment: datetime) -> datetime:
    """When it was sent, if the signature is right; compared in constant time, before anything is parsed."""
    if not sent.delivery_id or not sent.timestamp or not sent.signatures:
        raise Unproven("no_signature", _("Delivery id, timestamp or signature is missing."))
    if len(sent.delivery_id) > 100 or not sent.delivery_id.isprintable() or not sent.timestamp.isascii():
        raise Unproven("no_signature", _("Delivery id, timestamp or signature is missing."))
    signed = f"{sent.delivery_id}.{sent.timestamp}.".encode() + sent.body
    wanted = hmac.new(webhook_secret_of(connector).encode(), signed, hashlib.sha256).digest()
    if not any(hmac.compare_digest(wanted, each) for each in _signatures(sent.signatures.split())):
        raise Unproven("bad_signature", _("The signature is not right."))
    if not sent.timestamp.isdigit() or len(sent.timestamp) > 12:
        raise Unproven("bad_timestamp", _("The timestamp is no number of seconds."))
    sent_at = datetime.fromtimestamp(int(sent.timestamp), tz=UTC)
    if abs(moment - sent_at) > TOLERANCE:
        text = _(
            "It was sent at %(time)s, more than 5 minutes from the time here: it is old, or a clock is wrong."
        )
        raise Unproven("too_old", text % {"time": sent_at.isoformat()})
    return sent_at


def _signatures(words: Sequence[str]) -> list[bytes]:
    found = []
    for word in words[:10]:
        version, _comma, text = word.partition(",")
        if version != _VERSION:
            continue
        try:
            found.append(base64.b64decode(text, validate=True))
        except (binascii.Error, ValueError):
            continue
    return found


def _event(body: bytes) -> tuple[str, str]:
    """What is announced and of what, as polling names it; events that are not followed have no subject."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Invalid("not_json", _("The body is no JSON."), "") from error
    if not isinstance(data, dict):
        raise Invalid("not_an_event", _("The body is no object."), "")
    for name in ("entity", "action"):
        if (
            not isinstance(data.get(name), str)
            or not 0 < len(data[name]) <= 40
            or not data[name].isprintable()
        ):
            raise Invalid("not_an_event", _("This is no event of MLflow."), f"/{name}")
    event = f"{data['entity']}.{data['action']}"
    form = _SUBJECTS.get(event)
    return event, _subject(form, data.get("data")) if form else ""


def _subject(form: str, said: Any) -> str:
    if not isinstance(said, dict):
        raise Invalid("not_an_event", _("This is no event of MLflow."), "/data")
    words = {}
    for name in ("name", "version", "key", "alias"):
        value = said.get(name, "")
        if f"{{{name}}}" in form and (
            not isinstance(value, str | int) or isinstance(value, bool) or value == ""
        ):
            raise Invalid("not_an_event", _("This is no event of MLflow."), f"/data/{name}")
        words[name] = str(value).replace("\x00", "")
    return form.format_map(words)[:500]
