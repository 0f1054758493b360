"""The moment that a report speaks of, and the words and marks that all its parts share."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from django.utils.translation import gettext as _

from lifecycle.models import User
from reports.documents import Mark, State


@dataclass(frozen=True)
class Moment:
    """A point in time. What happened after it has not happened for a report."""

    at: datetime

    def seen(self, when: datetime | None) -> datetime | None:
        """The time of something that had happened by then, else None."""
        return when if when is not None and when <= self.at else None

    def late(self, due_on: date | None) -> bool:
        """Whether a day had passed by then."""
        return due_on is not None and due_on < self.at.date()


def mark(state: State, word: object) -> Mark:
    """A mark with its word as it stands in the middle of a sentence."""
    text = str(word)
    return Mark(state=state, word=text[:1].lower() + text[1:])


def name_of(user: User | None, otherwise: str = "") -> str:
    """A person's printed name, or what stands for nobody."""
    return str(user) if user is not None else otherwise


def scope_words(scope: Mapping[str, object]) -> str:
    """A scope such as {"country": ["US", "IT"]} as people read it."""
    parts = []
    for key, values in scope.items():
        said = ", ".join(map(str, values)) if isinstance(values, list | tuple) else str(values)
        parts.append(f"{key}: {said}")
    return "; ".join(parts)


def version_words(number: int) -> str:
    """A model version in a sentence or cell."""
    return _("version %(n)d") % {"n": number}


def phase_number(key: str) -> int:
    """The number in the key of a phase ("P3" is 3); 0 for a key without one."""
    digits = "".join(letter for letter in key if letter.isdigit())
    return int(digits) if digits else 0
