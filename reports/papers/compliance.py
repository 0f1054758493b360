"""The compliance report: where a project stands with one framework, and from which records."""

from collections import Counter
from collections.abc import Sequence

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from reports.charts.stacks import Stack, stacks
from reports.documents import Answer, LifecycleReport, Mark, State, Verdict
from reports.documents.compliance import Check, Compliance, Control, ControlGroup, JudgedRecord
from reports.papers.answers import judged, listed
from reports.papers.blocks import Drawing, Paper, Part, Prose, Table, Value
from reports.papers.common import (
    DAY,
    DIGEST,
    MOMENT,
    NUMBER,
    STATE,
    TEXT,
    column,
    ledger_part,
    of_project,
    renamed,
)
from reports.papers.compliance_said import assured_table, classification_part, excluded_table

ORDER = (State.OK, State.WAIVED, State.WARN, State.BAD, State.IDLE)
MOST_DRAWN = 400
"""So many lines of evidence are drawn; the rest stands in evidence.json."""


def compliance_report(report: LifecycleReport, found: Compliance) -> Paper:
    """One framework of one project."""
    cited = {each.digest for check in found.checks for each in check.records if each.frozen}
    return of_project(
        report,
        report_id=f"{renamed(report, 'CR')}-{found.key}",
        kind="compliance",
        name=_("Compliance report"),
        title=found.title,
        subtitle=report.project.name,
        asked=_("Where do we stand?"),
        verdict=verdict_of(found),
        answers=_answers(found),
        facts=framework_facts(found),
        picture=coverage_picture(found),
        snapshots=tuple(item for item in report.evidence if item.digest in cited),
        parts=(
            _controls(found),
            _gaps(found),
            _said(found),
            classification_part(found),
            _changes(found),
            _evidence(found),
            ledger_part(
                _(
                    "Met means that records speak for a control. It is evidence towards the framework, "
                    "and no claim to comply with it."
                ),
                report,
            ),
        ),
    )


def framework_facts(found: Compliance) -> tuple[tuple[str, str], ...]:
    """What is measured by, and how fresh it is."""
    if found.looked_at is None:
        looked = _("not known for this moment")
    else:
        looked = f"{found.looked_at:%-d %B %Y, %H:%M} UTC"
        if found.behind:
            later = ngettext(
                "%(n)d entry was recorded since", "%(n)d entries were recorded since", found.behind
            )
            looked += ", " + later % {"n": found.behind}
    return (
        (_("Framework"), _("%(title)s, version %(n)s") % {"title": found.title, "n": found.version}),
        (_("In use since"), f"{found.begun_at:%-d %B %Y}, {found.begun_by}"),
        (_("Looked at"), looked),
    )


def verdict_of(found: Compliance) -> Verdict:
    """How much of what is asked is met, in a sentence."""
    values = {
        "good": len(found.good), "asked": len(found.asked), "share": found.share,
        "broken": len(found.broken), "gaps": len(found.gaps),
    }  # fmt: skip
    if not found.asked:
        return Verdict(
            mark=Mark(state=State.IDLE, word=_("nothing asked")),
            sentence=_("No control of this framework has a bearing here."),
        )
    text = _("%(good)d of the %(asked)d controls that have a bearing are met (%(share)d %%).") % values
    if found.broken:
        text += (
            " "
            + ngettext("Records contradict %(broken)d.", "Records contradict %(broken)d.", len(found.broken))
            % values
        )
        return Verdict(mark=Mark(state=State.BAD, word=_("controls are broken")), sentence=text)
    if found.gaps:
        text += " " + ngettext("%(gaps)d is open, none is broken.", "%(gaps)d are open, none is broken.",
                               len(found.gaps)) % values  # fmt: skip
        return Verdict(mark=Mark(state=State.WARN, word=_("gaps are open")), sentence=text)
    return Verdict(mark=Mark(state=State.OK, word=_("all met")), sentence=text)


def coverage_picture(found: Compliance) -> Drawing | None:
    """The controls of each group by their state, on one scale; None where none has a bearing."""
    lines = [_stack(group) for group in found.groups]
    drawn = [line for line in lines if line.total]
    if not drawn:
        return None
    alt = "; ".join(f"{line.label}: {_counted(line)}" for line in drawn)
    conclusion = _("%(good)d of %(asked)d are met, group by group.")
    note = _(
        "Circle: met. Diamond: met with a waiver. Triangle: in progress, or a review is due. Square: broken. "
        "Ring: not started. What has no bearing is left out."
    )
    if len(drawn) > 16:
        note += " " + _("Drawn are 16 of %(n)d groups.") % {"n": len(drawn)}
    return Drawing(
        name="coverage",
        svg=stacks(drawn),
        alt=alt + ".",
        conclusion=conclusion % {"good": len(found.good), "asked": len(found.asked)},
        note=note,
    )


def _stack(group: ControlGroup) -> Stack:
    asked = [control for control in group.controls if control.applies]
    counts = Counter(control.mark.state for control in asked)
    good = sum(control.good for control in asked)
    return Stack(
        label=group.title,
        parts=tuple((state, counts[state]) for state in ORDER if counts[state]),
        words=_("%(a)d of %(b)d") % {"a": good, "b": len(asked)},
    )


def _counted(line: Stack) -> str:
    words = {
        State.OK: _("met"), State.WAIVED: _("met with waiver"), State.WARN: _("in progress or due"),
        State.BAD: _("broken"), State.IDLE: _("not started"),
    }  # fmt: skip
    return ", ".join(f"{count} {words[state]}" for state, count in line.parts)


def _controls(found: Compliance) -> Part:
    left = len(found.controls) - len(found.asked)
    answer = _("%(good)d of %(asked)d controls are met.") % {
        "good": len(found.good), "asked": len(found.asked)
    }  # fmt: skip
    if left:
        answer += " " + ngettext(
            "%(n)d more has no bearing here.", "%(n)d more have no bearing here.", left
        ) % {"n": left}
    tables = [_control_table(n, group) for n, group in enumerate(found.groups, 1)]
    return Part(id="controls", title=_("Controls"), answer=answer, blocks=tuple(tables), runon=False)


def _control_table(n: int, group: ControlGroup) -> Table:
    return Table(
        name=f"controls-{n}",
        caption=group.title,
        columns=(
            column("control", _("Control"), TEXT, 25),
            column("title", _("What it asks for")),
            column("state", _("State"), STATE, 27),
            column("why", _("What that rests on"), TEXT, 50),
            column("checks", _("Checks"), TEXT, 15),
        ),
        rows=tuple((c.label, c.title, c.mark, c.why, _checks(c)) for c in group.controls),
        compact=True,
    )


def _gaps(found: Compliance) -> Part:
    gaps = sorted(found.gaps, key=lambda control: control.mark.state is not State.BAD)
    answer = (
        ngettext("%(n)d control has a bearing and is not met.",
                 "%(n)d controls have a bearing and are not met.", len(gaps)) % {"n": len(gaps)}
        if gaps else _("There is no gap.")
    )  # fmt: skip
    table = Table(
        name="gaps",
        caption=_("Gaps, what is broken first"),
        columns=(
            column("control", _("Control"), TEXT, 25),
            column("state", _("State"), STATE, 25),
            column("why", _("What is missing")),
            column("checks", _("Checks"), TEXT, 24),
            column("tasks", _("Worked on in"), TEXT, 26),
            column("since", _("Since"), DAY, 21),
        ),
        rows=tuple((c.label, c.mark, c.why, _checks(c), ", ".join(c.tasks) or "–", c.since) for c in gaps),
        empty=_("Every control that has a bearing is met."),
        compact=True,
    )
    return Part(id="gaps", title=_("Gaps"), answer=answer, blocks=(table,))


def _checks(control: Control) -> str:
    return ", ".join(short(key) for key in control.checks) or _("a person")


def short(key: str) -> str:
    """A check as a cell shows it: one of a framework's own has the name of its control."""
    return key.rsplit(":", maxsplit=1)[-1]


def _said(found: Compliance) -> Part:
    vouched, left = len(found.assured), len(found.excluded)
    answer = _(
        "What no record can tell was vouched for %(a)d times; %(b)d controls were ruled out by a person."
    )
    if not vouched and not left:
        answer = _("Nobody has vouched for a control or ruled one out.")
    return Part(
        id="said",
        title=_("Assurances and exclusions"),
        answer=answer % {"a": vouched, "b": left},
        blocks=(assured_table(found), excluded_table(found)),
    )


def _changes(found: Compliance) -> Part:
    since = f"{found.since:%-d %B %Y}"
    source = _("the last %(review)s") % {"review": found.review} if found.review else _(
        "%(day)s, since the system as a whole was not reviewed yet") % {"day": since}  # fmt: skip
    worse, better = sum(m.worse for m in found.moves), sum(m.better for m in found.moves)
    answer = _("Since %(source)s: %(a)d controls came to be met, %(b)d no longer are.")
    table = Table(
        name="changes",
        caption=_("What came to stand elsewhere since %(day)s, newest first") % {"day": since},
        columns=(
            column("at", _("When, UTC"), MOMENT, 30),
            column("control", _("Control"), TEXT, 26),
            column("title", _("What it asks for")),
            column("before", _("Before"), STATE, 27),
            column("after", _("After"), STATE, 27),
        ),
        rows=tuple((m.at, m.label, m.title, m.before, m.after) for m in found.moves),
        empty=_("Nothing came to stand elsewhere."),
        compact=True,
        head=1,
        most=MOST_DRAWN,
    )
    return Part(
        id="changes",
        title=_("What changed"),
        answer=answer % {"source": source, "a": better, "b": worse},
        blocks=(table,),
    )


def _evidence(found: Compliance) -> Part:
    records = sum(len(check.records) for check in found.checks)
    gone = [short(check.key) for check in found.checks if not check.kept]
    answer = _("%(n)d records were judged by %(checks)d checks.") % {
        "n": records,
        "checks": len(found.checks),
    }
    blocks: list[Prose | Table] = [check_table(found.checks), record_table(found.checks)]
    if gone:
        text = _(
            "States of controls are kept with their history, records behind a check are not: what these "
            "checks rested on at this moment is not known any more: %(checks)s."
        )
        blocks.insert(0, Prose(text=text % {"checks": ", ".join(gone)}))
    return Part(
        id="evidence", title=_("Evidence"), answer=answer, blocks=tuple(blocks), annex=True, runon=False
    )


def check_table(checks: Sequence[Check]) -> Table:
    """Every check with what it came to."""
    return Table(
        name="checks",
        caption=_("Checks, each over all records of its kind"),
        columns=(
            column("check", _("Check"), TEXT, 24),
            column("title", _("What must be true of the records")),
            column("reason", _("What they say"), TEXT, 44),
            column("state", _("State"), STATE, 26),
        ),
        rows=tuple((short(c.key), c.title, c.reason, c.mark) for c in checks),
        empty=_("The framework asks for no check that records answer."),
        compact=True,
    )


def record_table(checks: Sequence[Check]) -> Table:
    """The records behind the checks, each once where it says the same, with what vouches for it."""
    found: dict[tuple[str, int, str, Mark], tuple[JudgedRecord, list[str]]] = {}
    for check in checks:
        for each in check.records:
            place = (each.kind, each.number, each.label, each.mark)
            found.setdefault(place, (each, []))[1].append(short(check.key))
    return Table(
        name="records",
        caption=_("Records behind the checks"),
        columns=(
            column("label", _("Record")),
            column("kind", _("Kind"), TEXT, 21),
            column("number", _("Number"), NUMBER, 15, 0),
            column("checks", _("Checks"), TEXT, 19),
            column("says", _("Says"), STATE, 23),
            column("digest", _("SHA-256"), DIGEST, 26),
            column("of", _("Of its"), TEXT, 14),
            column("entry", _("Entry"), NUMBER, 13, 0),
        ),
        rows=tuple(_record(each, ", ".join(keys)) for each, keys in found.values()),
        empty=_("No record was judged."),
        note=_(
            "SHA-256: of the frozen content where a record has one, else of its last entry in the ledger. "
            "At most 200 records are kept by name for a check; its counts are of all."
        ),
        compact=True,
        most=MOST_DRAWN,
    )


def _record(each: JudgedRecord, checks: str) -> tuple[Value, ...]:
    label = f"{each.label}: {each.why}" if each.why else each.label
    source = _("content") if each.frozen else _("entry")
    kind = each.kind.replace("-", " ").replace("_", " ")
    return (label, kind, each.number, checks, each.mark, each.digest, source, each.entry)


def _gained(better: int, since: str) -> str:
    if not better:
        return _("Nothing came to stand worse since %(day)s.") % {"day": since}
    text = ngettext(
        "Since %(day)s %(n)d control came to be met, and none was lost.",
        "Since %(day)s %(n)d controls came to be met, and none was lost.",
        better,
    )
    return text % {"day": since, "n": better}


def _answers(found: Compliance) -> tuple[Answer, ...]:
    broken, gaps = [c.label for c in found.broken], found.gaps
    over = [a.label for a in found.assured if a.mark.state is not State.OK]
    worse = [m.label for m in found.moves if m.worse]
    better = sum(m.better for m in found.moves)
    classified = found.classified
    unsure = ""
    if classified is None:
        unsure = _("Nobody has classified the project: everything counts until somebody has.")
    elif not classified.current:
        unsure = _("The purpose of the project has changed since it was classified.")
    since = f"{found.since:%-d %B %Y}"
    return (
        judged(
            _("Is it free of contradictions?"),
            "gaps",
            bad=_("Broken: %(codes)s.") % {"codes": listed(broken)} if broken else "",
            good=_("No record contradicts a control."),
        ),
        judged(
            _("Is all met that is asked?"),
            "gaps",
            none="" if found.asked else _("Nothing is asked here."),
            odd=_("%(n)d of %(all)d are not: %(codes)s.")
            % {"n": len(gaps), "all": len(found.asked), "codes": listed([c.label for c in gaps], 3)}
            if gaps
            else "",
            good=_("All %(n)d controls that have a bearing.") % {"n": len(found.asked)},
        ),
        judged(
            _("Does what people vouched for hold?"),
            "said",
            odd=_("Over: %(codes)s.") % {"codes": listed(over)} if over else "",
            good=_("%(n)d assurances, each within its time.") % {"n": len(found.assured)}
            if found.assured
            else _("Nothing rests on a person's word alone."),
        ),
        judged(
            _("Is it clear what has a bearing?"),
            "classification",
            odd=unsure,
            good=_("Classified as %(risk)s, signed by %(name)s.")
            % {"risk": classified.risk_class.lower(), "name": classified.signed_by}
            if classified
            else "",
        ),
        judged(
            _("Is nothing lost since the last review?"),
            "changes",
            odd=_("No longer met since %(day)s: %(codes)s.") % {"day": since, "codes": listed(worse)}
            if worse
            else "",
            good=_gained(better, since),
        ),
    )
