"""The model card: one model version, what it is for, how well it works and for whom, who allowed it where."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from reports.charts import metrics_by_slice
from reports.documents import Answer, LifecycleReport, Run, State
from reports.papers.answers import concluded, judged, listed
from reports.papers.blocks import Block, Chart, Paper, Part, Prose, Table
from reports.papers.common import (
    TEXT,
    all_gates,
    all_runs,
    authorization_table,
    column,
    deployment_table,
    gate_table,
    ledger_part,
    measure_table,
    of_project,
    renamed,
    run_table,
    waiver_table,
)
from reports.papers.risk_register import risk_table


@dataclass(frozen=True, kw_only=True)
class ModelFacts:
    """The version itself. `size` in bytes, `source` where it was read from (empty: a run of ours made it)."""

    number: int
    digest: str
    size: int
    made_at: datetime
    source: str = ""


def model_card(report: LifecycleReport, model: ModelFacts) -> Paper:
    """Everything that is recorded of one model version."""
    runs = [run for run in all_runs(report) if run.model_digest == model.digest]
    answers = _answers(report, model, runs)
    title = _("%(project)s, version %(n)d") % {"project": report.project.name, "n": model.number}
    return of_project(
        report,
        report_id=f"{renamed(report, 'MC')}-V{model.number}",
        kind="model-card",
        name=_("Model card"),
        title=title,
        subtitle=report.project.purpose,
        verdict=concluded(
            answers, good=_("Yes. It was measured, allowed and watched, and nothing about it is open.")
        ),
        answers=answers,
        facts=(
            (_("Made"), f"{model.made_at:%-d %B %Y, %H:%M} UTC"),
            (_("Size"), _("%(n)d bytes") % {"n": model.size}),
            (_("From"), model.source or _("a run recorded here")),
            (_("SHA-256"), model.digest),
        ),
        picture=_picture(runs),
        parts=(
            _intended(report, model),
            Part(
                id="measures",
                title=_("How well it works, and for whom"),
                answer=_measured(runs),
                blocks=(*_charts(runs), measure_table(runs)),
            ),
            Part(
                id="making",
                title=_("How it was made"),
                answer=ngettext("%(n)d run belongs to it.", "%(n)d runs belong to it.", len(runs))
                % {"n": len(runs)},
                blocks=(run_table(runs), _parameters(runs)),
            ),
            _allowed(report, model),
            Part(
                id="limits",
                title=_("Risks and limitations"),
                answer=_("What may go wrong where it is used, and the exceptions that were granted."),
                blocks=(risk_table(report.risks), waiver_table(report.waivers)),
            ),
            ledger_part(
                _("The version is named by the SHA-256 of its artifact, each run by that of its record."),
                report,
            ),
        ),
    )


def _intended(report: LifecycleReport, model: ModelFacts) -> Part:
    given = [a for a in report.authorizations if a.model_digest == model.digest]
    places = [f"{a.environment}{', ' + a.scope if a.scope else ''}" for a in given]
    where = listed(places) if places else _("nowhere: it has not been authorized")
    return Part(
        id="use",
        title=_("What it is for"),
        answer=report.project.purpose or _("No purpose was recorded."),
        blocks=(
            Prose(lead=_("Allowed use."), text=where + "."),
            Prose(lead=_("Not allowed."), text=_("Any other environment or scope, and any other artifact.")),
            Prose(lead=_("Answers for it."), text=report.project.owner + "."),
        ),
        runon=False,
    )


def _allowed(report: LifecycleReport, model: ModelFacts) -> Part:
    given = tuple(a for a in report.authorizations if a.model_digest == model.digest)
    placed = tuple(d for d in report.deployments if d.model_digest == model.digest)
    gates = [(n, g) for n, g in all_gates(report) if g.model_digest == model.digest]
    return Part(
        id="allowed",
        title=_("Who allowed it, and where it runs"),
        answer=_("Gates that judged this very artifact, what they allowed, and what came of it."),
        blocks=(
            gate_table(gates, _("No gate has judged this version.")),
            authorization_table(given),
            deployment_table(placed),
        ),
    )


def _charts(runs: list[Run]) -> tuple[Block, ...]:
    """By slice, for the last run that measured slices; the first of them is the picture of the first page."""
    sliced = [run for run in runs if run.slices]
    if not sliced:
        return ()
    names = list(dict.fromkeys(m.name for m in sliced[-1].slices))[1:4]
    return tuple(
        Chart(name=f"slices-{n}", figure=metrics_by_slice([m for m in sliced[-1].measures if m.name == name]))
        for n, name in enumerate(names)
    )


def _picture(runs: list[Run]) -> Chart:
    sliced = [run for run in runs if run.slices]
    empty = _("No metric has been measured by slice for this version.")
    if not sliced:
        return Chart(name="slices", figure=None, empty=empty)
    name = sliced[-1].slices[0].name
    found = [m for m in sliced[-1].measures if m.name == name]
    return Chart(name="slices", figure=metrics_by_slice(found), empty=empty)


def _measured(runs: list[Run]) -> str:
    measures = [m for run in runs for m in run.measures]
    if not measures:
        return _("Nothing was measured.")
    judged_ = [m for m in measures if m.met is not None]
    met = sum(bool(m.met) for m in judged_)
    return _("%(n)d numbers were measured; %(met)d of the %(all)d with a limit lie within it.") % {
        "n": len(measures),
        "met": met,
        "all": len(judged_),
    }


def _parameters(runs: list[Run]) -> Table:
    trained = [run for run in runs if run.kind == "training"] or runs[:1]
    return Table(
        name="parameters",
        caption=_("Settings of the training"),
        columns=(
            column("run", _("Run"), TEXT, 22),
            column("parameter", _("Setting"), TEXT, 50),
            column("value", _("Value")),
        ),
        rows=tuple((run.code, key, value) for run in trained for key, value in run.parameters),
        empty=_("No settings were recorded."),
        compact=True,
        group=0,
    )


def _answers(report: LifecycleReport, model: ModelFacts, runs: list[Run]) -> tuple[Answer, ...]:
    measures = [m for run in runs[-3:] for m in run.measures]
    missed = sorted({f"{m.name} {m.slice}".strip() for m in measures if m.met is False})
    given = [a for a in report.authorizations if a.model_digest == model.digest]
    valid = [a.code for a in given if a.mark.state is State.OK]
    live = [d for d in report.live if d.model_digest == model.digest]
    lawless = [d.code for d in live if not d.authorization]
    frozen = [run for run in runs if run.snapshot]
    high = [r.code for r in report.risks if r.after >= report.appetite]
    return (
        judged(
            _("Was it measured?"),
            "measures",
            none="" if measures else _("No run measured it."),
            odd=_("Below the limit: %(names)s.") % {"names": listed(missed)} if missed else "",
            good=_("%(n)d numbers, none below its limit.") % {"n": len(measures)},
        ),
        judged(
            _("Is it known how it was made?"),
            "making",
            none="" if runs else _("No run of it is recorded here."),
            odd="" if frozen else _("Its runs are not frozen."),
            good=_("%(n)d of %(all)d runs are frozen by digest.") % {"n": len(frozen), "all": len(runs)},
        ),
        judged(
            _("May it be used?"),
            "allowed",
            none="" if given else _("Nobody has authorized it."),
            odd="" if valid else _("No authorization of it is valid now."),
            good=_("Valid: %(codes)s.") % {"codes": listed(valid)},
        ),
        judged(
            _("Does it run only where it may?"),
            "allowed",
            bad=_("Without authorization: %(codes)s.") % {"codes": listed(lawless)} if lawless else "",
            none="" if live else _("It does not run."),
            good=ngettext("%(n)d deployment, under one.", "%(n)d deployments, each under one.", len(live))
            % {"n": len(live)},
        ),
        judged(
            _("Are its risks held?"),
            "limits",
            none="" if report.risks else _("No risk has been rated."),
            odd=_("At or above the limit: %(codes)s.") % {"codes": listed(high)} if high else "",
            good=_("All are below the limit."),
        ),
    )
