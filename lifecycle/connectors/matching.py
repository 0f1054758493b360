"""Which rule a run falls under: patterns with `*` and `?`, upper and lower case told apart."""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Protocol, TypeVar


class Pattern(Protocol):
    """What a rule says of a run."""

    experiment: str
    tags: Mapping[str, str]


R = TypeVar("R", bound=Pattern)


def fits(rule: Pattern, experiment: str, tags: Mapping[str, str]) -> bool:
    """Whether experiment and tags fit; a tag that is not there fits nothing."""
    return fnmatchcase(experiment, rule.experiment) and all(
        key in tags and fnmatchcase(tags[key], str(wanted)) for key, wanted in rule.tags.items()
    )


def first_match(rules: Iterable[R], experiment: str, tags: Mapping[str, str]) -> R | None:
    """The first rule that fits, in the order given."""
    return next((rule for rule in rules if fits(rule, experiment, tags)), None)
