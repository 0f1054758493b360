"""The monitoring report for a period: what the live system showed, what fired, what was done."""

from dataclasses import replace
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from reports.charts import distributions, drift_by_feature, drift_over_windows, performance_over_windows
from reports.documents import Answer, LifecycleReport, State, Window
from reports.documents.measures import limit_words
from reports.papers.answers import concluded, judged, listed
from reports.papers.blocks import Block, Chart, Paper, Part, Table
from reports.papers.common import (
    CODE,
    MOMENT,
    NUMBER,
    STATE,
    TEXT,
    column,
    deployment_table,
    gate_table,
    ledger_part,
    of_project,
    renamed,
    shown,
)


def monitoring_report(report: LifecycleReport, since: datetime | None) -> Paper:
    """The windows from `since` (or the first) to the report's moment."""
    begun = since or report.project.opened_at
    windows = tuple(w for w in report.monitoring.windows if w.end >= begun)
    firings = tuple(f for f in report.firings if f.at >= begun)
    report = replace(report, monitoring=replace(report.monitoring, windows=windows), firings=firings)
    answers = _answers(report)
    gates = [(i.number, g) for i in report.iterations for g in i.gates if g.code == "G6"]
    return of_project(
        report,
        report_id=renamed(report, "MR"),
        kind="monitoring",
        name=_("Monitoring report"),
        title=report.project.name,
        subtitle=_("From %(a)s to %(b)s") % {"a": f"{begun:%-d %B %Y}", "b": f"{report.as_of:%-d %B %Y}"},
        verdict=concluded(answers, good=_("Yes. What runs was watched, and it stayed within its limits.")),
        answers=answers,
        since=since,
        facts=((_("Compared with"), report.monitoring.reference or "–"),),
        picture=Chart(
            name="performance",
            figure=performance_over_windows(windows) or drift_over_windows(windows),
            empty=_("No window of live data has been judged in this period."),
        ),
        parts=(
            Part(
                id="windows", title=_("Windows"), answer=_said(windows), blocks=_windows(windows), runon=False
            ),
            Part(id="last", title=_("The last window"), answer=_last(windows), blocks=_detail(windows)),
            Part(
                id="firings",
                title=_("Triggers that fired"),
                answer=ngettext("%(n)d trigger fired.", "%(n)d triggers fired.", len(firings))
                % {"n": len(firings)},
                blocks=(_firing_table(report),),
            ),
            Part(
                id="live",
                title=_("What runs, and the gate that renews it"),
                answer=_("Deployments, and what gate G6 decided about them."),
                blocks=(
                    deployment_table(report.deployments),
                    gate_table(gates, _("Gate G6 has not been asked yet.")),
                ),
            ),
            ledger_part(_("Each window is a run, frozen under the digest that stands beside it."), report),
        ),
    )


def _said(windows: tuple[Window, ...]) -> str:
    if not windows:
        return _("No window of live data has been judged in this period.")
    odd = [w.code for w in windows if w.mark.state in (State.BAD, State.WARN)]
    count = ngettext("%(n)d window was judged", "%(n)d windows were judged", len(windows)) % {
        "n": len(windows)
    }
    if not odd:
        return _("%(count)s; all lie within their limits.") % {"count": count}
    return _("%(count)s; these called for attention: %(codes)s.") % {"count": count, "codes": listed(odd)}


def _windows(windows: tuple[Window, ...]) -> tuple[Block, ...]:
    table = Table(
        name="windows",
        caption=_("Windows in order of time"),
        columns=(
            column("code", _("Run"), TEXT, 22),
            column("title", _("Window")),
            column("start", _("From, UTC"), MOMENT, 27),
            column("end", _("Until, UTC"), MOMENT, 27),
            column("rows", _("Rows"), NUMBER, 17, 0),
            column("drifted", _("Drifted"), NUMBER, 17, 0),
            column("fired", _("Fired"), TEXT, 15),
            column("state", _("State"), STATE, 24),
        ),
        rows=tuple(
            (w.code, w.title or w.segment, w.start, w.end, w.rows, len(_moved(w)), w.fired, w.mark)
            for w in windows
        ),
        empty=_("Monitoring begins when a model is in use."),
    )
    measures = Table(
        name="performance",
        caption=_("Performance by window"),
        columns=(
            column("window", _("Run"), TEXT, 22),
            column("metric", _("Metric")),
            column("slice", _("Slice"), TEXT, 40),
            column("value", _("Measured"), TEXT, 24),
            column("limit", _("Limit"), TEXT, 22),
            column("state", _("State"), TEXT, 22),
        ),
        rows=tuple(
            (
                w.code,
                m.name,
                m.slice or _("all data"),
                shown(m),
                limit_words(m.limit, m.bound, m.digits, m.unit),
                {True: _("met"), False: _("not met"), None: _("no limit")}[m.met],
            )
            for w in windows
            for m in w.performance
        ),
        empty=_("The windows measured no performance: outcomes were not known yet."),
        compact=True,
        group=0,
    )
    drift = Chart(name="drift-time", figure=drift_over_windows(windows), empty=_("Drift was not measured."))
    return (table, drift, measures)


def _moved(window: Window) -> list[str]:
    return [d.feature for d in window.drift if d.mark.state in (State.BAD, State.WARN)]


def _last(windows: tuple[Window, ...]) -> str:
    if not windows:
        return _("There is none.")
    last = windows[-1]
    return _("%(code)s, %(word)s.") % {"code": last.code, "word": last.mark.word}


def _detail(windows: tuple[Window, ...]) -> tuple[Block, ...]:
    if not windows:
        return ()
    last = windows[-1]
    table = Table(
        name="drift",
        caption=_("Drift by feature"),
        columns=(
            column("feature", _("Feature"), CODE),
            column("statistic", _("Statistic"), TEXT, 36),
            column("value", _("Value"), NUMBER, 24),
            column("limit", _("Limit"), NUMBER, 24),
            column("unseen", _("New categories"), NUMBER, 28, 0),
            column("state", _("State"), STATE, 26),
        ),
        rows=tuple((d.feature, d.statistic, d.value, d.limit, d.unseen, d.mark) for d in last.drift),
        empty=_("Drift was not measured."),
    )
    return (
        Chart(name="drift-last", figure=drift_by_feature(last.drift)),
        Chart(name="shapes-last", figure=distributions(last.distributions)),
        table,
    )


def _firing_table(report: LifecycleReport) -> Table:
    return Table(
        name="firings",
        caption=_("What was seen and what was done"),
        columns=(
            column("trigger", _("Trigger"), TEXT, 16),
            column("at", _("Time, UTC"), MOMENT, 27),
            column("saw", _("What it saw")),
            column("did", _("What was done"), TEXT, 42),
            column("by", _("By"), TEXT, 24),
            column("state", _("State"), STATE, 24),
        ),
        rows=tuple((f.trigger, f.at, f.saw, f.did, f.by, f.mark) for f in report.firings),
        empty=_("No trigger has fired in this period."),
    )


def _answers(report: LifecycleReport) -> tuple[Answer, ...]:
    windows = report.monitoring.windows
    last = list({w.segment: w for w in windows}.values())
    missed = [w.code for w in last if any(m.met is False for m in w.performance)]
    drifted = sorted({name for w in last for name in _moved(w)})
    bad = [w.code for w in last if w.quality and w.mark.state is State.BAD]
    waiting = [f.trigger for f in report.firings if f.waiting]
    lawless = [d.code for d in report.live if d.mark.state is State.BAD or not d.authorization]
    none = "" if windows else _("No window was judged in this period.")
    return (
        judged(
            _("Was it watched?"),
            "windows",
            odd=_("Something runs and nothing was judged.") if report.live and not windows else "",
            none=none,
            good=ngettext("%(n)d window was judged.", "%(n)d windows were judged.", len(windows))
            % {"n": len(windows)},
        ),
        judged(
            _("Does it still do its job?"),
            "windows",
            none=none,
            bad=_("Below its limit in the last window: %(codes)s.") % {"codes": listed(missed)}
            if missed
            else "",
            odd=_("To be looked at: %(codes)s.") % {"codes": listed(bad)} if bad else "",
            good=_("No limit was missed in the last window."),
        ),
        judged(
            _("Is the data still what it learned from?"),
            "last",
            none=none,
            odd=_("Drifted: %(names)s.") % {"names": listed(drifted)} if drifted else "",
            good=_("No feature drifted beyond its limit in the last window."),
        ),
        judged(
            _("Was every alarm answered?"),
            "firings",
            odd=_("Waiting for a decision: %(codes)s.") % {"codes": listed(waiting)} if waiting else "",
            good=_("Nothing waits for a decision."),
        ),
        judged(
            _("Is what runs authorized?"),
            "live",
            bad=_("Without authorization: %(codes)s.") % {"codes": listed(lawless)} if lawless else "",
            none="" if report.live else _("Nothing is deployed."),
            good=ngettext(
                "%(n)d deployment runs under one.", "%(n)d deployments run under one.", len(report.live)
            )
            % {"n": len(report.live)},
        ),
    )
