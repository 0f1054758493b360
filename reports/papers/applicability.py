"""The statement of applicability: every control of a framework, whether it has a bearing here, and why."""

from collections import Counter

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from reports.charts.stacks import Stack, stacks
from reports.documents import Answer, LifecycleReport, Mark, State, Verdict
from reports.documents.compliance import Compliance, Control, ControlGroup
from reports.papers.answers import judged, listed
from reports.papers.blocks import Drawing, Paper, Part, Table
from reports.papers.common import DAY, STATE, TEXT, column, ledger_part, of_project, renamed
from reports.papers.compliance import framework_facts
from reports.papers.compliance_said import assured_table, classification_part, excluded_table


def applicability(report: LifecycleReport, found: Compliance) -> Paper:
    """All controls of one framework for one project."""
    return of_project(
        report,
        report_id=f"{renamed(report, 'SA')}-{found.key}",
        kind="applicability",
        name=_("Statement of applicability"),
        title=found.title,
        subtitle=report.project.name,
        asked=_("What has a bearing here?"),
        verdict=_verdict(found),
        answers=_answers(found),
        facts=framework_facts(found),
        picture=_picture(found),
        parts=(
            Part(
                id="controls",
                title=_("Every control"),
                answer=_counted(found),
                blocks=tuple(_table(n, group) for n, group in enumerate(found.groups, 1)),
                runon=False,
            ),
            Part(
                id="said",
                title=_("What people decided"),
                answer=_("Controls that a person has ruled out, and those that a person vouches for."),
                blocks=(excluded_table(found), assured_table(found)),
            ),
            classification_part(found),
            ledger_part(
                _("A control has no bearing where the classification, who issued it, or a manager says so."),
                report,
            ),
        ),
    )


def _verdict(found: Compliance) -> Verdict:
    if found.classified is None or not found.classified.current:
        return Verdict(
            mark=Mark(state=State.WARN, word=_("to be classified")),
            sentence=_counted(found) + " " + _("No classification of the present purpose stands behind it."),
        )
    return Verdict(mark=Mark(state=State.OK, word=_("decided")), sentence=_counted(found))


def _counted(found: Compliance) -> str:
    text = ngettext(
        "%(asked)d of %(all)d control has a bearing.",
        "%(asked)d of %(all)d controls have a bearing.",
        len(found.asked),
    )
    return text % {"asked": len(found.asked), "all": len(found.controls)}


def _picture(found: Compliance) -> Drawing:
    lines = [_stack(group) for group in found.groups]
    return Drawing(
        name="bearing",
        svg=stacks(lines),
        alt="; ".join(f"{line.label}: {line.words}" for line in lines) + ".",
        conclusion=_counted(found),
        note=_("Circle: has a bearing. Ring: has none."),
    )


def _stack(group: ControlGroup) -> Stack:
    counts = Counter(State.OK if control.applies else State.IDLE for control in group.controls)
    words = _("%(a)d of %(b)d") % {"a": counts[State.OK], "b": len(group.controls)}
    parts = tuple((state, counts[state]) for state in (State.OK, State.IDLE) if counts[state])
    return Stack(label=group.title, parts=parts, words=words)


def _table(n: int, group: ControlGroup) -> Table:
    return Table(
        name=f"controls-{n}",
        caption=group.title,
        columns=(
            column("control", _("Control"), TEXT, 23),
            column("title", _("What it asks for")),
            column("applies", _("Applies"), STATE, 14),
            column("why", _("Why"), TEXT, 38),
            column("from", _("From"), DAY, 19),
            column("state", _("State"), STATE, 27),
        ),
        rows=tuple(
            (c.label, c.title, _applies(c), _why(c), c.applies_from, c.mark if c.applies else None)
            for c in group.controls
        ),
        compact=True,
    )


def _applies(control: Control) -> Mark:
    if control.applies:
        return Mark(state=State.OK, word=_("yes"))
    return Mark(state=State.IDLE, word=_("no"))


def _why(control: Control) -> str:
    if control.applies:
        return _("Nothing that is known rules it out.")
    if control.decided:
        return _("%(name)s: %(reason)s") % {"name": control.decided, "reason": control.reason}
    return control.reason or _("The reason is not known.")


def _answers(found: Compliance) -> tuple[Answer, ...]:
    classified = found.classified
    left = [c for c in found.controls if not c.applies]
    bare = [c.label for c in left if not c.reason]
    by_hand = [c.label for c in left if c.decided]
    return (
        judged(
            _("Was the system classified?"),
            "classification",
            none="" if classified else _("Nobody has classified it: everything counts."),
            good=_("As %(risk)s, signed by %(name)s.")
            % {"risk": classified.risk_class.lower(), "name": classified.signed_by}
            if classified
            else "",
        ),
        judged(
            _("Is that of its present purpose?"),
            "classification",
            none="" if classified else _("There is none."),
            odd="" if classified is None or classified.current else _("The purpose has changed since."),
            good=_("The purpose is as it was when it was signed."),
        ),
        judged(
            _("Is every control decided?"),
            "controls",
            good=_("All %(n)d are listed: %(a)d apply, %(b)d do not.")
            % {"n": len(found.controls), "a": len(found.asked), "b": len(left)},
        ),
        judged(
            _("Does each that is left out say why?"),
            "controls",
            odd=_("No reason is known of: %(codes)s.") % {"codes": listed(bare)} if bare else "",
            good=_("Each says why.") if left else _("None is left out."),
        ),
        judged(
            _("Is it known who left it out?"),
            "said",
            good=_("By a person: %(codes)s; the rest by the classification.") % {"codes": listed(by_hand)}
            if by_hand
            else _("No person has ruled out a control."),
        ),
    )
