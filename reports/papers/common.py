"""Parts and tables that several papers share."""

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from reports.charts.bars import Bar, bars
from reports.documents import (
    Authorization,
    Deployment,
    Finding,
    GateEvaluation,
    LedgerEntry,
    LifecycleReport,
    Measure,
    Run,
    Waiver,
)
from reports.documents.measures import limit_words, number
from reports.papers.blocks import Column, Drawing, Paper, Part, Prose, Table
from reports.papers.kinds import Kind

TEXT, CODE, NUMBER, DAY, MOMENT, STATE, DIGEST = (
    Kind.TEXT,
    Kind.CODE,
    Kind.NUMBER,
    Kind.DAY,
    Kind.MOMENT,
    Kind.STATE,
    Kind.DIGEST,
)


def column(key: str, title: str, kind: Kind = TEXT, width: int = 0, digits: int = 3) -> Column:
    """A column, written in one line."""
    return Column(key=key, title=title, kind=kind, width=width, digits=digits)


def of_project(report: LifecycleReport, **rest: Any) -> Paper:
    """A paper about the project of a report, with what every such paper says at its head."""
    facts = [
        (_("Project"), report.project.name),
        (_("Owner"), report.project.owner),
        (_("Risk class"), report.project.risk_class),
        (_("As of"), f"{report.as_of:%-d %B %Y, %H:%M} UTC"),
    ]
    ledger = rest.pop("ledger", report.ledger)
    return Paper(
        report_id=rest.pop("report_id"),
        as_of=report.as_of,
        language=report.language,
        project=report.project,
        ledger=ledger,
        facts=tuple(facts + list(rest.pop("facts", ()))),
        **rest,
    )


def renamed(report: LifecycleReport, prefix: str) -> str:
    """The name of a paper: that of the lifecycle report of its moment, under the kind's own letters."""
    return prefix + report.report_id.removeprefix("LR")


def count_bars(name: str, found: Sequence[Bar], conclusion: str, note: str = "") -> Drawing | None:
    """Counts as a picture; None where there is nothing to count."""
    if not found:
        return None
    alt = "; ".join(f"{bar.label}: {bar.words}" for bar in found)
    return Drawing(name=name, svg=bars(found), alt=alt + ".", conclusion=conclusion, note=note)


def ledger_part(paper_says: str, report: LifecycleReport, entries: Sequence[LedgerEntry] = ()) -> Part:
    """The annex that says what the paper rests on, and how to check it."""
    ledger = report.ledger
    answer = ngettext(
        "It rests on a ledger of %(n)d entry: %(word)s.",
        "It rests on a ledger of %(n)d entries: %(word)s.",
        ledger.size,
    ) % {"n": ledger.size, "word": ledger.mark.word}
    root = _(
        "Origin %(origin)s, root %(root)s. The file carries evidence.json, the entry of its sealing "
        "with its proof, and the signed checkpoint: verify.py checks them without this site."
    ) % {"origin": ledger.origin, "root": ledger.root}
    blocks: list[Any] = [Prose(text=paper_says), Prose(text=root)]
    if entries:
        blocks.append(entry_table(entries))
    return Part(id="ledger", title=_("Ledger"), answer=answer, blocks=tuple(blocks), annex=True)


def entry_table(entries: Sequence[LedgerEntry], caption: str = "") -> Table:
    """Ledger entries, oldest first."""
    return Table(
        name="entries",
        caption=caption or _("Entries of the ledger"),
        compact=True,
        columns=(
            column("number", _("Entry"), NUMBER, 14, 0),
            column("at", _("Time, UTC"), MOMENT, 27),
            column("actor", _("Actor"), TEXT, 30),
            column("action", _("Action"), CODE, 32),
            column("subject", _("Record")),
            column("leaf_hash", _("Leaf hash"), DIGEST, 29),
        ),
        rows=tuple((e.number, e.at, e.actor, e.action, e.subject, e.leaf_hash) for e in entries),
        empty=_("The ledger has no entry of this."),
        head=-1,
    )


def gate_table(gates: Sequence[tuple[int, GateEvaluation]], empty: str) -> Table:
    """Gates with their last verdict."""
    return Table(
        name="gates",
        caption=_("Gates and what was decided"),
        columns=(
            column("gate", _("Gate"), TEXT, 14),
            column("iteration", _("Iteration"), NUMBER, 17, 0),
            column("question", _("Question")),
            column("evaluated_at", _("Evaluated, UTC"), MOMENT, 27),
            column("met", _("Criteria met"), TEXT, 20),
            column("signatures", _("Signatures"), TEXT, 19),
            column("state", _("State"), STATE, 26),
        ),
        rows=tuple(
            (
                g.code,
                n,
                g.question,
                g.evaluated_at,
                f"{sum(c.mark.state in ('ok', 'waived') for c in g.criteria)} / {len(g.criteria)}",
                f"{sum(not s.stale for s in g.signatures)} / {max(g.signatures_needed, len(g.signatures))}",
                g.mark,
            )
            for n, g in gates
        ),
        empty=empty,
    )


def criteria_table(gate: GateEvaluation) -> Table:
    """Each criterion as it was judged."""
    return Table(
        name="criteria",
        caption=_("Criteria of %(code)s: observed against limit") % {"code": gate.code},
        columns=(
            column("code", _("No."), TEXT, 10),
            column("words", _("Criterion")),
            column("limit", _("Limit"), TEXT, 20),
            column("observed", _("Observed"), TEXT, 24),
            column("state", _("State"), STATE, 24),
        ),
        rows=tuple(
            (c.code, c.words, limit_words(c.limit, c.bound, c.digits, c.unit), c.observed, c.mark)
            for c in gate.criteria
        ),
        empty=_("This gate has no criterion that was judged."),
        compact=len(gate.criteria) > 8,
    )


def expression_table(gate: GateEvaluation) -> Table:
    """What was computed, word for word."""
    return Table(
        name="expressions",
        caption=_("The criteria as they were computed"),
        compact=True,
        columns=(
            column("code", _("No."), TEXT, 10),
            column("expression", _("Expression"), CODE),
            column("reason", _("Reason"), TEXT, 60),
        ),
        rows=tuple((c.code, c.expression, c.reason) for c in gate.criteria),
        empty=_("Nothing was computed."),
    )


def authorization_table(found: Sequence[Authorization]) -> Table:
    """Permissions."""
    return Table(
        name="authorizations",
        caption=_("Authorizations"),
        columns=(
            column("code", _("Authorization"), TEXT, 22),
            column("model", _("Model"), TEXT, 22),
            column("environment", _("Environment"), TEXT, 24),
            column("scope", _("Scope")),
            column("valid_from", _("From"), DAY, 21),
            column("valid_until", _("Until"), DAY, 21),
            column("state", _("State"), STATE, 25),
        ),
        rows=tuple(
            (a.code, a.model, a.environment, a.scope, a.valid_from, a.valid_until, a.mark) for a in found
        ),
        empty=_("Nothing has been authorized."),
    )


def deployment_table(found: Sequence[Deployment]) -> Table:
    """What was put where."""
    return Table(
        name="deployments",
        caption=_("Deployments"),
        columns=(
            column("code", _("Deployment"), TEXT, 22),
            column("environment", _("Environment"), TEXT, 28),
            column("model", _("Model"), TEXT, 22),
            column("at", _("From"), DAY, 21),
            column("ended_at", _("Until"), DAY, 21),
            column("authorization", _("Under")),
            column("state", _("State"), STATE, 25),
        ),
        rows=tuple(
            (d.code, d.environment, d.model, d.at, d.ended_at, d.authorization or _("none"), d.mark)
            for d in found
        ),
        empty=_("Nothing has been deployed."),
    )


def finding_table(found: Sequence[Finding]) -> Table:
    """What must be put right."""
    return Table(
        name="findings",
        caption=_("Findings"),
        columns=(
            column("code", _("Finding"), TEXT, 17),
            column("text", _("What")),
            column("owner", _("Owner"), TEXT, 28),
            column("opened_on", _("Opened"), DAY, 21),
            column("due_on", _("Due"), DAY, 21),
            column("state", _("State"), STATE, 25),
        ),
        rows=tuple((f.code, f.text, f.owner, f.opened_on, f.due_on, f.mark) for f in found),
        empty=_("No finding has been opened."),
    )


def waiver_table(found: Sequence[Waiver]) -> Table:
    """Exceptions for a time."""
    return Table(
        name="waivers",
        caption=_("Waivers"),
        columns=(
            column("code", _("Waiver"), TEXT, 16),
            column("criterion", _("Criterion"), TEXT, 44),
            column("reason", _("Reason")),
            column("granted_by", _("By"), TEXT, 26),
            column("valid_until", _("Until"), DAY, 21),
            column("state", _("State"), STATE, 22),
        ),
        rows=tuple((w.code, w.criterion, w.reason, w.granted_by, w.valid_until, w.mark) for w in found),
        empty=_("No waiver was granted."),
    )


def measure_table(runs: Sequence[Run]) -> Table:
    """What was measured, overall and by slice, with the run that measured it."""
    return Table(
        name="measures",
        caption=_("What was measured"),
        columns=(
            column("run", _("Run"), TEXT, 22),
            column("metric", _("Metric"), TEXT, 36),
            column("slice", _("Slice")),
            column("rows", _("Rows"), NUMBER, 16, 0),
            column("value", _("Measured"), NUMBER, 21),
            column("limit", _("Limit"), TEXT, 20),
            column("state", _("State"), TEXT, 18),
        ),
        rows=tuple(_measure_row(run, measure) for run in runs for measure in run.measures),
        empty=_("Nothing was measured."),
        group=0,
    )


def _measure_row(run: Run, m: Measure) -> tuple[Any, ...]:
    words = {True: _("met"), False: _("not met"), None: _("no limit")}[m.met]
    return (
        run.code,
        m.name,
        m.slice or _("all data"),
        m.rows,
        m.value,
        limit_words(m.limit, m.bound, m.digits, m.unit),
        words,
    )


def run_table(runs: Sequence[Run]) -> Table:
    """What was computed."""
    return Table(
        name="runs",
        caption=_("Runs"),
        columns=(
            column("code", _("Run"), TEXT, 22),
            column("kind", _("Kind"), TEXT, 22),
            column("title", _("What")),
            column("started_by", _("By"), TEXT, 26),
            column("started_at", _("Started, UTC"), MOMENT, 27),
            column("snapshot", _("Frozen as"), DIGEST, 18),
            column("state", _("State"), STATE, 20),
        ),
        rows=tuple((r.code, r.kind, r.title, r.started_by, r.started_at, r.snapshot, r.mark) for r in runs),
        empty=_("Nothing has been trained or evaluated."),
    )


def shown(measure: Measure) -> str:
    """The measured number with its unit."""
    return number(measure.value, measure.digits, measure.unit)


def all_gates(report: LifecycleReport) -> list[tuple[int, GateEvaluation]]:
    """Every gate evaluation with its iteration's number."""
    return [(iteration.number, gate) for iteration in report.iterations for gate in iteration.gates]


def all_runs(report: LifecycleReport) -> list[Run]:
    """Every run, in order."""
    return [run for iteration in report.iterations for run in iteration.runs]
