"""RFC 8785 JSON, quickly: the bytes whose digest names what a source said of a run."""

import json
from collections.abc import Sequence
from typing import Any

import rfc8785

_PLAIN_FLOOR = 1e-4
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
    if kind is dict:
        return _mapping(value)
    if kind is list or kind is tuple:
        return _sequence(value)
    return _scalar(kind, value)


def _scalar(kind: type, value: Any) -> tuple[bool, Any]:
    if kind is float:
        return _float(value)
    if kind is int:
        return -_WHOLE < value < _WHOLE, value
    return kind is str or value is None or kind is bool, value


def _sequence(value: Sequence[Any]) -> tuple[bool, Any]:
    items = []
    for each in value:
        kind = type(each)
        if kind is int and -_WHOLE < each < _WHOLE:
            items.append(each)
            continue
        plain, tidy = _float(each) if kind is float else _tidied(each)
        if not plain:
            return False, value
        items.append(tidy)
    return True, items


def _mapping(value: dict[Any, Any]) -> tuple[bool, Any]:
    items = {}
    for key, each in value.items():
        if type(key) is not str or (not key.isascii() and max(key) >= _FIRST_ODD):
            return False, value
        kind = type(each)
        if kind is str:
            items[key] = each
            continue
        plain, items[key] = _float(each) if kind is float else _tidied(each)
        if not plain:
            return False, value
    return True, items


def _float(value: float) -> tuple[bool, float | int]:
    size = abs(value)
    if not size < _WHOLE:  # NaN is not either
        return False, value
    if value.is_integer():
        return True, int(value)
    return size >= _PLAIN_FLOOR, value
