"""The handoffs of an iteration as a board: what is where, who holds it, and for how long."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.utils import timezone
from django.utils.translation import gettext as _

from lifecycle.figures import AgeBar
from lifecycle.models import Handoff, Iteration, User
from lifecycle.queries.handoffs import handoffs_of_iteration

_S = Handoff.State
COLUMNS = (_S.PLANNED, _S.OFFERED, _S.RETURNED, _S.ACCEPTED)
USUAL_DAYS = 3.0
"""How long an answer usually takes; what is over it stands apart on a card."""


class HeldBar(AgeBar):
    """Days with whoever holds a handoff."""

    @property
    def label(self) -> str:
        return _("%(days)s days with whoever holds it, usual are up to %(usual)s") % {
            "days": f"{self.days:g}",
            "usual": f"{self.usual:g}",
        }


@dataclass(frozen=True)
class BoardCard:
    """One handoff: who holds it now, since when, whether its date has passed."""

    handoff: Handoff
    holder: User | None
    days: float | None
    late_by: int

    @property
    def late(self) -> bool:
        return self.late_by > 0

    @property
    def age(self) -> HeldBar | None:
        """The clock of whoever holds it; none where no clock runs."""
        return HeldBar(round(self.days, 1), USUAL_DAYS) if self.days is not None else None


@dataclass(frozen=True)
class BoardColumn:
    """The cards in one state, what is latest first."""

    state: Handoff.State
    cards: list[BoardCard]

    @property
    def late(self) -> int:
        return sum(card.late for card in self.cards)


def handoff_board(iteration: Iteration) -> list[BoardColumn]:
    """Planned, offered, returned and accepted handoffs; cancelled ones are on the list only. 1 query."""
    now = timezone.now()
    cards = [_card(each, now) for each in handoffs_of_iteration(iteration) if each.state in COLUMNS]
    return [
        BoardColumn(state, sorted((c for c in cards if c.handoff.state == state), key=_urgency))
        for state in COLUMNS
    ]


def _card(handoff: Handoff, now: dt.datetime) -> BoardCard:
    offered = handoff.state == _S.OFFERED
    since = {_S.OFFERED: handoff.offered_at, _S.RETURNED: handoff.decided_at}.get(_S(handoff.state))
    settled = handoff.state == _S.ACCEPTED
    late = (timezone.localdate(now) - handoff.due_on).days if handoff.due_on and not settled else 0
    return BoardCard(
        handoff=handoff,
        holder=None if settled else handoff.taker if offered else handoff.giver,
        days=(now - since).total_seconds() / 86400 if since else None,
        late_by=max(late, 0),
    )


def _urgency(card: BoardCard) -> tuple[int, float, str, str]:
    due = str(card.handoff.due_on or "9999")
    return -card.late_by, -(card.days or 0.0), due, card.handoff.key
