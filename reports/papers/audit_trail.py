"""The audit trail: every entry of a project in a period, in order."""

from collections import Counter
from datetime import datetime
from itertools import pairwise

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from reports.charts.bars import Bar
from reports.documents import Answer, LedgerEntry, LifecycleReport, State
from reports.papers.answers import concluded, judged
from reports.papers.blocks import Column, Paper, Part, Table
from reports.papers.common import (
    MOMENT,
    NUMBER,
    TEXT,
    column,
    count_bars,
    entry_table,
    ledger_part,
    of_project,
    renamed,
)


def audit_trail(report: LifecycleReport, since: datetime | None) -> Paper:
    """Who did what to which record, when, from `since` (or the beginning) to the report's moment."""
    entries = [e for e in report.ledger.entries if since is None or e.at >= since]
    answers = _answers(report, entries)
    kinds = Counter(entry.action.split(".")[0] for entry in entries)
    found = [Bar(label=kind, value=n, words=str(n)) for kind, n in kinds.most_common(12)]
    people = Counter(entry.actor for entry in entries)
    begun = since or report.project.opened_at
    return of_project(
        report,
        report_id=renamed(report, "AT"),
        kind="audit-trail",
        name=_("Audit trail"),
        title=report.project.name,
        subtitle=_("What was recorded from %(a)s to %(b)s")
        % {"a": f"{begun:%-d %B %Y}", "b": f"{report.as_of:%-d %B %Y}"},
        verdict=concluded(answers, good=_("Yes. Every entry is where it was written, and none is missing.")),
        answers=answers,
        since=since,
        facts=((_("Period"), f"{begun:%-d %b %Y, %H:%M} – {report.as_of:%-d %b %Y, %H:%M} UTC"),),
        picture=count_bars(
            "actions", found, _picture(entries, kinds), _("Entries by the kind of record they are about.")
        ),
        parts=(
            Part(
                id="actors",
                title=_("Who acted"),
                answer=ngettext("%(n)d actor.", "%(n)d actors.", len(people)) % {"n": len(people)},
                blocks=(_actors(people, entries),),
                runon=False,
            ),
            Part(
                id="entries",
                title=_("Entries"),
                answer=_picture(entries, kinds),
                blocks=(entry_table(entries, _("Entries of the project, oldest first")),),
            ),
            ledger_part(
                _("Number, time and leaf hash stand above; evidence.json has each entry's path to the root."),
                report,
            ),
        ),
    )


def _picture(entries: list[LedgerEntry], kinds: Counter[str]) -> str:
    if not entries:
        return _("Nothing was recorded in this period.")
    values = {"n": len(entries), "kind": kinds.most_common(1)[0][0]}
    return (
        ngettext(
            "%(n)d entry, about a %(kind)s.", "%(n)d entries, most of them about: %(kind)s.", len(entries)
        )
        % values
    )


def _actors(people: Counter[str], entries: list[LedgerEntry]) -> Table:
    first: dict[str, datetime] = {}
    last: dict[str, datetime] = {}
    for entry in entries:
        first.setdefault(entry.actor, entry.at)
        last[entry.actor] = entry.at
    columns: tuple[Column, ...] = (
        column("actor", _("Actor"), TEXT),
        column("entries", _("Entries"), NUMBER, 24, 0),
        column("first", _("First, UTC"), MOMENT, 34),
        column("last", _("Last, UTC"), MOMENT, 34),
    )
    rows = tuple((name, n, first[name], last[name]) for name, n in people.most_common())
    return Table(
        name="actors",
        caption=_("Actors by number of entries"),
        columns=columns,
        rows=rows,
        empty=_("Nobody acted."),
    )


def _answers(report: LifecycleReport, entries: list[LedgerEntry]) -> tuple[Answer, ...]:
    ledger = report.ledger
    broken = ledger.mark.state is State.BAD
    back = [b.number for a, b in pairwise(entries) if b.at < a.at]
    machines = sum(not e.actor or e.actor.startswith("system") for e in entries)
    unproven = sum(not e.proof for e in entries) if ledger.size > 1 else 0
    none = "" if entries else _("Nothing was recorded in this period.")
    return (
        judged(
            _("Is the ledger whole?"),
            "ledger",
            bad=ledger.mark.word if broken else "",
            odd=ledger.mark.word if ledger.mark.state is State.IDLE else "",
            good=_("All %(n)d entries of it were recomputed: %(word)s.")
            % {"n": ledger.size, "word": ledger.mark.word},
        ),
        judged(
            _("Does time run forward?"),
            "entries",
            none=none,
            odd=_("Earlier than the one before: entry %(n)s.") % {"n": back[0]} if back else "",
            good=_("No entry is earlier than the one before."),
        ),
        judged(
            _("Is it known who acted?"),
            "actors",
            none=none,
            good=_("Each entry names its actor; %(n)d were made by the system.") % {"n": machines},
        ),
        judged(
            _("Can each entry be proven?"),
            "entries",
            none=none,
            bad=_("%(n)d have no path to the root.") % {"n": unproven} if unproven else "",
            good=_("Each has its path to the root in evidence.json."),
        ),
        judged(
            _("Is the trail complete?"),
            "ledger",
            none=none,
            good=_("It has every entry of the project from number %(a)s to %(b)s.")
            % {"a": entries[0].number, "b": entries[-1].number}
            if entries
            else "",
        ),
    )
