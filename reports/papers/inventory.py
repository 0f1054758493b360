"""The inventory of AI systems: every one that the reader sees, who answers for it, what runs, what is due."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from reports.charts.bars import Bar
from reports.documents import Answer, LedgerExtract, Mark, State
from reports.papers.answers import concluded, judged, listed
from reports.papers.blocks import Paper, Part, Prose, Table
from reports.papers.common import DAY, NUMBER, STATE, TEXT, column, count_bars


@dataclass(frozen=True, kw_only=True)
class SystemFacts:
    """One AI system as the inventory has it; `late` where its review is overdue."""

    name: str
    purpose: str
    risk_class: str
    owner: str
    deputy: str
    live: tuple[str, ...]
    uses: tuple[str, ...]
    incidents: int
    late: bool
    mark: Mark
    reviewed_on: date | None = None
    review_due: date | None = None


def inventory(
    found: Sequence[SystemFacts],
    *,
    ledger: LedgerExtract,
    as_of: datetime,
    report_id: str,
    reader: str,
    language: str,
) -> Paper:
    """All systems that a reader sees, by name."""
    answers = _answers(found, ledger)
    classes = Counter(each.risk_class for each in found)
    counted = [Bar(label=name, value=n, words=str(n)) for name, n in classes.most_common(10)]
    said = ngettext("%(n)d system.", "%(n)d systems by risk class.", len(found)) % {"n": len(found)}
    root = _("Origin %(origin)s, root %(root)s.") % {"origin": ledger.origin, "root": ledger.root}
    rests = _("It rests on a ledger of %(n)d entries: %(word)s.")
    return Paper(
        kind="inventory",
        name=_("Inventory of AI systems"),
        title=_("All AI systems"),
        subtitle=_("What there is, who answers for it, what runs, and when it is looked at again"),
        report_id=report_id,
        as_of=as_of,
        language=language,
        ledger=ledger,
        verdict=concluded(answers, good=_("Yes. Every system has an owner, and none is overdue.")),
        answers=answers,
        facts=(
            (_("Systems"), str(len(found))),
            (_("Seen by"), reader or _("the system")),
            (_("As of"), f"{as_of:%-d %B %Y, %H:%M} UTC"),
        ),
        picture=count_bars("classes", counted, said),
        parts=(
            Part(id="systems", title=_("Systems"), answer=said, blocks=(_systems(found),), runon=False),
            Part(
                id="uses",
                title=_("Purpose and approved uses"),
                answer=_("What each is for, and what it may be used for."),
                blocks=(_uses(found),),
            ),
            Part(
                id="ledger",
                title=_("Ledger"),
                answer=rests % {"n": ledger.size, "word": ledger.mark.word},
                blocks=(Prose(text=root),),
                annex=True,
            ),
        ),
    )


def _systems(found: Sequence[SystemFacts]) -> Table:
    return Table(
        name="systems",
        caption=_("AI systems by name"),
        columns=(
            column("name", _("System")),
            column("owner", _("Owner"), TEXT, 26),
            column("risk_class", _("Risk class"), TEXT, 20),
            column("live", _("In production"), TEXT, 34),
            column("reviewed_on", _("Reviewed"), DAY, 20),
            column("review_due", _("Next"), DAY, 20),
            column("incidents", _("Incidents"), NUMBER, 18, 0),
            column("state", _("State"), STATE, 25),
        ),
        rows=tuple(
            (
                s.name,
                s.owner,
                s.risk_class,
                "; ".join(s.live),
                s.reviewed_on,
                s.review_due,
                s.incidents,
                s.mark,
            )
            for s in found
        ),
        empty=_("There is no system yet."),
        compact=True,
    )


def _uses(found: Sequence[SystemFacts]) -> Table:
    return Table(
        name="uses",
        caption=_("What each system is for"),
        columns=(
            column("name", _("System"), TEXT, 42),
            column("purpose", _("Purpose")),
            column("uses", _("Approved uses"), TEXT, 48),
            column("deputy", _("Deputy"), TEXT, 24),
        ),
        rows=tuple((s.name, s.purpose, "; ".join(s.uses), s.deputy) for s in found),
        empty=_("There is no system yet."),
        compact=True,
    )


def _answers(found: Sequence[SystemFacts], ledger: LedgerExtract) -> tuple[Answer, ...]:
    none = "" if found else _("There is no system yet.")
    alone = [s.name for s in found if not s.owner]
    late = [s.name for s in found if s.late]
    unplanned = [s.name for s in found if s.review_due is None]
    hurt = [s.name for s in found if s.incidents]
    return (
        judged(
            _("Does somebody answer for each?"),
            "systems",
            none=none,
            odd=_("Nobody is named for: %(names)s.") % {"names": listed(alone)} if alone else "",
            good=_("Each has an owner."),
        ),
        judged(
            _("Is the next look planned?"),
            "systems",
            none=none,
            odd=_("Not for: %(names)s.") % {"names": listed(unplanned)} if unplanned else "",
            good=_("For each."),
        ),
        judged(
            _("Is no review overdue?"),
            "systems",
            none=none,
            bad=_("Overdue: %(names)s.") % {"names": listed(late)} if late else "",
            good=_("None is."),
        ),
        judged(
            _("Is no incident open?"),
            "systems",
            none=none,
            odd=_("Open in: %(names)s.") % {"names": listed(hurt)} if hurt else "",
            good=_("None is."),
        ),
        judged(
            _("Can this record be trusted?"),
            "ledger",
            bad=ledger.mark.word if ledger.mark.state is State.BAD else "",
            odd=ledger.mark.word if ledger.mark.state is State.IDLE else "",
            good=_("%(n)d ledger entries, %(word)s.") % {"n": ledger.size, "word": ledger.mark.word},
        ),
    )
