"""How much a run does."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Effort:
    """Sizes of all benchmarks; `QUICK` is for a look, `FULL` for figures that one writes down."""

    rounds: int
    appends: int
    batches: int
    verified: int
    checks: int
    seconds: float
    http_rounds: int
    ledger_lines: int
    iterations: int
    report_rounds: int
    projects: int
    page_visits: int
    measured: int


FULL = Effort(
    rounds=7, appends=150, batches=4, verified=100_000, checks=300, seconds=1.2, http_rounds=3,
    ledger_lines=100, iterations=2, report_rounds=3, projects=30, page_visits=20, measured=1000,
)  # fmt: skip
QUICK = Effort(
    rounds=3, appends=40, batches=2, verified=5_000, checks=60, seconds=0.7, http_rounds=1,
    ledger_lines=5, iterations=1, report_rounds=1, projects=3, page_visits=5, measured=60,
)  # fmt: skip
