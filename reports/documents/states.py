"""The few states that a reader must tell apart at a glance. Each has a shape, a colour and a word."""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How something stands: circle, square, triangle, diamond, ring."""

    OK = "ok"  # met, approved, accepted, closed
    BAD = "bad"  # not met, refused, failed
    WARN = "warn"  # needs attention: drift, late, returned
    WAIVED = "waived"  # an exception granted for a time
    IDLE = "idle"  # not begun, open, not applicable


# From harmless to grave; IDLE says nothing, so it never outweighs a judgement.
GRAVITY = (State.IDLE, State.OK, State.WAIVED, State.WARN, State.BAD)


def worst(states: list[State]) -> State:
    """The gravest of some states; IDLE when there are none."""
    return max(states, key=GRAVITY.index, default=State.IDLE)


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A state with the word that the record's own vocabulary has for it, in the reader's language."""

    state: State
    word: str
