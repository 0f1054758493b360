"""Finding runs among very many: what has an index is asked of it, what has none of the newest runs only."""

import datetime as dt
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet
from django.db.models.fields.json import KeyTransform

from lifecycle.errors import Invalid
from lifecycle.models import Run

LOOKED_AT = 2_000
"""How many runs a search by metric or parameter opens; `Found.further` says how to go on behind them."""

_FIELDS = {
    "kind": "kind", "state": "state", "source": "source", "name": "title__startswith",
    "since": "started_at__gte", "until": "started_at__lt", "before": "pk__lt",
}  # fmt: skip
_METRIC = re.compile(r"([^<>=]+)(<=|>=|<|>)(.+)")
_LOOKUPS = {"<": "lt", "<=": "lte", ">": "gt", ">=": "gte"}


@dataclass(frozen=True)
class Found:
    """The runs that fit, in order; `further` narrows the same search to what was not opened, if anything."""

    runs: QuerySet[Run]
    further: Mapping[str, str]


def search_runs(runs: QuerySet[Run], asked: Mapping[str, Any]) -> Found:
    """The runs that fit, newest first: by the time they began if that was asked for, else as they came in.

    A metric or parameter is looked for in the newest 2,000 that fit otherwise, so that what is opened does
    not grow with the number of runs. No query, 1 for such a search.
    Raises `Invalid` for a metric that is no comparison with a number.
    """
    order = order_of(asked)
    found = runs.filter(
        **{_FIELDS[name]: value for name, value in asked.items() if value and name in _FIELDS}
    )
    found = found.order_by(*order)
    if not (asked.get("metric") or asked.get("parameter")):
        return Found(found, {})
    name = order[0].removeprefix("-")
    last = next(iter(found.values_list(name, flat=True)[LOOKED_AT - 1 : LOOKED_AT]), None)
    if last is None:
        return Found(_inside(found, asked), {})
    further = {"until": last.isoformat()} if isinstance(last, dt.datetime) else {"before": str(last)}
    return Found(_inside(found.filter(**{f"{name}__gte": last}), asked), further)


def order_of(asked: Mapping[str, Any]) -> tuple[str, ...]:
    """How the runs that fit are sorted: as an index has them, so that no page sorts all of them."""
    return ("-started_at", "-id") if asked.get("since") or asked.get("until") else ("-id",)


def asked_in_words(text: str) -> dict[str, str]:
    """What one line of a page asks for: a metric (`rmse<0.3`), a parameter (`depth=3`), or a name."""
    text = text.strip()
    if not text:
        return {}
    if (found := _METRIC.fullmatch(text)) and isinstance(_number(found.group(3)), float):
        return {"metric": text}
    return {"parameter": text} if "=" in text.strip("=") else {"name": text}


def _inside(found: QuerySet[Run], asked: Mapping[str, Any]) -> QuerySet[Run]:
    """Narrowed by what the records hold; a name is a key of JSON and never a lookup."""
    if metric := asked.get("metric"):
        name, sign, number = _parts(metric)
        found = found.alias(_metric=KeyTransform(name, KeyTransform("metrics", "record")))
        found = found.filter(**{f"_metric__{_LOOKUPS[sign]}": number})
    if parameter := asked.get("parameter"):
        name, _sign, value = str(parameter).partition("=")
        found = found.alias(_parameter=KeyTransform(name.strip(), KeyTransform("parameters", "record")))
        found = found.filter(Q(_parameter=value) | Q(_parameter=_number(value)))
    return found


def _parts(metric: str) -> tuple[str, str, float]:
    found = _METRIC.fullmatch(metric)
    number = _number(found.group(3)) if found else None
    if found is None or not isinstance(number, float):
        raise Invalid("bad_metric", "A metric is compared with a number, such as rmse<0.3.", "/metric")
    return found.group(1).strip(), found.group(2), number


def _number(text: str) -> float | str:
    try:
        number = float(text)
    except ValueError:
        return text
    return number if math.isfinite(number) else text
