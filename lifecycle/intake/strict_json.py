"""JSON from outside, read without mercy: what two readers could understand differently is refused."""

import json
import re
from typing import Any, NoReturn

from django.utils.translation import gettext as _

from lifecycle.errors import Invalid

MOST_DEPTH = 200
LONGEST_INTEGER = 400
_DEEPER = re.compile(rb"[\[{]")


def read_json(raw: bytes, *, constants: bool = False) -> Any:
    """The value of a JSON text; with `constants`, NaN and Infinity become texts and are not refused.

    Raises `Invalid`: `not_utf8`, `not_json` (with line and column), `duplicate_key`, `not_finite` for NaN and
    Infinity, `too_deep` beyond 200 levels, `number_too_long`, `empty`.
    """
    if not raw.strip():
        raise Invalid("empty", _("The body is empty."))
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        said = _("Byte %(at)d is not UTF-8.") % {"at": error.start}
        raise Invalid("not_utf8", said) from error
    if len(_DEEPER.findall(raw)) > MOST_DEPTH:
        _check_depth(text)
    try:
        return json.loads(
            text, object_pairs_hook=_object, parse_constant=str if constants else _constant,
            parse_int=_integer, parse_float=_number,
        )  # fmt: skip
    except json.JSONDecodeError as error:
        said = _("This is not JSON at line %(line)d, column %(column)d: %(why)s.")
        place = {"line": error.lineno, "column": error.colno, "why": error.msg}
        raise Invalid("not_json", said % place) from error
    except RecursionError as error:
        raise _too_deep() from error


def _check_depth(text: str) -> None:
    """Refuse deep nesting before anything is built of it."""
    depth, at, size = 0, 0, len(text)
    special = re.compile(r'["\[\]{}]')
    while (found := special.search(text, at)) is not None:
        at = found.end()
        sign = found.group()
        if sign == '"':
            at = _end_of_string(text, at, size)
        elif sign in "[{":
            depth += 1
            if depth > MOST_DEPTH:
                raise _too_deep()
        else:
            depth -= 1


_STRING = re.compile(r'[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)


def _end_of_string(text: str, at: int, size: int) -> int:
    found = _STRING.match(text, at)
    return found.end() if found else size


def _too_deep() -> Invalid:
    return Invalid("too_deep", _("This is nested deeper than %(most)d levels.") % {"most": MOST_DEPTH})


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        seen: set[str] = set()
        for key, _value in pairs:
            if key in seen:
                said = _("The key “%(key)s” stands twice in one object.") % {"key": key[:80]}
                raise Invalid("duplicate_key", said, f"/{key[:80]}")
            seen.add(key)
    return made


def _constant(text: str) -> NoReturn:
    said = _("%(text)s is not JSON; write it as a text where one is allowed.") % {"text": text}
    raise Invalid("not_finite", said)


def _integer(text: str) -> int:
    if len(text) > LONGEST_INTEGER:
        raise Invalid("number_too_long", _("A number has %(count)d digits.") % {"count": len(text)})
    return int(text)


def _number(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise Invalid("not_finite", _("%(text)s is too large for a number.") % {"text": text[:40]})
    return value
