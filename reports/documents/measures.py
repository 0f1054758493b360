"""One measured number against what was asked of it."""

from dataclasses import dataclass
from enum import StrEnum


class Bound(StrEnum):
    """On which side of the limit a measure must lie."""

    AT_LEAST = ">="
    AT_MOST = "<="


@dataclass(frozen=True, kw_only=True)
class Measure:
    """A metric overall (`slice` empty) or on one slice.

    `value` is None when it was asked for and not measured. `unit` is printed after the number, `digits` are
    decimals.
    """

    name: str
    value: float | None
    limit: float | None = None
    bound: Bound = Bound.AT_LEAST
    slice: str = ""
    rows: int | None = None
    unit: str = ""
    digits: int = 3

    @property
    def met(self) -> bool | None:
        """None without a limit. A limit without a value is not met: what was not measured is no proof."""
        if self.limit is None:
            return None
        if self.value is None:
            return False
        return self.value >= self.limit if self.bound is Bound.AT_LEAST else self.value <= self.limit


def number(value: float | None, digits: int = 3, unit: str = "") -> str:
    """A number as the report prints it; an en dash where there is none."""
    if value is None:
        return "–"
    return f"{value:.{digits}f}{' ' + unit if unit else ''}"


def limit_words(limit: float | None, bound: Bound, digits: int = 3, unit: str = "") -> str:
    """A limit with its sign, empty where there is none."""
    if limit is None:
        return ""
    return f"{'≥' if bound is Bound.AT_LEAST else '≤'} {number(limit, digits, unit)}"
