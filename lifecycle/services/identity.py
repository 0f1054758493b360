"""Whether somebody is who they say: the password and, where one is enrolled, the second factor.

Asked for before any row is locked: hashing a password is slow on purpose, and nobody else should wait for it.
Wrong ones are counted in the ledger, where nobody can set the count back.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, NamedTuple

from django.db import transaction
from django.utils.timezone import now
from django.utils.translation import gettext as _

from ledger.models import Entry
from lifecycle.actions import LifecycleAction
from lifecycle.errors import Refused
from lifecycle.models import User
from lifecycle.services.second_factors import check_second_factor
from lifecycle.services.steps import record

MOST_WRONG = 5
WINDOW = timedelta(minutes=15)
# Under a signature a wrong one is recorded with the gate that it was given for.
_WRONG = (str(LifecycleAction.PERSON_PROOF_REFUSED), "gate.signature_refused")


class Proof(NamedTuple):
    """A person as the database has them now, and the kind of second factor that was given, "" for none."""

    person: User
    factor: str


def prove(
    *,
    actor: User,
    password: str | None,
    code: str = "",
    credential: dict[str, Any] | None = None,
    on_wrong: Callable[[User, str, int], None] | None = None,
) -> Proof:
    """The person as the database has them now, once password and second factor are proven.

    `password` is None where it has been proven a moment ago and only the second factor is asked for.
    `on_wrong(person, code, attempt)` records a wrong one in a transaction of its own; without it
    `person.proof_refused` is. After `MOST_WRONG` of them within `WINDOW` nothing is tried any more.

    Raises `Refused`: `too_many_attempts`, `wrong_password`, and those of `check_second_factor`.
    """
    person = User.objects.get(pk=actor.pk)
    wrong = wrong_attempts(person)
    if wrong >= MOST_WRONG:
        text = _("There were %(count)d wrong passwords or codes within %(minutes)d minutes. Try again later.")
        raise Refused("too_many_attempts", text % {"count": wrong, "minutes": WINDOW.seconds // 60})
    note = on_wrong or _note_wrong
    if password is not None and not person.check_password(password):
        note(person, "wrong_password", wrong + 1)
        raise Refused("wrong_password", _("That is not your password. Nothing was done."))
    try:
        factor = check_second_factor(person=person, code=code, credential=credential)
    except Refused as no:
        if no.code != "second_factor_missing":
            note(person, no.code, wrong + 1)
        raise
    return Proof(person, factor)


def wrong_attempts(person: User) -> int:
    """How often this person's password or code was wrong within the window. 1 query."""
    refused = Entry.objects.filter(actor=person.actor_key, action__in=_WRONG)
    return refused.filter(recorded_at__gt=now() - WINDOW).count()


@transaction.atomic
def _note_wrong(person: User, why: str, attempt: int) -> None:
    record(
        LifecycleAction.PERSON_PROOF_REFUSED,
        person,
        actor=person,
        user=person.pk,
        reason=why,
        attempt=attempt,
    )
