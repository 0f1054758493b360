"""Who acts: a key that stays in the entry for ever and a label that may be erased."""

from dataclasses import dataclass
from typing import Protocol


class Actor(Protocol):
    """A person or a machine that the ledger can name.

    `actor_key` (`user:7`, `system:outbox`) holds no personal data: it is hashed into the entry for good.
    `actor_label` (a name) goes into the payload, which can be erased.
    """

    @property
    def actor_key(self) -> str: ...

    @property
    def actor_label(self) -> str: ...


@dataclass(frozen=True)
class SystemActor:
    """A part of Gatebook that acts by itself, such as `SystemActor("triggers")`."""

    name: str

    @property
    def actor_key(self) -> str:
        return f"system:{self.name}"

    @property
    def actor_label(self) -> str:
        return f"Gatebook ({self.name})"
