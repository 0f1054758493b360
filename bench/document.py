"""A lifecycle report of a plausible size: iterations, runs, a gate, monitoring, and lines of the ledger."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bench.large import digest
from reports.documents import (
    Criterion,
    EvidenceItem,
    FeatureDrift,
    GateEvaluation,
    Handoff,
    Iteration,
    LedgerEntry,
    LedgerExtract,
    LifecycleReport,
    Mark,
    Measure,
    Monitoring,
    Person,
    PhaseDefinition,
    PhaseState,
    Process,
    ProjectHead,
    Risk,
    Run,
    Signature,
    State,
    Task,
    Window,
)

BEGIN = datetime(2026, 1, 5, 9, tzinfo=UTC)
PHASES = (
    "Business and data understanding",
    "Data preparation",
    "Modelling",
    "Evaluation",
    "Deployment",
    "Monitoring and maintenance",
)
DONE = Mark(state=State.OK, word="done")
PEOPLE = ("Noor Haddad", "Ines Okafor", "Jonas Weber", "Helen Brandt")


def lifecycle(*, ledger_lines: int, iterations: int, tasks: int = 24, runs: int = 3) -> LifecycleReport:
    """Equal numbers give an equal report."""
    return LifecycleReport(
        report_id="benchmark",
        as_of=BEGIN + timedelta(days=200),
        project=ProjectHead(
            slug="flights", name="Flight delays", purpose="Tells how late a flight will be.",
            owner=PEOPLE[0], risk_class="limited", opened_at=BEGIN,
        ),
        process=Process(
            name="CRISP-ML(Q)", version="1", digest=digest("process"),
            phases=tuple(PhaseDefinition(number=n, name=name) for n, name in enumerate(PHASES, 1)),
        ),
        people=tuple(Person(key=f"user:{n}", name=name) for n, name in enumerate(PEOPLE, 1)),
        iterations=tuple(_iteration(number, tasks, runs) for number in range(1, iterations + 1)),
        monitoring=Monitoring(reference="sales of 2025", windows=tuple(_window(n) for n in range(6))),
        risks=tuple(_risk(n) for n in range(8)),
        ledger=_ledger(ledger_lines),
    )  # fmt: skip


def _day(count: float) -> datetime:
    return BEGIN + timedelta(days=count)


def _iteration(number: int, tasks: int, runs: int) -> Iteration:
    begin = 90 * (number - 1)
    return Iteration(
        number=number, reason="Drift was seen.", opened_by=PEOPLE[0], opened_at=_day(begin), mark=DONE,
        closed_at=_day(begin + 80), start_phase="P1",
        phases=tuple(
            PhaseState(
                number=n, name=name, mark=DONE, tasks_done=4, tasks_total=4, opened_at=_day(begin + 10 * n),
                closed_at=_day(begin + 10 * n + 9),
            )
            for n, name in enumerate(PHASES, 1)
        ),
        tasks=tuple(_task(number, n, begin) for n in range(tasks)),
        handoffs=tuple(
            Handoff(
                code=f"H-{n:02d}", title="Training data", giver=PEOPLE[n % 4], taker=PEOPLE[(n + 1) % 4],
                mark=DONE, offered_at=_day(begin + n), decided_at=_day(begin + n + 1),
            )
            for n in range(10)
        ),
        runs=tuple(_run(number, n, begin) for n in range(runs)),
        gates=(_gate(number, begin),),
    )  # fmt: skip


def _task(iteration: int, n: int, begin: int) -> Task:
    item = EvidenceItem(
        code=f"E{iteration}-{n:02d}", kind="document", title="What was found",
        digest=digest(f"{iteration} {n}"), frozen_at=_day(begin + n), frozen_by=PEOPLE[n % 4],
    )  # fmt: skip
    return Task(
        code=f"{1 + n // 4}.{1 + n % 4}", phase=1 + n // 4 % 6, title="Check what the data say",
        owner=PEOPLE[n % 4], mark=DONE, due_on=_day(begin + n).date(), evidence=(item,),
    )  # fmt: skip


def _measures(shift: float) -> tuple[Measure, ...]:
    overall = Measure(name="rmse", value=12 + shift, limit=14.0, unit="min", digits=2)
    months = (
        Measure(name="rmse", value=11 + n / 4 + shift, limit=15, slice=f"month={n}", rows=900)
        for n in range(1, 13)
    )
    return (overall, *months)


def _run(iteration: int, n: int, begin: int) -> Run:
    return Run(
        code=f"TRN {10 * iteration + n}", kind="training", title=f"Candidate {n}", mark=DONE,
        started_by=PEOPLE[1], started_at=_day(begin + 30 + n), finished_at=_day(begin + 30.01 + n),
        seconds=864.0, data="flights-2025", data_digest=digest("data"),
        model_digest=digest(f"model {iteration} {n}"),
        parameters=(("estimator", "hist_gradient_boosting"), ("learning_rate", "0.08"), ("max_iter", "300")),
        measures=_measures(n / 10),
    )  # fmt: skip


def _gate(iteration: int, begin: int) -> GateEvaluation:
    package = digest(f"package {iteration}")
    return GateEvaluation(
        code="G4", title="Release", question="May this model go live?", mark=DONE,
        evaluated_at=_day(begin + 60), package_digest=package, model="model 1",
        model_digest=digest(f"model {iteration} 0"),
        environment="production", signatures_needed=2,
        criteria=tuple(
            Criterion(
                code=f"C{n}", words="The error is low enough in every month", mark=DONE,
                expression="worst('rmse') <= 15.0", observed=f"{11 + n / 4:.2f}", value=11 + n / 4,
                limit=15.0,
            )
            for n in range(6)
        ),
        signatures=tuple(
            Signature(
                name=name, role="reviewer", at=_day(begin + 61), meaning="approval", mark=DONE, digest=package
            )
            for name in PEOPLE[:2]
        ),
    )  # fmt: skip


def _window(n: int) -> Window:
    return Window(
        code=f"MON {n}", start=_day(100 + 7 * n), end=_day(107 + 7 * n), rows=1800, mark=DONE,
        performance=_measures(n / 8)[:1],
        drift=tuple(
            FeatureDrift(feature=name, value=0.02 * (n + 1), limit=0.25, mark=DONE)
            for name in ("distance", "hour", "carrier", "origin")
        ),
    )  # fmt: skip


def _risk(n: int) -> Risk:
    return Risk(
        code=f"R{n}", text="A station reports late, and its flights look punctual.",
        measure="Compare with radar.", owner=PEOPLE[n % 4], severity=1 + n % 5,
        occurrence=1 + n % 4, residual_severity=1 + n % 5,
        residual_occurrence=1, mark=DONE,
    )  # fmt: skip


def _ledger(lines: int) -> LedgerExtract:
    return LedgerExtract(
        origin="benchmark", root=digest("root"), size=max(lines, 1),
        mark=Mark(state=State.OK, word="intact"), entries=tuple(
            LedgerEntry(
                number=n, leaf_index=n, at=_day(n / 10), action="task.verified", actor=PEOPLE[n % 4],
                subject="1.1 Define the scope", leaf_hash=digest(f"leaf {n}"),
                proof=tuple(digest(f"proof {n} {level}") for level in range(9)),
            )
            for n in range(lines)
        ),
    )  # fmt: skip
