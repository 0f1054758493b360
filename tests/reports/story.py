"""Reports to draw: a whole story, an empty project, a crowded one, one with awkward names. Literal and
repeatable.
"""

import hashlib
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from reports.documents import (
    Authorization,
    Bound,
    CheckCount,
    Criterion,
    Deployment,
    Distribution,
    Duty,
    EvidenceItem,
    FeatureDrift,
    Finding,
    Firing,
    GateDefinition,
    GateEvaluation,
    Handoff,
    HandoffDefinition,
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
    Waiver,
    Window,
)

OK, BAD, WARN, WAIVED, IDLE = State.OK, State.BAD, State.WARN, State.WAIVED, State.IDLE
PHASES = (
    "Business and data understanding",
    "Data preparation",
    "Modeling",
    "Evaluation",
    "Deployment",
    "Monitoring and maintenance",
)
AS_OF = datetime(2026, 11, 20, 18, 5, tzinfo=UTC)


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def at(day: str, clock: str = "09:30") -> datetime:
    return datetime.fromisoformat(f"{day}T{clock}:00+00:00")


def mark(state: State, word: str) -> Mark:
    return Mark(state=state, word=word)


# People and process -------------------------------------------------------------------------------
PEOPLE = (
    Person(key="user:1", name="Marta Lindqvist", roles=("product owner",)),
    Person(key="user:2", name="Tomás Rey", roles=("data scientist",)),
    Person(key="user:3", name="Jonas Weber", roles=("data engineer",)),
    Person(key="user:4", name="Ines Okafor", roles=("ML engineer",)),
    Person(key="user:5", name="Helen Brandt", roles=("risk and compliance", "reviewer")),
    Person(key="user:6", name="Sam Doyle", roles=("IT operations",)),
)
PROCESS = Process(
    name="CRISP-ML(Q)",
    version="4",
    digest=sha("process"),
    published_at=at("2026-02-16"),
    phases=tuple(
        PhaseDefinition(
            number=n,
            name=name,
            stages=("data engineering",) if n < 3 else ("model engineering",),
            tasks=3,
            gate=f"G{n}",
        )
        for n, name in enumerate(PHASES, 1)
    ),
    handoffs=(
        HandoffDefinition(code="H-09", title="Training data", giver="data engineer", taker="data scientist"),
        HandoffDefinition(code="H-11", title="Candidate model", giver="data scientist", taker="reviewer"),
    ),
    gates=(
        GateDefinition(
            code="G4", title="Release", question="May this model go live?", criteria=5, signatures=2
        ),
    ),
)
DUTIES = (
    Duty(
        phase=1,
        work="Scope, success criterion",
        accountable=("user:1",),
        responsible=("user:2",),
        consulted=("user:5",),
        informed=("user:6",),
    ),
    Duty(
        phase=2,
        work="Select, clean, construct data",
        accountable=("user:3",),
        responsible=("user:3",),
        consulted=("user:2",),
    ),
    Duty(phase=3, work="Train, tune, seed study", accountable=("user:4",), responsible=("user:2",)),
    Duty(phase=4, work="Decision at the release gate", accountable=("user:1",), responsible=("user:5",)),
    Duty(
        phase=6,
        work="Monitoring and update decision",
        accountable=("user:1",),
        responsible=("user:4", "user:6"),
    ),
)


# Iterations ---------------------------------------------------------------------------------------
def item(code: str, kind: str, title: str, day: str, proves: str) -> EvidenceItem:
    return EvidenceItem(
        code=code,
        kind=kind,
        title=title,
        digest=sha(code),
        frozen_at=at(day),
        proves=proves,
        frozen_by="Tomás Rey",
    )


def tasks(evidence: str, day: str, last: Mark) -> tuple[Task, ...]:
    titles = [
        ("1.1", 1, "Define the scope", "Marta Lindqvist"),
        ("1.2", 1, "Success criterion: order of the first three", "Tomás Rey"),
        ("1.3", 1, "Verify data quality", "Jonas Weber"),
        ("2.1", 2, "Select features, expert verdict", "Jonas Weber"),
        ("2.2", 2, "Lock the test set", "Helen Brandt"),
        ("3.1", 3, "Baseline, then candidate", "Tomás Rey"),
        ("3.2", 3, "Reproduce the candidate independently", "Ines Okafor"),
        ("4.1", 4, "Blind test and slices", "Ines Okafor"),
        ("4.2", 4, "Compare with all criteria", "Helen Brandt"),
    ]
    return tuple(
        Task(
            code=code,
            phase=phase,
            title=title,
            owner=owner,
            mark=last if code == titles[-1][0] else mark(OK, "done"),
            due_on=date.fromisoformat(day),
            evidence=(item(f"{evidence}-{n:02d}", "document" if n < 3 else "run", title, day, code),),
        )
        for n, (code, phase, title, owner) in enumerate(titles)
    )


def phases(days: list[str], last: Mark) -> tuple[PhaseState, ...]:
    out = []
    for n, name in enumerate(PHASES, 1):
        if n < len(days):
            state = mark(OK, "passed") if n < len(days) - 1 else last
            out.append(
                PhaseState(
                    number=n,
                    name=name,
                    mark=state,
                    tasks_done=3,
                    tasks_total=3,
                    opened_at=at(days[n - 1]),
                    closed_at=at(days[n]),
                )
            )
        else:
            out.append(PhaseState(number=n, name=name, mark=mark(IDLE, "not begun"), tasks_total=3))
    return tuple(out)


def run(
    code: str, kind: str, title: str, day: str, measures: tuple[Measure, ...], state: Mark, error: str = ""
) -> Run:
    return Run(
        code=code,
        kind=kind,
        title=title,
        mark=state,
        started_by="Tomás Rey",
        started_at=at(day),
        finished_at=at(day, "09:42"),
        seconds=720.5,
        data="sales-us-2026.03",
        data_digest=sha("data"),
        source="git 4f2a9c1",
        model_digest=sha(code) if kind == "training" and not error else "",
        snapshot="" if error else sha(code + "s"),
        parameters=(
            ("estimator", "HistGradientBoostingRegressor"),
            ("learning_rate", "0.08"),
            ("max_iter", "300"),
        ),
        measures=measures,
        error=error,
    )


def measures(overall: float, slices: dict[str, tuple[float, float]]) -> tuple[Measure, ...]:
    parts = tuple(
        Measure(name="ndcg@3", value=v, limit=limit, slice=name, rows=1200)
        for name, (v, limit) in slices.items()
    )
    return (
        Measure(name="ndcg@3", value=overall, limit=0.57),
        Measure(name="sold out", value=1.4, limit=2.0, bound=Bound.AT_MOST, unit="%", digits=1),
        *parts,
    )


def criterion(
    n: int,
    words: str,
    expression: str,
    value: float | None,
    limit: float,
    bound: Bound,
    state: Mark,
    reason: str = "",
    digits: int = 2,
) -> Criterion:
    return Criterion(
        code=f"C{n}",
        words=words,
        expression=expression,
        observed="not measured" if value is None else f"{value:.{digits}f}",
        mark=state,
        reason=reason,
        evidence="EVR-0041",
        value=value,
        limit=limit,
        bound=bound,
        digits=digits,
    )


def signature(n: int, meaning: str, state: Mark, when: datetime, digest: str, entry: int) -> Signature:
    person = PEOPLE[n]
    return Signature(
        name=person.name,
        role=person.roles[0],
        at=when,
        meaning=meaning,
        mark=state,
        digest=digest,
        method="password",
        entry=entry,
    )


def gate(number: int) -> GateEvaluation:
    refused = number == 1
    day = "2026-05-22" if refused else "2026-07-24"
    digest = sha(f"package {number}")
    no, yes = mark(BAD, "not met"), mark(OK, "met")
    high, low = Bound.AT_LEAST, Bound.AT_MOST
    criteria = (
        criterion(
            1,
            "ndcg@3 over all stores and months",
            'metric("ndcg@3") >= 0.57',
            0.59 if refused else 0.65,
            0.57,
            high,
            yes,
        ),
        criterion(
            2,
            "ndcg@3 in the weakest month",
            'worst("ndcg@3", "month") >= 0.52',
            0.41 if refused else 0.58,
            0.52,
            high,
            no if refused else yes,
            "December: coupons were counted as demand." if refused else "",
        ),
        criterion(
            3,
            "Recommendations without stock",
            'metric("sold_out") <= 0.02',
            0.094 if refused else 0.014,
            0.02,
            low,
            no if refused else yes,
        ),
        criterion(
            4,
            "Spread over seeds",
            'metric("seed_sd") <= 0.01',
            None if refused else 0.004,
            0.01,
            low,
            no if refused else yes,
            "The metric was not recorded." if refused else "",
        ),
        criterion(
            5,
            "Rows in the smallest slice",
            'slice_rows("min") >= 300',
            212,
            300,
            high,
            no if refused else mark(WAIVED, "waived"),
            digits=0,
        ),
    )
    decision = mark(BAD, "rejected") if refused else mark(OK, "approved")
    return GateEvaluation(
        code="G4",
        title="Release",
        question="May this model go live in the United States and Italy?",
        evaluated_at=at(day, "13:58"),
        mark=mark(BAD, "refused") if refused else mark(OK, "approved"),
        package_digest=digest,
        model="0.9.2" if refused else "1.0.0",
        model_digest=sha("TRN-0118" if refused else "TRN-0140"),
        environment="production",
        entry=9 if refused else 21,
        criteria=criteria,
        signatures=(
            signature(4, "reviewed", decision, at(day, "14:06"), digest, 10 if refused else 22),
            signature(0, "responsible", decision, at(day, "14:20"), digest, 11 if refused else 23),
        ),
        signatures_needed=2,
    )


def handoffs(n: int) -> tuple[Handoff, ...]:
    late = mark(WARN, "returned once") if n == 2 else mark(OK, "accepted")
    first, second = ("2026-04-08", "2026-05-05") if n == 1 else ("2026-06-26", "2026-07-13")
    return (
        Handoff(
            code="H-09",
            title="Training data",
            giver="Jonas Weber",
            taker="Tomás Rey",
            mark=late,
            due_on=date.fromisoformat(first),
            offered_at=at(first),
            decided_at=at(first, "16:00"),
            comment="split by store, not by row" if n == 2 else "",
        ),
        Handoff(
            code="H-11",
            title="Candidate model",
            giver="Tomás Rey",
            taker="Helen Brandt",
            mark=mark(OK, "accepted"),
            due_on=date.fromisoformat(second),
            offered_at=at(second),
            decided_at=at(second, "11:00"),
        ),
    )


def iterations() -> tuple[Iteration, ...]:
    first = measures(
        0.59,
        {
            "country=US": (0.61, 0.57),
            "country=IT": (0.44, 0.54),
            "country=JP": (0.31, 0.51),
            "month=12": (0.41, 0.52),
            "month=06": (0.60, 0.52),
        },
    )
    second = measures(
        0.65,
        {
            "country=US": (0.65, 0.57),
            "country=IT": (0.58, 0.54),
            "month=12": (0.63, 0.52),
            "month=02": (0.58, 0.52),
            "month=06": (0.64, 0.52),
        },
    )
    return (
        Iteration(
            number=1,
            reason="First release for the United States, Italy and Japan.",
            opened_by="Marta Lindqvist",
            opened_at=at("2026-03-02"),
            closed_at=at("2026-05-22", "14:20"),
            mark=mark(BAD, "refused"),
            start_phase=PHASES[0],
            phases=phases(
                ["2026-03-02", "2026-03-20", "2026-04-10", "2026-05-01", "2026-05-22"], mark(BAD, "refused")
            ),
            tasks=tasks("EV1", "2026-05-20", mark(BAD, "done: refused")),
            handoffs=handoffs(1),
            runs=(
                run(
                    "TRN-0107", "training", "Baseline", "2026-04-15", measures(0.55, {}), mark(OK, "finished")
                ),
                run(
                    "TRN-0112",
                    "training",
                    "Candidate without a target",
                    "2026-04-21",
                    (),
                    mark(BAD, "failed"),
                    "Column promo_units is missing in sales-us-2026.03, row 1.",
                ),
                run("TRN-0118", "training", "Candidate 0.9.2", "2026-04-28", first, mark(OK, "finished")),
            ),
            gates=(gate(1),),
        ),
        Iteration(
            number=2,
            reason="Trigger T-01 after the refusal: the success criterion counted coupons as demand.",
            opened_by="trigger T-01",
            opened_at=at("2026-05-26"),
            closed_at=at("2026-08-07", "08:21"),
            mark=mark(OK, "approved"),
            start_phase=PHASES[0],
            phases=phases(
                ["2026-05-26", "2026-06-09", "2026-06-30", "2026-07-10", "2026-07-24", "2026-08-07"],
                mark(OK, "passed"),
            ),
            tasks=tasks("EV2", "2026-07-20", mark(OK, "done")),
            handoffs=handoffs(2),
            runs=(
                run("TRN-0140", "training", "Candidate 1.0.0", "2026-07-06", second, mark(OK, "finished")),
            ),
            gates=(gate(2),),
        ),
    )


# Delivery, monitoring, risks ----------------------------------------------------------------------
def monitoring() -> Monitoring:
    live = [0.63, 0.64, 0.62, 0.63, 0.61, 0.62, 0.64, 0.63, 0.62, 0.60, 0.59, 0.60]
    sold_out = [0.9, 0.7, 0.8, 0.6, 1.1, 1.0, 0.8, 0.7, 0.9, 1.3, 1.2, 0.9]
    price = [0.05, 0.06, 0.05, 0.07, 0.06, 0.08, 0.07, 0.09, 0.12, 0.17, 0.24, 0.11]
    windows = []
    for n, (quality, stock, psi) in enumerate(zip(live, sold_out, price, strict=True)):
        start = at("2026-08-24", "00:00") + timedelta(weeks=n)
        moved = psi > 0.2
        features = {
            "unit_price": psi,
            "basket_size": 0.04 + n / 400,
            "weather": 0.05 + n / 150,
            "menu_item": 0.02 + n / 300,
        }
        windows.append(
            Window(
                code=f"MON-{n + 3:04d}",
                start=start,
                end=start + timedelta(days=7),
                rows=8_000 + 31 * n,
                segment="",
                mark=mark(WARN, "drift") if moved else mark(OK, "in limits"),
                snapshot=sha(f"window {n}"),
                performance=(
                    Measure(name="ndcg@3", value=quality, limit=0.57, digits=2),
                    Measure(
                        name="without stock", value=stock, limit=2.0, bound=Bound.AT_MOST, unit="%", digits=1
                    ),
                ),
                drift=tuple(
                    FeatureDrift(
                        feature=name,
                        value=round(v, 3),
                        limit=0.2,
                        p_value=0.01 if v > 0.2 else 0.4,
                        unseen=3 if name == "menu_item" else 0,
                        mark=mark(WARN, "drifted") if v > 0.2 else mark(OK, "steady"),
                    )
                    for name, v in features.items()
                ),
                quality=(("missing values", "12"), ("out of range", "0")),
                distributions=(
                    Distribution(
                        feature="unit_price",
                        bins=("< 6", "6–8", "8–10", "10–12", "> 12"),
                        reference=(0.1, 0.3, 0.35, 0.2, 0.05),
                        current=(0.05, 0.2, 0.33, 0.27, 0.15),
                    ),
                    Distribution(
                        feature="weather",
                        bins=("sun", "cloud", "rain", "snow"),
                        reference=(0.5, 0.3, 0.18, 0.02),
                        current=(0.45, 0.3, 0.22, 0.03),
                    ),
                ),
                fired="T-06" if moved else "",
            )
        )
    return Monitoring(reference="training data of TRN-0140", windows=tuple(windows))


RISKS = (
    Risk(
        code="R1-05",
        text="Metric is a bad proxy: coupons counted as demand",
        measure="Promotion-adjusted metric",
        owner="Tomás Rey",
        severity=5,
        occurrence=4,
        residual_severity=4,
        residual_occurrence=1,
        mark=mark(OK, "reduced"),
    ),
    Risk(
        code="R4-05",
        text="A good average hides a weak month or country",
        measure="Each slice blocks the gate",
        owner="Ines Okafor",
        severity=5,
        occurrence=4,
        residual_severity=5,
        residual_occurrence=1,
        mark=mark(OK, "reduced"),
    ),
    Risk(
        code="R6-02",
        text="Prices drift apart between countries",
        measure="Drift limit for each country",
        owner="Ines Okafor",
        severity=3,
        occurrence=5,
        residual_severity=3,
        residual_occurrence=3,
        mark=mark(WARN, "watched"),
    ),
)

ACTIONS = [
    "process.published",
    "project.opened",
    "iteration.opened",
    "handoff.accepted",
    "run.frozen",
    "run.frozen",
    "run.failed",
    "run.frozen",
    "gate.evaluated",
    "gate.signed",
    "gate.signed",
    "gate.refused",
    "trigger.fired",
    "iteration.opened",
    "handoff.returned",
    "handoff.accepted",
    "run.frozen",
    "run.frozen",
    "evidence.frozen",
    "task.closed",
    "gate.evaluated",
    "gate.signed",
    "gate.signed",
    "gate.approved",
    "waiver.granted",
    "authorization.issued",
    "deployment.recorded",
    "trigger.fired",
    "finding.opened",
    "report.rendered",
]


# Ledger -------------------------------------------------------------------------------------------
def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()


def tree(leaves: list[bytes]) -> bytes:
    if len(leaves) == 1:
        return leaves[0]
    k = 1 << (len(leaves) - 1).bit_length() - 1
    return _node(tree(leaves[:k]), tree(leaves[k:]))


def path(index: int, leaves: list[bytes]) -> list[bytes]:
    if len(leaves) == 1:
        return []
    k = 1 << (len(leaves) - 1).bit_length() - 1
    if index < k:
        return [*path(index, leaves[:k]), tree(leaves[k:])]
    return [*path(index - k, leaves[k:]), tree(leaves[:k])]


def ledger(
    actions: list[str], start: datetime = AS_OF - timedelta(days=262), subject: str = ""
) -> LedgerExtract:
    leaves = [hashlib.sha256(b"\0" + f"{n} {action}".encode()).digest() for n, action in enumerate(actions)]
    step = (AS_OF - start) / (len(actions) + 1)
    entries = tuple(
        LedgerEntry(
            number=n + 1,
            leaf_index=n,
            at=start + step * n,
            action=action,
            actor=PEOPLE[n % len(PEOPLE)].name if n % 7 else "system:outbox",
            subject=subject or f"{action.split('.')[0]} {n // 3 + 1}",
            leaf_hash=leaves[n].hex(),
            proof=tuple(node.hex() for node in path(n, leaves)) if len(leaves) < 100 else (),
        )
        for n, action in enumerate(actions)
    )
    return LedgerExtract(
        origin="gatebook.example/ledger",
        root=tree(leaves).hex(),
        size=len(leaves),
        mark=mark(OK, "intact"),
        entries=entries,
    )


# Reports ------------------------------------------------------------------------------------------
def whole() -> LifecycleReport:
    """Two iterations, one refused and one in use, with drift, risks and an open finding."""
    digest = sha("TRN-0140")
    return LifecycleReport(
        report_id="LR-2026-0147",
        as_of=AS_OF,
        project=ProjectHead(
            slug="pizzatron",
            name="Pizzatron",
            purpose="Weekly promotion advice for franchise owners",
            owner="Marta Lindqvist",
            risk_class="elevated",
            opened_at=at("2026-03-02"),
        ),
        process=PROCESS,
        ledger=ledger(ACTIONS),
        people=PEOPLE,
        duties=DUTIES,
        iterations=iterations(),
        authorizations=(
            Authorization(
                code="AUT-0007",
                model="1.0.0",
                model_digest=digest,
                environment="production",
                scope="US, IT",
                valid_from=at("2026-08-07"),
                valid_until=at("2027-01-31"),
                gate="G4",
                mark=mark(OK, "in force"),
            ),
        ),
        deployments=(
            Deployment(
                code="DEP-0012",
                at=at("2026-08-10"),
                environment="production US",
                model="1.0.0",
                model_digest=digest,
                by="Sam Doyle",
                authorization="AUT-0007",
                mark=mark(OK, "digest matches"),
            ),
            Deployment(
                code="DEP-0015",
                at=at("2026-09-07"),
                environment="production IT",
                model="1.0.0",
                model_digest=digest,
                by="Sam Doyle",
                authorization="AUT-0007",
                mark=mark(OK, "digest matches"),
            ),
        ),
        checks=(
            CheckCount(mark=mark(OK, "allowed"), count=34, reason="digest and environment authorized"),
            CheckCount(mark=mark(BAD, "denied"), count=2, reason="no authorization for Japan"),
        ),
        monitoring=monitoring(),
        firings=(
            Firing(
                trigger="T-01",
                title="Refusal at a gate",
                at=at("2026-05-22", "14:21"),
                saw="G4 refused",
                did="opened iteration 2 at phase 1",
                by="Marta Lindqvist",
                mark=mark(OK, "done"),
            ),
            Firing(
                trigger="T-06",
                title="Drift above the limit",
                at=at("2026-11-09", "05:10"),
                saw="unit_price, PSI 0.24, limit 0.20",
                did="finding F-04 opened",
                by="system:triggers",
                mark=mark(WARN, "open"),
            ),
        ),
        risks=RISKS,
        waivers=(
            Waiver(
                code="W-2",
                criterion="Rows in the smallest slice",
                reason="0.4 % of sales and covered by the fallback rule",
                granted_by="Helen Brandt",
                valid_until=date(2027, 1, 31),
                mark=mark(WAIVED, "in force"),
            ),
        ),
        findings=(
            Finding(
                code="F-04",
                text="Italian prices moved after the list of 26 October",
                owner="Ines Okafor",
                opened_on=date(2026, 11, 9),
                due_on=date(2026, 12, 15),
                mark=mark(WARN, "open"),
            ),
            Finding(
                code="F-01",
                text="Scope of iteration 1 named no countries",
                owner="Marta Lindqvist",
                opened_on=date(2026, 5, 25),
                due_on=date(2026, 6, 9),
                closed_on=date(2026, 6, 5),
                mark=mark(OK, "closed"),
            ),
        ),
    )


def fresh() -> LifecycleReport:
    """A project of today: a process, one iteration, nothing trained."""
    today = mark(IDLE, "not begun")
    return LifecycleReport(
        report_id="LR-2026-0001",
        as_of=AS_OF,
        project=ProjectHead(
            slug="new",
            name="New project",
            purpose="",
            owner="Marta Lindqvist",
            risk_class="",
            opened_at=AS_OF,
        ),
        process=PROCESS,
        ledger=ledger(["project.opened"], start=AS_OF - timedelta(hours=1)),
        iterations=(
            Iteration(
                number=1,
                reason="",
                opened_by="Marta Lindqvist",
                opened_at=AS_OF,
                mark=mark(IDLE, "open"),
                phases=tuple(PhaseState(number=n, name=name, mark=today) for n, name in enumerate(PHASES, 1)),
            ),
        ),
    )


def bare() -> LifecycleReport:
    """As little as the types allow."""
    process = Process(name="Own process", version="1", digest=sha("own"))
    return replace(fresh(), iterations=(), process=process, ledger=ledger(["project.opened"]))


def crowded(tasks_count: int = 220, entries: int = 700) -> LifecycleReport:
    """Hundreds of tasks and ledger entries, 60 slices, 40 features."""
    story = whole()
    base = story.iterations[1]
    many = tuple(
        replace(base.tasks[n % 9], code=f"{n // 40 + 1}.{n % 40 + 1}", phase=n // 40 + 1)
        for n in range(tasks_count)
    )
    slices = tuple(
        Measure(
            name="ndcg@3", value=0.5 + (n * 37 % 60) / 300, limit=0.55, slice=f"store={n:03d}", rows=40 + n
        )
        for n in range(60)
    )
    busy = replace(base, tasks=many, runs=(replace(base.runs[0], measures=base.runs[0].overall + slices),))
    last = story.monitoring.windows[-1]
    features = tuple(
        replace(last.drift[0], feature=f"feature_{n:02d}", value=(n * 7 % 40) / 150) for n in range(40)
    )
    windows = (*story.monitoring.windows[:-1], replace(last, drift=features))
    return replace(
        story,
        iterations=(story.iterations[0], busy),
        monitoring=replace(story.monitoring, windows=windows),
        ledger=ledger(ACTIONS * (entries // len(ACTIONS) + 1)),
    )


LONG = ("Averylongnamewithoutanyspaceatall" * 10)[:300]
SPACED = ("A long name that goes on and on and never says what it is for " * 6)[:300]
HEBREW = "מערכת המלצות שבועית לזכיינים"
ARABIC = "نظام التوصيات الأسبوعي"
EMOJI = "Pizza 🍕🎄 promo <script>alert(1)</script> & “quotes”"


def awkward() -> LifecycleReport:
    """Names of 300 characters, right-to-left, emoji, markup."""
    story = whole()
    base = story.iterations[1]
    named = [
        replace(task, title=name, owner=owner)
        for task, name, owner in zip(
            base.tasks,
            [LONG, SPACED, HEBREW, ARABIC, EMOJI, *["x"] * 4],
            [SPACED, LONG, ARABIC, EMOJI, HEBREW, *["y"] * 4],
            strict=True,
        )
    ]
    run_ = replace(
        base.runs[0],
        title=LONG,
        parameters=((LONG, SPACED),),
        measures=(
            *base.runs[0].measures,
            Measure(name="ndcg@3", value=0.6, limit=0.5, slice=LONG),
            Measure(name="ndcg@3", value=0.6, limit=0.5, slice=HEBREW),
        ),
    )
    gate_ = replace(
        base.gates[0],
        title=LONG,
        question=SPACED,
        criteria=tuple(
            replace(c, words=LONG, expression=LONG, reason=SPACED) for c in base.gates[0].criteria
        ),
        signatures=tuple(replace(s, name=LONG, role=HEBREW) for s in base.gates[0].signatures),
    )
    odd = replace(
        base,
        reason=SPACED,
        tasks=tuple(named),
        runs=(run_,),
        gates=(gate_,),
        handoffs=tuple(replace(h, title=EMOJI, giver=LONG, taker=HEBREW) for h in base.handoffs),
    )
    people = tuple(
        replace(person, name=name)
        for person, name in zip(PEOPLE, [LONG, SPACED, HEBREW, ARABIC, EMOJI, "李小龍"], strict=True)
    )
    deployments = tuple(replace(d, environment=LONG) for d in story.deployments)
    project = replace(story.project, name=SPACED, purpose=LONG, owner=HEBREW)
    return replace(
        story,
        project=project,
        people=people,
        iterations=(story.iterations[0], odd),
        deployments=deployments,
        ledger=ledger(ACTIONS, subject=LONG),
        findings=tuple(replace(f, text=LONG) for f in story.findings),
    )
