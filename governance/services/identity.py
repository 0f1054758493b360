"""Whether the one who signs is who they say: password and second factor, given again."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.db import transaction

from governance.actions import GovernanceAction as Action
from governance.models import Gate
from ledger.services import append
from lifecycle.models import User
from lifecycle.services.identity import MOST_WRONG, WINDOW, Proof, prove, wrong_attempts

__all__ = ["MOST_WRONG", "WINDOW", "Proof", "prove_identity", "wrong_attempts"]


def prove_identity(
    *, gate: Gate, actor: User, password: str, code: str = "", credential: dict[str, Any] | None = None
) -> Proof:
    """The person as the database has them now, once they are proven.

    What was wrong is recorded as `gate.signature_refused` in a transaction of its own, so that it stays
    although nothing is signed. Raises `Refused` as `prove` does.
    """
    return prove(
        actor=actor,
        password=password,
        code=code,
        credential=credential,
        on_wrong=partial(_record_wrong, gate),
    )


@transaction.atomic
def _record_wrong(gate: Gate, person: User, why: str, attempt: int) -> None:
    iteration = gate.iteration
    append(
        actor=person,
        action=Action.SIGNATURE_REFUSED,
        subject=gate,
        project=iteration.project.slug,
        detail={"iteration": iteration.number, "gate": gate.key, "reason": why, "attempt": attempt},
    )
