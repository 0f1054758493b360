"""Runs: what was computed, on what, with which result."""

from dataclasses import dataclass
from datetime import datetime

from reports.documents.measures import Measure
from reports.documents.states import Mark


@dataclass(frozen=True, kw_only=True)
class Run:
    """A training, evaluation or data-validation run. `seconds` is its duration, `snapshot` its frozen digest.

    `measures` holds the metrics overall (empty slice) and by slice, with the limit asked of each where
    there is one.
    """

    code: str
    kind: str
    title: str
    mark: Mark
    started_by: str
    started_at: datetime
    finished_at: datetime | None = None
    seconds: float | None = None
    data: str = ""
    data_digest: str = ""
    source: str = ""
    model_digest: str = ""
    snapshot: str = ""
    parameters: tuple[tuple[str, str], ...] = ()
    measures: tuple[Measure, ...] = ()
    error: str = ""

    @property
    def overall(self) -> tuple[Measure, ...]:
        """The metrics over all data."""
        return tuple(m for m in self.measures if not m.slice)

    @property
    def slices(self) -> tuple[Measure, ...]:
        """The metrics on parts of the data."""
        return tuple(m for m in self.measures if m.slice)
