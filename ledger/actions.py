"""What may be recorded: the base of each app's vocabulary of actions."""

import enum
import re
from collections.abc import Iterator
from typing import Self

_SHAPE = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")


class Action(enum.StrEnum):
    """Base without members. An app subclasses it in its `actions.py`, values `noun.verbed`.

    Values are written into entries for ever: add members, never rename or reuse one.
    """

    def __new__(cls, value: str) -> Self:
        if not _SHAPE.fullmatch(value) or len(value) > 60:
            raise ValueError(f"An action is written noun.verbed in at most 60 characters, not {value!r}.")
        member = str.__new__(cls, value)
        member._value_ = value
        return member

    @property
    def label(self) -> str:
        """The action as plain words: `handoff.offered` gives "handoff offered"."""
        return self.value.replace(".", " ").replace("_", " ")


class LedgerAction(Action):
    """What the ledger does to itself."""

    PAYLOAD_ERASED = "payload.erased"
    KEY_REGISTERED = "key.registered"
    KEY_RETIRED = "key.retired"
    WITNESS_ADDED = "witness.added"
    WITNESS_REMOVED = "witness.removed"
    ROWS_MIGRATED = "rows.migrated"


def vocabularies() -> Iterator[type[Action]]:
    """Every vocabulary that has been imported, in order of definition."""
    waiting = list(Action.__subclasses__())
    while waiting:
        vocabulary = waiting.pop(0)
        yield vocabulary
        waiting.extend(vocabulary.__subclasses__())


def known_actions() -> dict[str, Action]:
    """All actions of all vocabularies by value; ValueError if two vocabularies claim the same value."""
    known: dict[str, Action] = {}
    for vocabulary in vocabularies():
        for member in vocabulary:
            if member.value in known:
                raise ValueError(f"{member.value} is defined twice: {known[member.value]!r} and {member!r}.")
            known[member.value] = member
    return known
