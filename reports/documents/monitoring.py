"""What the live system showed, window by window, and what the triggers made of it."""

from dataclasses import dataclass
from datetime import datetime

from reports.documents.measures import Measure
from reports.documents.states import Mark


@dataclass(frozen=True, kw_only=True)
class FeatureDrift:
    """How far one feature moved from its reference.

    `statistic` is a name such as PSI; `unseen` counts categories that the reference did not have.
    """

    feature: str
    value: float | None
    limit: float
    mark: Mark
    statistic: str = "PSI"
    p_value: float | None = None
    unseen: int = 0


@dataclass(frozen=True, kw_only=True)
class Distribution:
    """Shares of one feature in the same bins, reference and current; each list adds up to about 1."""

    feature: str
    bins: tuple[str, ...]
    reference: tuple[float, ...]
    current: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Window:
    """One monitoring run over a window of live data. `title` says in words which data, `segment` which part
    of it (a market, a site) where there are several.
    """

    code: str
    start: datetime
    end: datetime
    rows: int
    mark: Mark
    title: str = ""
    segment: str = ""
    snapshot: str = ""
    performance: tuple[Measure, ...] = ()
    drift: tuple[FeatureDrift, ...] = ()
    quality: tuple[tuple[str, str], ...] = ()
    distributions: tuple[Distribution, ...] = ()
    fired: str = ""  # code of the trigger that this window fired


@dataclass(frozen=True, kw_only=True)
class Firing:
    """A trigger that fired: what it saw and what was done. `waiting` while nobody has decided."""

    trigger: str
    title: str
    at: datetime
    saw: str
    did: str
    by: str
    mark: Mark
    waiting: bool = False


@dataclass(frozen=True, kw_only=True)
class Monitoring:
    """All windows in time order. `reference` says what they are compared with."""

    reference: str = ""
    windows: tuple[Window, ...] = ()
