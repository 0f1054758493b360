"""The same request under the same key: carried out once, answered alike.

A key is claimed in a transaction of its own, so that a second request sees at once that the first is under
way. The answer is kept in the transaction of the work. A request that fails gives its key back; one that died
leaves it claimed for a minute.
"""

import datetime as dt
import json
import zlib
from collections.abc import Callable
from hashlib import sha256
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from lifecycle.errors import Invalid, Refused
from lifecycle.models import IdempotencyKey, User
from lifecycle.services.sweeps import sweep_part

LONGEST_KEY = 100
HELD = dt.timedelta(minutes=1)
KEPT = dt.timedelta(days=7)

Answer = dict[str, Any]


def once(*, user: User, key: str, request: bytes, work: Callable[[], Answer]) -> Answer:
    """The answer of `work` to this request, or the one that it gave before under this key.

    Without a key the work is done. `request` is everything that makes requests equal. Answers are kept for 7
    days. Raises `Invalid("bad_key")`, `Refused` (`key_reused`, `in_progress`) and what `work` raises.
    """
    if not key:
        return work()
    if len(key) > LONGEST_KEY or not key.isprintable():
        text = _("An idempotency key has at most %(most)d printable characters.") % {"most": LONGEST_KEY}
        raise Invalid("bad_key", text, "Idempotency-Key")
    asked = sha256(request).hexdigest()
    claim = _claim(user, key, asked)
    if claim is None:
        return _earlier(user, key, asked)
    try:
        with transaction.atomic():
            answer = work()
            kept = zlib.compress(json.dumps(answer, separators=(",", ":")).encode(), 6)
            IdempotencyKey.objects.filter(pk=claim.pk).update(answer=kept)
    except BaseException:
        IdempotencyKey.objects.filter(pk=claim.pk, answer=b"").delete()
        raise
    return answer


def _claim(user: User, key: str, asked: str) -> IdempotencyKey | None:
    """The new claim; None if the key is taken. A claim whose request died is taken over."""
    moment = timezone.now()
    try:
        with transaction.atomic():
            return IdempotencyKey.objects.create(user=user, key=key, asked=asked, begun_at=moment)
    except IntegrityError:
        dead = IdempotencyKey.objects.filter(user=user, key=key, asked=asked, answer=b"")
        if dead.filter(begun_at__lt=moment - HELD).update(begun_at=moment):
            return dead.get()
    return None


def _earlier(user: User, key: str, asked: str) -> Answer:
    known = IdempotencyKey.objects.filter(user=user, key=key).first()
    if known is None:
        raise Refused("in_progress", _("The first request with this key has just failed; send it again."))
    if known.asked != asked:
        raise Refused("key_reused", _("This key has already been used for another request."))
    if not known.answer:
        raise Refused("in_progress", _("The first request with this key is under way."))
    answer: Answer = json.loads(zlib.decompress(bytes(known.answer)))
    return answer


@sweep_part("idempotency", lambda now: IdempotencyKey.objects.filter(begun_at__lt=now - KEPT), chunk=1000)
def forget(keys: list[IdempotencyKey], now: dt.datetime) -> None:
    """Keys are forgotten after a week."""
    IdempotencyKey.objects.filter(pk__in=[each.pk for each in keys]).delete()
