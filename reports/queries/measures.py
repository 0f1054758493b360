"""What was asked of a run: the limits that a specification or a requirement sets on its metrics."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lifecycle.models import Requirement
from reports.documents import Bound, Measure

Key = tuple[str, str]


@dataclass(frozen=True)
class Limit:
    """A limit with the side on which a value must lie."""

    value: float
    bound: Bound
    unit: str = ""


def limit_from(operator: str, value: float, unit: str = "") -> Limit:
    """A limit of any of the four operators.

    "Above" asks for at least the next larger number, which is the same thing for floating-point numbers.
    """
    bound = Bound.AT_LEAST if operator in (">=", ">") else Bound.AT_MOST
    if operator == ">":
        value = math.nextafter(value, math.inf)
    elif operator == "<":
        value = math.nextafter(value, -math.inf)
    return Limit(value, bound, unit)


def limits_at(requirements: Iterable[Requirement], when: datetime) -> dict[Key, Limit]:
    """The limits that were agreed at a time, by metric and slice: of each requirement its version then."""
    current: dict[str, Requirement] = {}
    for each in sorted(requirements, key=lambda item: item.version):
        if each.created_at <= when:
            current[each.key] = each
    return {
        (each.metric, each.slice): limit_from(each.operator, each.limit, each.unit)
        for each in current.values()
    }


def limits_of(record: Mapping[str, Any]) -> dict[Key, Limit]:
    """The limits that a run's own specification set, as its record repeats them."""
    return {
        (each["metric"], each.get("slice") or ""): limit_from(each["op"], float(each["limit"]))
        for each in record.get("limits") or []
    }


def measures_of(record: Mapping[str, Any], limits: Mapping[Key, Limit]) -> tuple[Measure, ...]:
    """All metrics overall; by slice the main metric, and others where a limit asks for them.

    A metric that a limit asks for and that was not measured is listed without a value.
    """
    overall: Mapping[str, float | None] = record.get("metrics") or {}
    if not overall:
        return ()
    slices: Mapping[str, Mapping[str, Any]] = record.get("slices") or {}
    main = str(record.get("main_metric") or next(iter(overall), ""))
    names = dict.fromkeys([main, *overall, *(name for name, part in limits if not part)])
    found = [_measure(name, "", overall.get(name), None, limits) for name in names]
    for part, values in slices.items():
        rows = values.get("rows")
        asked = [name for name, place in limits if place == part and name != main]
        found += [_measure(name, part, values.get(name), rows, limits) for name in (main, *asked)]
    return tuple(found)


def _measure(
    name: str, part: str, value: float | None, rows: int | None, limits: Mapping[Key, Limit]
) -> Measure:
    limit = limits.get((name, part))
    return Measure(
        name=name,
        value=value,
        slice=part,
        rows=rows,
        limit=limit.value if limit else None,
        bound=limit.bound if limit else Bound.AT_LEAST,
        unit=limit.unit if limit else "",
    )
