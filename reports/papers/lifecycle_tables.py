"""The lifecycle report as tables: what its PDF shows, for CSV, XLSX, JSON, Parquet and the page."""

from django.utils.translation import gettext as _

from reports.documents import LifecycleReport
from reports.papers.blocks import Table
from reports.papers.common import (
    CODE,
    DAY,
    DIGEST,
    MOMENT,
    NUMBER,
    STATE,
    all_gates,
    all_runs,
    authorization_table,
    column,
    deployment_table,
    entry_table,
    finding_table,
    gate_table,
    measure_table,
    run_table,
    waiver_table,
)
from reports.papers.risk_register import risk_table


def lifecycle_tables(report: LifecycleReport) -> tuple[Table, ...]:
    """In the order of the report."""
    gates = all_gates(report)
    runs = all_runs(report)
    return (
        _iterations(report),
        _tasks(report),
        _handoffs(report),
        run_table(runs),
        measure_table(runs),
        gate_table(gates, _("No gate has been evaluated.")),
        _criteria(report),
        _signatures(report),
        authorization_table(report.authorizations),
        deployment_table(report.deployments),
        _windows(report),
        risk_table(report.risks),
        waiver_table(report.waivers),
        finding_table(report.findings),
        _evidence(report),
        entry_table(report.ledger.entries),
    )


def _iterations(report: LifecycleReport) -> Table:
    return Table(
        name="iterations",
        caption=_("Iterations"),
        columns=(
            column("number", _("Iteration"), NUMBER, 0, 0),
            column("reason", _("Why")),
            column("opened_by", _("Opened by")),
            column("opened_at", _("Opened, UTC"), MOMENT),
            column("closed_at", _("Closed, UTC"), MOMENT),
            column("state", _("State"), STATE),
        ),
        rows=tuple(
            (i.number, i.reason, i.opened_by, i.opened_at, i.closed_at, i.mark) for i in report.iterations
        ),
        empty=_("No iteration has been opened yet."),
    )


def _tasks(report: LifecycleReport) -> Table:
    return Table(
        name="tasks",
        caption=_("Tasks"),
        columns=(
            column("iteration", _("Iteration"), NUMBER, 0, 0),
            column("phase", _("Phase"), NUMBER, 0, 0),
            column("code", _("Task")),
            column("title", _("What")),
            column("owner", _("Owner")),
            column("due_on", _("Due"), DAY),
            column("evidence", _("Evidence")),
            column("state", _("State"), STATE),
        ),
        rows=tuple(
            (
                i.number,
                t.phase,
                t.code,
                t.title,
                t.owner,
                t.due_on,
                ", ".join(e.code for e in t.evidence),
                t.mark,
            )
            for i in report.iterations
            for t in i.tasks
        ),
        empty=_("No task has been begun."),
        head=2,
    )


def _handoffs(report: LifecycleReport) -> Table:
    return Table(
        name="handoffs",
        caption=_("Handoffs"),
        columns=(
            column("iteration", _("Iteration"), NUMBER, 0, 0),
            column("code", _("Handoff")),
            column("title", _("What")),
            column("giver", _("From")),
            column("taker", _("To")),
            column("due_on", _("Due"), DAY),
            column("decided_at", _("Decided, UTC"), MOMENT),
            column("state", _("State"), STATE),
        ),
        rows=tuple(
            (i.number, h.code, h.title, h.giver, h.taker, h.due_on, h.decided_at, h.mark)
            for i in report.iterations
            for h in i.handoffs
        ),
        empty=_("Nothing has been handed over."),
        head=1,
    )


def _criteria(report: LifecycleReport) -> Table:
    return Table(
        name="criteria",
        caption=_("Criteria as they were judged"),
        columns=(
            column("gate", _("Gate")),
            column("evaluated_at", _("Evaluated, UTC"), MOMENT),
            column("code", _("No.")),
            column("words", _("Criterion")),
            column("expression", _("Expression"), CODE),
            column("limit", _("Limit"), NUMBER),
            column("observed", _("Observed")),
            column("state", _("State"), STATE),
        ),
        rows=tuple(
            (g.code, g.evaluated_at, c.code, c.words, c.expression, c.limit, c.observed, c.mark)
            for _n, g in all_gates(report)
            for c in g.criteria
        ),
        empty=_("No criterion has been judged."),
    )


def _signatures(report: LifecycleReport) -> Table:
    return Table(
        name="signatures",
        caption=_("Signatures"),
        columns=(
            column("gate", _("Gate")),
            column("name", _("Name")),
            column("role", _("Role")),
            column("at", _("Signed, UTC"), MOMENT),
            column("meaning", _("Meaning")),
            column("decision", _("Decision"), STATE),
            column("digest", _("Digest of what was seen"), DIGEST),
            column("entry", _("Ledger entry"), NUMBER, 0, 0),
        ),
        rows=tuple(
            (g.code, s.name, s.role, s.at, s.meaning, s.mark, s.digest, s.entry)
            for _n, g in all_gates(report)
            for s in g.signatures
        ),
        empty=_("Nobody has signed."),
    )


def _windows(report: LifecycleReport) -> Table:
    return Table(
        name="monitoring",
        caption=_("Windows of live data"),
        columns=(
            column("code", _("Run")),
            column("title", _("Window")),
            column("start", _("From, UTC"), MOMENT),
            column("end", _("Until, UTC"), MOMENT),
            column("rows", _("Rows"), NUMBER, 0, 0),
            column("fired", _("Fired")),
            column("state", _("State"), STATE),
        ),
        rows=tuple(
            (w.code, w.title or w.segment, w.start, w.end, w.rows, w.fired, w.mark)
            for w in report.monitoring.windows
        ),
        empty=_("No live data has been judged yet."),
    )


def _evidence(report: LifecycleReport) -> Table:
    return Table(
        name="evidence",
        caption=_("Frozen items"),
        columns=(
            column("code", _("Item")),
            column("kind", _("Kind")),
            column("title", _("What")),
            column("frozen_at", _("Frozen, UTC"), MOMENT),
            column("proves", _("Proves")),
            column("digest", _("Digest"), DIGEST),
        ),
        rows=tuple((e.code, e.kind, e.title, e.frozen_at, e.proves, e.digest) for e in report.evidence),
        empty=_("Nothing has been frozen as evidence yet."),
    )
