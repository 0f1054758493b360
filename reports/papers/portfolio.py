"""The portfolio summary: all projects on a few pages, what needs somebody first."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from reports.charts.bars import Bar
from reports.documents import Answer, LedgerExtract, Mark, State
from reports.papers.answers import concluded, judged, listed
from reports.papers.blocks import Paper, Part, Prose, Table
from reports.papers.common import NUMBER, STATE, TEXT, column, count_bars


@dataclass(frozen=True, kw_only=True)
class ProjectLine:
    """One project as management sees it."""

    slug: str
    name: str
    owner: str
    risk_class: str
    phase: str
    live: int
    findings: int
    late: int
    waiting: int
    mark: Mark


def portfolio(
    found: Sequence[ProjectLine],
    *,
    ledger: LedgerExtract,
    as_of: datetime,
    report_id: str,
    reader: str,
    language: str,
) -> Paper:
    """All projects that a reader sees, what does harm first."""
    answers = _answers(found, ledger)
    states = Counter((line.mark.word, line.mark.state) for line in found)
    counted = [
        Bar(label=word, value=n, words=str(n), state=state) for (word, state), n in states.most_common(10)
    ]
    conclusion = ngettext("%(n)d project.", "%(n)d projects by what is the matter.", len(found)) % {
        "n": len(found)
    }
    return Paper(
        kind="portfolio",
        name=_("Portfolio summary"),
        title=_("All projects"),
        subtitle=_("What is under way, what runs, and what needs somebody"),
        report_id=report_id,
        as_of=as_of,
        language=language,
        ledger=ledger,
        verdict=concluded(answers, good=_("Yes. Every project is on course, and what runs was authorized.")),
        answers=answers,
        facts=(
            (_("Projects"), str(len(found))),
            (_("Seen by"), reader or _("the system")),
            (_("As of"), f"{as_of:%-d %B %Y, %H:%M} UTC"),
        ),
        picture=count_bars("states", counted, conclusion),
        parts=(
            Part(
                id="projects", title=_("Projects"), answer=_said(found), blocks=(_table(found),), runon=False
            ),
            Part(
                id="ledger",
                title=_("Ledger"),
                answer=_("It rests on a ledger of %(n)d entries: %(word)s.")
                % {"n": ledger.size, "word": ledger.mark.word},
                blocks=(
                    Prose(
                        text=_("Origin %(origin)s, root %(root)s.")
                        % {"origin": ledger.origin, "root": ledger.root}
                    ),
                ),
                annex=True,
            ),
        ),
    )


def _said(found: Sequence[ProjectLine]) -> str:
    grave = [line.name for line in found if line.mark.state in (State.BAD, State.WARN)]
    if not found:
        return _("There is no project yet.")
    if not grave:
        return _("All are on course.")
    return _("These need somebody: %(names)s.") % {"names": listed(grave, 6)}


def _table(found: Sequence[ProjectLine]) -> Table:
    return Table(
        name="projects",
        caption=_("Projects, what does harm first"),
        columns=(
            column("name", _("Project")),
            column("owner", _("Owner"), TEXT, 27),
            column("risk_class", _("Risk class"), TEXT, 21),
            column("phase", _("Phase"), TEXT, 33),
            column("live", _("Runs"), NUMBER, 13, 0),
            column("findings", _("Findings"), NUMBER, 17, 0),
            column("late", _("Late"), NUMBER, 12, 0),
            column("state", _("State"), STATE, 27),
        ),
        rows=tuple(
            (p.name, p.owner, p.risk_class, p.phase, p.live, p.findings, p.late, p.mark) for p in found
        ),
        empty=_("There is no project yet."),
    )


def _answers(found: Sequence[ProjectLine], ledger: LedgerExtract) -> tuple[Answer, ...]:
    harmed = [p.name for p in found if p.mark.state is State.BAD]
    late = [p.name for p in found if p.late]
    findings = [p.name for p in found if p.findings]
    waiting = [p.name for p in found if p.waiting]
    none = "" if found else _("There is no project yet.")
    return (
        judged(
            _("Does what runs work?"),
            "projects",
            none=none,
            bad=_("Out of order while live: %(names)s.") % {"names": listed(harmed)} if harmed else "",
            good=_("%(n)d deployments run, none out of order.") % {"n": sum(p.live for p in found)},
        ),
        judged(
            _("Is the work on time?"),
            "projects",
            none=none,
            odd=_("Something is late in: %(names)s.") % {"names": listed(late)} if late else "",
            good=_("Nothing is late."),
        ),
        judged(
            _("Is everything closed that should be?"),
            "projects",
            none=none,
            odd=_("Open findings in: %(names)s.") % {"names": listed(findings)} if findings else "",
            good=_("No finding is open."),
        ),
        judged(
            _("Was every alarm answered?"),
            "projects",
            none=none,
            odd=_("A decision is waited for in: %(names)s.") % {"names": listed(waiting)} if waiting else "",
            good=_("Nothing waits for a decision."),
        ),
        judged(
            _("Can this record be trusted?"),
            "ledger",
            bad=ledger.mark.word if ledger.mark.state is State.BAD else "",
            odd=ledger.mark.word if ledger.mark.state is State.IDLE else "",
            good=_("%(n)d ledger entries, %(word)s.") % {"n": ledger.size, "word": ledger.mark.word},
        ),
    )
