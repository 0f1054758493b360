"""Finding runs among very many: what has an index is asked of it, what has none of the newest runs only."""

import math
import re
from collections.abc import Mapping
from typing import Any

from django.db.models import Q, QuerySet
from django.db.models.fields.json import KeyTransform

from lifecycle.errors import Invalid
from lifecycle.models import Run

LOOKED_AT = 2_000
"""How many runs a search by metric or parameter opens; `before` goes on from the last of them."""

_FIELDS = {
    "project": "project__slug", "kind": "kind", "state": "state", "source": "source",
    "name": "title__startswith", "since": "started_at__gte", "until": "started_at__lt", "before": "pk__lt",
}  # fmt: skip
_METRIC = re.compile(r"([^<>=]+)(<=|>=|<|>)(.+)")
_LOOKUPS = {"<": "lt", "<=": "lte", ">": "gt", ">=": "gte"}


def search_runs(runs: QuerySet[Run], asked: Mapping[str, Any]) -> QuerySet[Run]:
    """The runs that fit. A metric or parameter is looked for in the newest 2,000 that fit otherwise, so that
    what is opened does not grow with the number of runs. 1 query, 1 more for such a search.

    Raises `Invalid` for a metric that is no comparison with a number.
    """
    found = runs.filter(**{_FIELDS[name]: value for name, value in asked.items() if name in _FIELDS})
    if not (asked.get("metric") or asked.get("parameter")):
        return found
    last = found.order_by("-pk").values_list("pk", flat=True)[LOOKED_AT - 1 : LOOKED_AT]
    return _inside(found.filter(pk__gte=next(iter(last), 0)), asked)


def _inside(found: QuerySet[Run], asked: Mapping[str, Any]) -> QuerySet[Run]:
    """Narrowed by what the records hold; a name is a key of JSON and never a lookup."""
    if metric := asked.get("metric"):
        name, sign, number = _parts(metric)
        found = found.alias(_metric=KeyTransform(name, KeyTransform("metrics", "record")))
        found = found.filter(**{f"_metric__{_LOOKUPS[sign]}": number})
    if parameter := asked.get("parameter"):
        name, _sign, value = str(parameter).partition("=")
        found = found.alias(_parameter=KeyTransform(name, KeyTransform("parameters", "record")))
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
