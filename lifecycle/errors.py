"""How this app says no."""

from collections.abc import Sequence
from dataclasses import dataclass

from ledger.errors import Invalid, Refused

__all__ = ["Flaw", "Invalid", "InvalidItems", "Refused"]


@dataclass(frozen=True)
class Flaw:
    """One wrong place of an input: a JSON pointer, a code for programs, words for people."""

    where: str
    code: str
    text: str


class InvalidItems(Invalid):
    """Several places of the input are wrong; `flaws` names each, as many as are worth reading."""

    def __init__(self, flaws: Sequence[Flaw]) -> None:
        super().__init__(flaws[0].code, flaws[0].text, flaws[0].where)
        self.flaws = tuple(flaws)
