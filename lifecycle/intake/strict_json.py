"""JSON from outside, read without mercy: what two readers could understand differently is refused."""

import json
import re
from itertools import accumulate
from typing import Any, NoReturn

from django.utils.translation import gettext as _

from lifecycle.errors import Invalid

MOST_DEPTH = 200
LONGEST_INTEGER = 400
# A string that does not end goes to the end of the text, so that its quotes are not tried one by one.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_STEPS = [1 if sign in b"[{" else -1 for sign in range(256)]


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
    if raw.count(b"[") + raw.count(b"{") > MOST_DEPTH:
        _check_depth(raw)
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


def _check_depth(raw: bytes) -> None:
    """Refuse deep nesting before anything is built of it: the brackets outside of strings are added up."""
    signs = _STRING.sub(b"", raw).translate(None, _NO_BRACKETS)
    if max(accumulate(map(_STEPS.__getitem__, signs)), default=0) > MOST_DEPTH:
        raise _too_deep()


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
