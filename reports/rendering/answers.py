"""The one or two sentences that open each section: what it shows, before any table."""

from collections import Counter

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from reports.documents.gates import GateEvaluation
from reports.documents.iterations import Iteration
from reports.documents.lifecycle import LifecycleReport
from reports.documents.states import State


def process_answer(report: LifecycleReport) -> str:
    """How often the project went round."""
    rounds = len(report.iterations)
    if not rounds:
        return _("The process is chosen; no iteration has been opened yet.")
    phases = ngettext("%(n)d phase", "%(n)d phases", len(report.process.phases)) % {
        "n": len(report.process.phases)
    }
    said = ngettext("One trip round %(phases)s so far.", "%(n)d trips round %(phases)s so far.", rounds)
    return said % {"n": rounds, "phases": phases}


def iteration_answer(iteration: Iteration) -> str:
    """Tasks, runs and the last decision of an iteration."""
    done = sum(task.mark.state is State.OK for task in iteration.tasks)
    parts = []
    if iteration.tasks:
        parts.append(_("%(done)d of %(all)d tasks are done.") % {"done": done, "all": len(iteration.tasks)})
    else:
        parts.append(_("No task has been begun."))
    failed = sum(run.mark.state is State.BAD for run in iteration.runs)
    if iteration.runs:
        runs = ngettext("%(n)d run", "%(n)d runs", len(iteration.runs)) % {"n": len(iteration.runs)}
        parts.append(_("%(runs)s, %(failed)d of them failed.") % {"runs": runs, "failed": failed})
    if iteration.gates:
        last = max(iteration.gates, key=lambda gate: gate.evaluated_at)
        parts.append(
            _("Last decision: gate %(code)s, %(word)s.") % {"code": last.code, "word": last.mark.word}
        )
    return " ".join(parts)


def gate_answer(gate: GateEvaluation) -> str:
    """How many criteria were met, and who signed."""
    counts = Counter(criterion.mark.state for criterion in gate.criteria)
    met, missed, waived = counts[State.OK], counts[State.BAD], counts[State.WAIVED]
    if not gate.criteria:
        said = _("No criterion has been judged.")
    elif missed:
        said = ngettext(
            "%(n)d of %(all)d criteria was not met.", "%(n)d of %(all)d criteria were not met.", missed
        ) % {"n": missed, "all": len(gate.criteria)}
    else:
        said = _("%(n)d of %(all)d criteria were met.") % {"n": met, "all": len(gate.criteria)}
    if waived:
        said += " " + ngettext("%(n)d is waived for a time.", "%(n)d are waived for a time.", waived) % {
            "n": waived
        }
    signed = len([s for s in gate.signatures if not s.stale])
    needed = max(gate.signatures_needed, signed)
    return said + " " + _("%(n)d of %(all)d signatures stand.") % {"n": signed, "all": needed}


def deployments_answer(report: LifecycleReport) -> str:
    """Are all live deployments under an authorization?"""
    if not report.deployments:
        if report.authorizations:
            return _("Nothing has been deployed; an authorization exists.")
        return _("Nothing has been authorized or deployed.")
    without = [d for d in report.deployments if not d.authorization]
    count = ngettext("%(n)d deployment", "%(n)d deployments", len(report.deployments)) % {
        "n": len(report.deployments)
    }
    if without:
        return _("%(count)s, %(n)d of them under no authorization.") % {"count": count, "n": len(without)}
    return _("%(count)s, each checked against the authorization of the digest that was signed.") % {
        "count": count
    }


def monitoring_answer(report: LifecycleReport) -> str:
    """How many windows were out of order, and which the last was."""
    windows = report.monitoring.windows
    if not windows:
        return _("No live data has been judged yet.")
    odd = [w for w in windows if w.mark.state in (State.BAD, State.WARN)]
    count = ngettext(
        "%(n)d window of live data was judged", "%(n)d windows of live data were judged", len(windows)
    ) % {"n": len(windows)}
    if not odd:
        return _("%(count)s; all lie within their limits.") % {"count": count}
    return _("%(count)s; %(n)d called for attention, the last of them %(code)s.") % {
        "count": count,
        "n": len(odd),
        "code": odd[-1].code,
    }


def risks_answer(report: LifecycleReport) -> str:
    """How many risks were too high, and are."""
    if not report.risks:
        return _("No risk has been rated yet.")
    before = sum(risk.before >= report.appetite for risk in report.risks)
    after = sum(risk.after >= report.appetite for risk in report.risks)
    values = {"all": len(report.risks), "before": before, "after": after, "limit": report.appetite}
    return (
        _("Of %(all)d risks %(before)d were at or above the limit of %(limit)d; %(after)d are now.") % values
    )


def findings_answer(report: LifecycleReport) -> str:
    """How many findings and waivers are open."""
    open_ = sum(finding.closed_on is None for finding in report.findings)
    force = sum(waiver.mark.state is State.WAIVED for waiver in report.waivers)
    if not report.findings and not report.waivers:
        return _("No finding has been opened and no waiver granted.")
    values = {"findings": open_, "all": len(report.findings), "waivers": force}
    return _("%(findings)d of %(all)d findings are open; waivers in force: %(waivers)d.") % values


def evidence_answer(report: LifecycleReport) -> str:
    """How much is frozen."""
    count = len(report.evidence)
    if not count:
        return _("Nothing has been frozen as evidence yet.")
    return ngettext(
        "%(n)d frozen item, named by the digest of its content.",
        "%(n)d frozen items, each named by the digest of its content.",
        count,
    ) % {"n": count}


def ledger_answer(report: LifecycleReport) -> str:
    """Which part of the ledger this report rests on."""
    ledger = report.ledger
    if not ledger.entries:
        return _("The ledger has %(size)d entries, none of them of this project.") % {"size": ledger.size}
    values = {"n": len(ledger.entries), "first": ledger.first, "last": ledger.last, "size": ledger.size}
    one = "%(n)d entry of this project, number %(first)d, in a tree of %(size)d."
    many = "%(n)d entries of this project, numbers %(first)d to %(last)d, in a tree of %(size)d."
    return ngettext(one, many, len(ledger.entries)) % values
