"""From what was sent to runs that may be kept: every wrong place is named, none is mended in silence."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from django.utils.translation import gettext as _
from pydantic import BaseModel, ValidationError

from lifecycle.errors import Flaw, InvalidItems
from lifecycle.intake.outside_run import OutsideRun

M = TypeVar("M", bound=BaseModel)

MOST_FLAWS = 50
_CODES = {
    "extra_forbidden": "unknown_key",
    "missing": "missing",
    "finite_number": "not_finite",
    "string_too_long": "too_long",
    "too_long": "too_many",
    "too_short": "too_few",
    "greater_than_equal": "too_small",
    "less_than_equal": "too_large",
    "literal_error": "unknown_value",
    "enum": "unknown_value",
    "timezone_aware": "no_time_zone",
}
_HIDDEN = frozenset({"float", "int", "bool", "str", "constrained-str", "[key]"})


def read_runs(items: Iterable[Mapping[str, Any] | OutsideRun], where: str = "/runs") -> list[OutsideRun]:
    """The runs of a batch. Raises `InvalidItems` with `where`/index/field of up to 50 wrong places."""
    runs: list[OutsideRun] = []
    flaws: list[Flaw] = []
    for at, item in enumerate(items):
        if isinstance(item, OutsideRun):
            runs.append(item)
            continue
        try:
            runs.append(OutsideRun.model_validate(item))
        except ValidationError as error:
            flaws += flaws_of(error, f"{where}/{at}")
            if len(flaws) >= MOST_FLAWS:
                break
    if flaws:
        raise InvalidItems(flaws[:MOST_FLAWS])
    return runs


def read_as(model: type[M], item: object, where: str = "") -> M:
    """One item of any closed model. Raises `InvalidItems`."""
    try:
        return model.model_validate(item)
    except ValidationError as error:
        raise InvalidItems(flaws_of(error, where)) from error


def flaws_of(error: ValidationError, where: str = "") -> list[Flaw]:
    """What pydantic found, as the house says it: where, which code, and a sentence."""
    flaws: dict[tuple[str, str], Flaw] = {}
    for each in error.errors(include_url=False, include_context=False, include_input=False):
        place = where + "".join(f"/{_escaped(part)}" for part in each["loc"] if not _is_branch(part))
        code = _CODES.get(each["type"], each["type"])
        text = _("%(what)s: %(why)s") % {"what": place or "/", "why": _sentence(each["msg"])}
        flaws.setdefault((place, code), Flaw(place, code, text))
        if len(flaws) >= MOST_FLAWS:
            break
    return list(flaws.values())


def _is_branch(part: object) -> bool:
    """Whether a part of pydantic's path names a branch of a union and no place of the input."""
    return isinstance(part, str) and (part in _HIDDEN or part.startswith(("function-", "literal[", "tuple[")))


def _escaped(part: object) -> str:
    text = str(part).replace("~", "~0").replace("/", "~1")
    return text if len(text) <= 80 else f"{text[:80]}…"


def _sentence(text: str) -> str:
    return text if text.endswith((".", "?")) else f"{text}."
