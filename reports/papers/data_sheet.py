"""The data sheet: which data the project used, in which states, from where, and by which runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from reports.charts.bars import Bar
from reports.documents import Answer, LifecycleReport, State
from reports.papers.answers import concluded, judged, listed
from reports.papers.blocks import Paper, Part, Prose, Table
from reports.papers.common import (
    CODE,
    DAY,
    DIGEST,
    NUMBER,
    TEXT,
    all_runs,
    column,
    count_bars,
    ledger_part,
    measure_table,
    of_project,
    renamed,
    run_table,
)


@dataclass(frozen=True, kw_only=True)
class DataState:
    """One version of a data set, named by its digest, and the runs that read or wrote it."""

    number: int
    digest: str
    method: str
    made_at: datetime
    rows: int | None = None
    size: int | None = None
    uri: str = ""
    columns: tuple[tuple[str, str], ...] = ()
    uses: tuple[tuple[str, str], ...] = ()  # (code of the run, role)


@dataclass(frozen=True, kw_only=True)
class DataFacts:
    """A data set as it is described."""

    name: str
    source: str
    licence: str
    owner: str
    description: str
    states: tuple[DataState, ...] = ()


def data_sheet(report: LifecycleReport, found: Sequence[DataFacts]) -> Paper:
    """All data sets of a project."""
    answers = _answers(report, found)
    counted = [
        Bar(label=f"{d.name} {s.number}", value=s.rows or 0, words=_("%(n)d rows") % {"n": s.rows or 0})
        for d in found
        for s in d.states
        if s.rows
    ]
    checks = [run for run in all_runs(report) if run.kind == "data validation"]
    return of_project(
        report,
        report_id=renamed(report, "DS"),
        kind="data-sheet",
        name=_("Data sheet"),
        title=report.project.name,
        subtitle=report.project.purpose,
        verdict=concluded(
            answers,
            good=_("Yes. It is known which data was used, where it came from and that it was checked."),
        ),
        answers=answers,
        facts=((_("Data sets"), str(len(found))),),
        picture=count_bars("rows", counted[:14], _conclusion(found), _("Rows of each state, on one scale.")),
        parts=(
            Part(
                id="sets",
                title=_("Data sets"),
                answer=_conclusion(found),
                blocks=(
                    sets_table(found),
                    *(Prose(lead=f"{d.name}.", text=d.description) for d in found if d.description),
                ),
                runon=False,
            ),
            Part(
                id="states",
                title=_("States, and the runs that used them"),
                answer=_("A state is named by its digest: other bytes are another state."),
                blocks=(states_table(found), _uses(found)),
            ),
            Part(
                id="columns",
                title=_("Columns"),
                answer=_("The columns of the newest state of each set."),
                blocks=(columns_table(found),),
            ),
            Part(
                id="checks",
                title=_("What was checked"),
                answer=ngettext("%(n)d data validation.", "%(n)d data validations.", len(checks))
                % {"n": len(checks)},
                blocks=(run_table(checks), measure_table(checks)),
            ),
            ledger_part(
                _("Each state and each run stands in the ledger under the digest that is printed here."),
                report,
            ),
        ),
    )


def _conclusion(found: Sequence[DataFacts]) -> str:
    if not found:
        return _("No data set is described or was used yet.")
    states = sum(len(d.states) for d in found)
    sets = ngettext("%(n)d data set", "%(n)d data sets", len(found)) % {"n": len(found)}
    return ngettext("%(sets)s in %(n)d state.", "%(sets)s in %(n)d states.", states) % {
        "sets": sets,
        "n": states,
    }


def sets_table(found: Sequence[DataFacts]) -> Table:
    """What each set is."""
    return Table(
        name="data-sets",
        caption=_("What each set is"),
        columns=(
            column("name", _("Data set")),
            column("source", _("From"), TEXT, 42),
            column("licence", _("Licence"), TEXT, 28),
            column("owner", _("Answers for it"), TEXT, 28),
            column("states", _("States"), NUMBER, 16, 0),
        ),
        rows=tuple((d.name, d.source or "–", d.licence or "–", d.owner or "–", len(d.states)) for d in found),
        empty=_("No data set is described or was used yet."),
    )


def states_table(found: Sequence[DataFacts]) -> Table:
    """The states of each set, newest first."""
    return Table(
        name="states",
        caption=_("States, newest first"),
        columns=(
            column("name", _("Data set")),
            column("number", _("State"), NUMBER, 14, 0),
            column("made_at", _("Known since"), DAY, 24),
            column("rows", _("Rows"), NUMBER, 22, 0),
            column("method", _("Digest of"), TEXT, 34),
            column("digest", _("Digest"), DIGEST, 22),
        ),
        rows=tuple(
            (d.name, s.number, s.made_at, s.rows, s.method, s.digest) for d in found for s in d.states
        ),
        empty=_("There is none."),
        group=0,
    )


def _uses(found: Sequence[DataFacts]) -> Table:
    return Table(
        name="uses",
        caption=_("Runs that used them"),
        columns=(
            column("name", _("Data set")),
            column("number", _("State"), NUMBER, 18, 0),
            column("run", _("Run"), TEXT, 30),
            column("role", _("As"), TEXT, 40),
        ),
        rows=tuple((d.name, s.number, run, role) for d in found for s in d.states for run, role in s.uses),
        empty=_("No run has used one."),
        compact=True,
        group=0,
    )


def columns_table(found: Sequence[DataFacts]) -> Table:
    """The columns of the newest state of each set."""
    return Table(
        name="columns",
        caption=_("Columns and their types"),
        columns=(
            column("name", _("Data set"), TEXT, 60),
            column("column", _("Column"), CODE),
            column("type", _("Type"), CODE, 40),
        ),
        rows=tuple((d.name, name, kind) for d in found for s in d.states[:1] for name, kind in s.columns),
        empty=_("No columns were recorded."),
        compact=True,
        group=0,
    )


def _answers(report: LifecycleReport, found: Sequence[DataFacts]) -> tuple[Answer, ...]:
    none = "" if found else _("No data set is described or was used yet.")
    vague = [d.name for d in found if not d.source]
    free = [d.name for d in found if not d.licence]
    alone = [d.name for d in found if not d.owner]
    checks = [run for run in all_runs(report) if run.kind == "data validation"]
    failed = [run.code for run in checks if run.mark.state is State.BAD]
    used = sum(len(s.uses) for d in found for s in d.states)
    return (
        judged(
            _("Is it known where the data comes from?"),
            "sets",
            none=none,
            odd=_("Not said of: %(names)s.") % {"names": listed(vague)} if vague else "",
            good=_("Each set names its source."),
        ),
        judged(
            _("May it be used?"),
            "sets",
            none=none,
            odd=_("No licence is noted of: %(names)s.") % {"names": listed(free)} if free else "",
            good=_("Each set names its licence."),
        ),
        judged(
            _("Does somebody answer for it?"),
            "sets",
            none=none,
            odd=_("Nobody is named for: %(names)s.") % {"names": listed(alone)} if alone else "",
            good=_("Each set names who answers for it."),
        ),
        judged(
            _("Was it checked?"),
            "checks",
            none="" if checks else _("No data validation was run."),
            odd=_("Failed: %(codes)s.") % {"codes": listed(failed)} if failed else "",
            good=_("%(n)d validations were run.") % {"n": len(checks)},
        ),
        judged(
            _("Is it known what it went into?"),
            "states",
            none=none,
            odd="" if used else _("No run names a state of it."),
            good=_("%(n)d uses by runs are recorded.") % {"n": used},
        ),
    )
