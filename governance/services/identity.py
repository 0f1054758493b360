"""Whether the one who signs is who they say: the password, given again.

Asked for before any row is locked: hashing a password is slow on purpose, and nobody else should wait for it.
"""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.utils.timezone import now
from django.utils.translation import gettext as _

from governance.actions import GovernanceAction as Action
from governance.errors import Refused
from governance.models import Gate
from ledger.models import Entry
from ledger.services import append
from lifecycle.models import User

MOST_WRONG = 5
WINDOW = timedelta(minutes=15)


def prove_identity(*, gate: Gate, actor: User, password: str) -> User:
    """The person as the database has them now, once their password is proven.

    A wrong password is recorded as `gate.signature_refused` in a transaction of its own, so that it stays
    although nothing is signed. After `MOST_WRONG` of them within `WINDOW` no password is tried any more.

    Raises `Refused` (`too_many_attempts`, `wrong_password`).
    """
    person = User.objects.get(pk=actor.pk)
    wrong = wrong_attempts(person)
    if wrong >= MOST_WRONG:
        text = _("There were %(count)d wrong passwords within %(minutes)d minutes. Try again later.")
        raise Refused("too_many_attempts", text % {"count": wrong, "minutes": WINDOW.seconds // 60})
    if not person.check_password(password):
        _record_wrong(gate, person, wrong + 1)
        raise Refused("wrong_password", _("That is not your password. Nothing was signed."))
    return person


def wrong_attempts(person: User) -> int:
    """How often this person's password was wrong under any gate within the window. 1 query."""
    since = now() - WINDOW
    refused = Entry.objects.filter(actor=person.actor_key, action=str(Action.SIGNATURE_REFUSED))
    return refused.filter(recorded_at__gt=since).count()


@transaction.atomic
def _record_wrong(gate: Gate, person: User, attempt: int) -> None:
    iteration = gate.iteration
    append(
        actor=person,
        action=Action.SIGNATURE_REFUSED,
        subject=gate,
        project=iteration.project.slug,
        detail={
            "iteration": iteration.number,
            "gate": gate.key,
            "reason": "wrong_password",
            "attempt": attempt,
        },
    )
