"""Tables that the technical documentation of Annex IV has beside those of other papers."""

from collections.abc import Sequence

from django.utils.translation import gettext as _

from reports.documents import LifecycleReport, Run
from reports.documents.compliance import Control
from reports.papers.blocks import Table
from reports.papers.common import (
    CODE,
    DAY,
    DIGEST,
    MOMENT,
    NUMBER,
    STATE,
    TEXT,
    all_gates,
    column,
)
from reports.papers.data_sheet import DataFacts, columns_table, sets_table, states_table
from reports.papers.model_card import ModelFacts

MOST = 60


def version_table(found: Sequence[ModelFacts]) -> Table:
    """The versions of the model, each after the one before."""
    return Table(
        name="versions",
        caption=_("Versions of the model"),
        columns=(
            column("number", _("Version"), NUMBER, 18, 0),
            column("made_at", _("Made, UTC"), MOMENT, 34),
            column("size", _("Bytes"), NUMBER, 24, 0),
            column("source", _("From")),
            column("digest", _("SHA-256"), DIGEST, 30),
        ),
        rows=tuple(
            (v.number, v.made_at, v.size, v.source or _("a run recorded here"), v.digest) for v in found
        ),
        compact=True,
    )


def task_table(control: Control, report: LifecycleReport) -> Table | None:
    """The frozen evidence of the tasks that an item is worked on in; None where there is none."""
    found = {
        (task.code, item.digest): (task.code, item.title, item.kind, task.owner, item.digest, task.mark)
        for iteration in report.iterations
        for task in iteration.tasks
        if task.code in control.tasks
        for item in task.evidence
    }
    if not found:
        return None
    return Table(
        name=f"evidence-{control.id.replace('.', '-')}",
        caption=_("Frozen evidence of the tasks behind %(item)s") % {"item": control.label},
        columns=(
            column("task", _("Task"), TEXT, 14),
            column("title", _("What was frozen")),
            column("kind", _("Kind"), TEXT, 14),
            column("owner", _("By"), TEXT, 30),
            column("digest", _("SHA-256"), DIGEST, 30),
            column("state", _("Task is"), STATE, 26),
        ),
        rows=tuple(found.values()),
        compact=True,
        head=1,
        most=MOST,
    )


def software_table(runs: Sequence[Run]) -> Table:
    """Versions of what computed each run."""
    return Table(
        name="software",
        caption=_("Versions of the software that computed each run"),
        columns=(
            column("run", _("Run"), TEXT, 24),
            column("started_at", _("Started, UTC"), MOMENT, 30),
            column("software", _("Software")),
        ),
        rows=tuple((r.code, r.started_at, r.source) for r in runs if r.source),
        compact=True,
        most=MOST,
    )


def parameter_table(runs: Sequence[Run]) -> Table:
    """What each run was made with, and how long it took."""
    return Table(
        name="parameters",
        caption=_("What runs were made with"),
        columns=(
            column("run", _("Run"), TEXT, 24),
            column("seconds", _("Seconds"), NUMBER, 20, 1),
            column("name", _("Parameter"), CODE, 48),
            column("value", _("Value"), CODE),
        ),
        rows=tuple((r.code, r.seconds, name, value) for r in runs for name, value in r.parameters),
        compact=True,
        group=0,
        most=200,
    )


def data_tables(found: Sequence[DataFacts]) -> tuple[Table, ...]:
    """What is known of each data set."""
    return (sets_table(found), states_table(found), columns_table(found)) if found else ()


def people_table(found: Sequence[tuple[str, str]]) -> Table:
    """Who watches over the system."""
    return Table(
        name="oversight",
        caption=_("Who watches over the system"),
        columns=(column("name", _("Person"), TEXT, 60), column("role", _("As"))),
        rows=tuple(found),
    )


def decided_table(report: LifecycleReport) -> Table:
    """Who signed what, and when."""
    return Table(
        name="signatures",
        caption=_("Signed decisions about what was tested"),
        columns=(
            column("gate", _("Gate"), TEXT, 16),
            column("name", _("Signed by")),
            column("meaning", _("Meaning"), TEXT, 40),
            column("at", _("On, UTC"), MOMENT, 30),
            column("digest", _("SHA-256 of what was seen"), DIGEST, 36),
        ),
        rows=tuple(
            (gate.code, s.name, s.meaning, s.at, s.digest)
            for _number, gate in all_gates(report)
            for s in gate.signatures
        ),
        compact=True,
        head=1,
    )


def window_table(report: LifecycleReport) -> Table:
    """What monitoring saw, window by window."""
    return Table(
        name="windows",
        caption=_("Monitoring, window by window"),
        columns=(
            column("code", _("Run"), TEXT, 24),
            column("title", _("Which data")),
            column("rows", _("Rows"), NUMBER, 20, 0),
            column("end", _("Looked at"), DAY, 24),
            column("state", _("State"), STATE, 32),
        ),
        rows=tuple((w.code, w.title, w.rows, w.end, w.mark) for w in report.monitoring.windows),
        compact=True,
        most=MOST,
    )


def firing_table(report: LifecycleReport) -> Table:
    """What triggers saw, and what was done."""
    return Table(
        name="firings",
        caption=_("Triggers that fired, and what was done"),
        columns=(
            column("trigger", _("Trigger"), TEXT, 18),
            column("at", _("On"), DAY, 22),
            column("saw", _("What it saw")),
            column("did", _("What was done"), TEXT, 50),
            column("state", _("State"), STATE, 24),
        ),
        rows=tuple((f.trigger, f.at, f.saw, f.did, f.mark) for f in report.firings),
        compact=True,
        most=MOST,
    )


def iteration_table(report: LifecycleReport) -> Table:
    """Each time round the cycle, and why."""
    return Table(
        name="iterations",
        caption=_("Each time round the cycle"),
        columns=(
            column("number", _("Iteration"), NUMBER, 18, 0),
            column("reason", _("Why it was opened")),
            column("opened_by", _("By"), TEXT, 42),
            column("opened_at", _("Opened"), DAY, 22),
            column("closed_at", _("Closed"), DAY, 22),
            column("state", _("State"), STATE, 24),
        ),
        rows=tuple(
            (i.number, i.reason or "–", i.opened_by, i.opened_at, i.closed_at, i.mark)
            for i in report.iterations
        ),
        compact=True,
        head=1,
    )
