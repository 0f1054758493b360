"""The risk register: what may go wrong, what is done about it, and what is left."""

from django.utils.translation import gettext as _

from reports.charts import risk_map
from reports.documents import Answer, LifecycleReport, Risk, State
from reports.papers.answers import concluded, judged, listed
from reports.papers.blocks import Chart, Paper, Part, Table
from reports.papers.common import (
    NUMBER,
    STATE,
    TEXT,
    column,
    finding_table,
    ledger_part,
    of_project,
    renamed,
    waiver_table,
)


def risk_register(report: LifecycleReport) -> Paper:
    """All rated risks of a project."""
    answers = _answers(report)
    return of_project(
        report,
        report_id=renamed(report, "RR"),
        kind="risk-register",
        name=_("Risk register"),
        title=report.project.name,
        subtitle=report.project.purpose,
        verdict=concluded(
            answers, good=_("Yes. Every rated risk is below the limit, with somebody who answers for it.")
        ),
        answers=answers,
        facts=((_("Limit"), _("a score of %(n)d or more is too high") % {"n": report.appetite}),),
        picture=Chart(
            name="risk-map",
            figure=risk_map(report.risks, appetite=report.appetite),
            empty=_("No risk has been rated yet."),
        ),
        parts=(
            Part(
                id="risks",
                title=_("Risks and measures"),
                answer=_said(report),
                blocks=(risk_table(report.risks),),
                runon=False,
            ),
            Part(
                id="exceptions",
                title=_("Waivers and findings"),
                answer=_("Exceptions that were granted, and what must be put right."),
                blocks=(waiver_table(report.waivers), finding_table(report.findings)),
            ),
            ledger_part(_("Ratings are as the ledger recorded them up to this moment."), report),
        ),
    )


def risk_table(risks: tuple[Risk, ...]) -> Table:
    """The register itself, gravest first."""
    ordered = sorted(risks, key=lambda risk: (-risk.after, -risk.before, risk.code))
    return Table(
        name="risks",
        caption=_("Rated risks, gravest first"),
        columns=(
            column("code", _("Risk"), TEXT, 17),
            column("text", _("What may go wrong")),
            column("measure", _("What is done about it")),
            column("owner", _("Owner"), TEXT, 23),
            column("before", _("Before"), NUMBER, 15, 0),
            column("after", _("After"), NUMBER, 15, 0),
            column("state", _("State"), STATE, 22),
        ),
        rows=tuple((r.code, r.text, r.measure, r.owner, r.before, r.after, r.mark) for r in ordered),
        empty=_("The register is empty: nobody has rated a risk of this project."),
        note=_(
            "Score: severity times occurrence, each from 1 to 5. After counts only measures that are proven."
        ),
    )


def _said(report: LifecycleReport) -> str:
    if not report.risks:
        return _("No risk has been rated yet.")
    before = sum(risk.before >= report.appetite for risk in report.risks)
    after = sum(risk.after >= report.appetite for risk in report.risks)
    text = _("Of %(all)d risks %(before)d were at or above the limit of %(limit)d; %(after)d are now.")
    return text % {"all": len(report.risks), "before": before, "after": after, "limit": report.appetite}


def _answers(report: LifecycleReport) -> tuple[Answer, ...]:
    risks = report.risks
    high = [r.code for r in risks if r.after >= report.appetite and r.mark.state is not State.WAIVED]
    accepted = [r.code for r in risks if r.mark.state is State.WAIVED]
    watched = [r.code for r in risks if r.mark.state is State.WARN]
    alone = [r.code for r in risks if not r.owner]
    bare = [r.code for r in risks if not r.measure and r.before >= report.appetite]
    none = "" if risks else _("No risk has been rated.")
    open_ = [f.code for f in report.findings if f.closed_on is None]
    return (
        judged(
            _("Is every risk below the limit?"),
            "risks",
            none=none,
            bad=_("At or above it: %(codes)s.") % {"codes": listed(high)} if high else "",
            good=_("All %(n)d are below %(limit)d.") % {"n": len(risks), "limit": report.appetite},
        ),
        judged(
            _("Is something done about each grave one?"),
            "risks",
            none=none,
            bad=_("Without a measure: %(codes)s.") % {"codes": listed(bare)} if bare else "",
            good=_("Each risk that was too high has its measures."),
        ),
        judged(
            _("Does somebody answer for each?"),
            "risks",
            none=none,
            odd=_("Without an owner: %(codes)s.") % {"codes": listed(alone)} if alone else "",
            good=_("Each has an owner."),
        ),
        judged(
            _("Was any accepted as it is?"),
            "exceptions",
            none=none,
            odd=_("Accepted or watched: %(codes)s.") % {"codes": listed(accepted + watched)}
            if accepted or watched
            else "",
            good=_("None."),
        ),
        judged(
            _("Is everything closed that should be?"),
            "exceptions",
            odd=_("Open findings: %(codes)s.") % {"codes": listed(open_)} if open_ else "",
            good=_("No finding is open."),
        ),
    )
