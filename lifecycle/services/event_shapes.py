"""What reported events hold: the keys of each kind, and what may stand there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from django.utils.translation import gettext as _

from lifecycle.errors import Invalid
from lifecycle.services.texts import line

CHANGES = ("source", "dependency", "platform", "code", "specification", "requirement")
SEVERITIES = ("low", "medium", "high", "critical")
MOST_DETAILS = 30
MOST_NAMES = 100
_LARGEST = 2**53

Check = Callable[[object, str], object]


def check_event(kind: str, event: Mapping[str, Any]) -> dict[str, Any]:
    """The event of a kind with every value checked; raises `Invalid` with the place (`event/severity`)."""
    if not isinstance(event, Mapping):
        raise Invalid("not_an_object", _("An event is an object of keys and values."), "event")
    shape = SHAPES[kind]
    given = {name: value for name, value in event.items() if value is not None and value != ""}
    for name in given:
        if name not in shape.fields:
            known = ", ".join(sorted(shape.fields))
            text = _("An event of this kind has no such key; it has %(known)s.") % {"known": known}
            raise Invalid("unknown_key", text, f"event/{str(name)[:60]}")
    for name in shape.needed:
        if name not in given:
            raise Invalid("missing", _("This must not be empty."), f"event/{name}")
    if shape.one_of and not any(name in given for name in shape.one_of):
        text = _("Give at least one of: %(names)s.") % {"names": ", ".join(shape.one_of)}
        raise Invalid("missing", text, f"event/{shape.one_of[0]}")
    return {name: shape.fields[name](value, f"event/{name}") for name, value in given.items()}


def _number(value: object, where: str) -> object:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Invalid("not_a_number", _("This is a number."), where)
    if not -_LARGEST <= value <= _LARGEST:  # NaN is in no interval
        raise Invalid("out_of_range", _("This is no number that can be kept exactly."), where)
    return value


def _count(value: object, where: str) -> object:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _LARGEST:
        raise Invalid("not_a_count", _("This is a whole number from 0 on."), where)
    return value


def _yes_or_no(value: object, where: str) -> object:
    if not isinstance(value, bool):
        raise Invalid("not_a_boolean", _("This is true or false."), where)
    return value


def _text(most: int = 300) -> Check:
    def check(value: object, where: str) -> object:
        if not isinstance(value, str):
            raise Invalid("not_a_text", _("This is a text."), where)
        return line(value, where, most=most)

    return check


def _choice(*values: str) -> Check:
    def check(value: object, where: str) -> object:
        if value not in values:
            text = _("This is one of: %(values)s.") % {"values": ", ".join(values)}
            raise Invalid("unknown_value", text, where)
        return value

    return check


def _names(value: object, where: str) -> object:
    if not isinstance(value, list) or len(value) > MOST_NAMES:
        raise Invalid(
            "not_a_list", _("This is a list of at most %(most)d texts.") % {"most": MOST_NAMES}, where
        )
    return [_text()(each, f"{where}/{at}") for at, each in enumerate(value)]


def _details(value: object, where: str) -> object:
    if not isinstance(value, dict) or len(value) > MOST_DETAILS:
        text = _("This is an object of at most %(most)d keys.") % {"most": MOST_DETAILS}
        raise Invalid("not_an_object", text, where)
    checked = {}
    for name, each in value.items():
        place = f"{where}/{str(name)[:60]}"
        checked[line(str(name), place, most=60)] = _plain(each, place)
    return checked


def _plain(value: object, where: str) -> object:
    if isinstance(value, bool):
        return value
    return _text()(value, where) if isinstance(value, str) else _number(value, where)


class Shape(NamedTuple):
    """What an event of one kind holds."""

    fields: dict[str, Check]
    needed: tuple[str, ...] = ()
    one_of: tuple[str, ...] = ()


_COMMON: dict[str, Check] = {"summary": _text(500), "link": _text(600), "details": _details}
_MEASURED = (
    "limits_broken", "value", "limit", "forecast", "service_value", "service_limit", "override_share",
    "own_share", "kpi", "kpi_target", "cost",
)  # fmt: skip
SHAPES: dict[str, Shape] = {
    "new_data": Shape(
        {**_COMMON, "rows_new": _count, "verified": _yes_or_no, "dataset": _text(), "digest": _text(64)},
        ("rows_new",),
    ),
    "change": Shape(
        {**_COMMON, "change": _choice(*CHANGES), "what": _text(), "training_code": _yes_or_no},
        ("change", "summary"),
    ),
    "incident": Shape(
        {**_COMMON, "severity": _choice(*SEVERITIES), "security": _yes_or_no}, ("severity", "summary")
    ),
    "regulation": Shape(
        {**_COMMON, "rule": _text(), "rows_to_remove": _count}, ("summary",), ("rule", "rows_to_remove")
    ),
    "metric": Shape(
        {
            **_COMMON, **dict.fromkeys(_MEASURED, _number), "main_metric": _text(120), "broken": _names,
        },
        (), (*_MEASURED, "broken"),
    ),
}  # fmt: skip
"""What may be reported. The names are those that the triggers of the shipped process look at."""
