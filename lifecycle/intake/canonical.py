"""RFC 8785 JSON, quickly: the bytes whose digest names what a source said of a run."""

import json
import math
from typing import Any

import rfc8785

_PLAIN_FLOOR, _PLAIN_CEILING = 1e-4, 1e16
_WHOLE = 2**53
_FIRST_ODD = "\ud800"  # from here on UTF-16, by which RFC 8785 sorts, orders otherwise than Unicode does


def canonical(value: Any) -> bytes:
    """The canonical bytes of a JSON value.

    Python's own encoder writes the same for most values and is several times as fast; what it would write
    otherwise (tiny and huge numbers, keys beyond the basic plane) takes the long way.
    Raises rfc8785.CanonicalizationError for what canonical JSON can not hold.
    """
    plain, tidy = _tidied(value)
    if not plain:
        return rfc8785.dumps(value)
    return json.dumps(
        tidy, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()


def _tidied(value: Any) -> tuple[bool, Any]:
    """Whether Python writes this as RFC 8785 does, and the value with whole floats as integers."""
    kind = type(value)
    if kind is str or value is None or kind is bool:
        return True, value
    if kind is float:
        return _float(value)
    if kind is int:
        return -_WHOLE < value < _WHOLE, value
    if kind is dict:
        return _mapping(value)
    if kind is list or kind is tuple:
        items = []
        for each in value:
            plain, tidy = _tidied(each)
            if not plain:
                return False, value
            items.append(tidy)
        return True, items
    return False, value


def _mapping(value: dict[Any, Any]) -> tuple[bool, Any]:
    items = {}
    for key, each in value.items():
        if type(key) is not str or (not key.isascii() and max(key) >= _FIRST_ODD):
            return False, value
        kind = type(each)
        if kind is str:
            items[key] = each
            continue
        plain, items[key] = _tidied(each)
        if not plain:
            return False, value
    return True, items


def _float(value: float) -> tuple[bool, float | int]:
    if not math.isfinite(value):
        return False, value
    if value.is_integer() and -_WHOLE < value < _WHOLE:
        return True, int(value)
    size = abs(value)
    return _PLAIN_FLOOR <= size < _PLAIN_CEILING, value
