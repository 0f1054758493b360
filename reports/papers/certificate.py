"""The sign-off certificate: one gate on one page, the annex with all that its signers saw."""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from reports.documents import Answer, GateEvaluation, LifecycleReport, State, Verdict
from reports.documents.ledger import LedgerEntry
from reports.papers.answers import judged
from reports.papers.blocks import Outcome, Paper, Part, Signers
from reports.papers.common import (
    authorization_table,
    criteria_table,
    expression_table,
    finding_table,
    ledger_part,
    of_project,
    renamed,
    waiver_table,
)


def certificate(report: LifecycleReport, gate: GateEvaluation, iteration: int) -> Paper:
    """One evaluation of one gate."""
    given = [a for a in report.authorizations if a.gate == gate.code and a.model_digest == gate.model_digest]
    numbers = {gate.entry, *(s.entry for s in gate.signatures)}
    entries = [e for e in report.ledger.entries if e.number in numbers]
    answers = _answers(report, gate)
    note = _(
        "SHA-256 of what the signers saw: process version, model, every criterion with its observed value."
    )
    outcome = Outcome(
        mark=gate.mark, code=gate.code, words=_about(gate), digest=gate.package_digest, note=note
    )
    return of_project(
        report,
        report_id=f"{renamed(report, 'SC')}-{gate.code}",
        kind="certificate",
        name=_("Sign-off certificate"),
        title=_("Gate %(code)s: %(word)s") % {"code": gate.code, "word": gate.mark.word},
        subtitle=gate.question,
        verdict=Verdict(mark=gate.mark, sentence=gate.title),
        answers=answers,
        facts=((_("Iteration"), str(iteration)), (_("Model"), gate.model or "–")),
        opening=(outcome, Signers(signatures=gate.signatures)),
        parts=(
            Part(
                id="criteria",
                title=_("What was judged"),
                answer=_said(gate),
                blocks=(criteria_table(gate), expression_table(gate)),
                annex=True,
                runon=False,
            ),
            Part(
                id="authorizations",
                title=_("What follows from it"),
                answer=_follows(len(given)),
                blocks=(
                    authorization_table(given),
                    waiver_table(report.waivers),
                    finding_table(_open(report)),
                ),
                annex=True,
            ),
            ledger_part(_("The entries of the evaluation and of each signature:"), report, _sorted(entries)),
        ),
    )


def _sorted(entries: list[LedgerEntry]) -> list[LedgerEntry]:
    return sorted(entries, key=lambda entry: entry.number)


def _open(report: LifecycleReport) -> list:  # type: ignore[type-arg]  # findings, as the report has them
    return [f for f in report.findings if f.closed_on is None]


def _about(gate: GateEvaluation) -> str:
    words = _("evaluated on %(day)s UTC") % {"day": f"{gate.evaluated_at:%-d %B %Y, %H:%M}"}
    if gate.model:
        words += ", " + _("model %(model)s") % {"model": gate.model}
    if gate.environment:
        words += ", " + _("for %(env)s") % {"env": gate.environment}
    return words


def _said(gate: GateEvaluation) -> str:
    missed = [c.code for c in gate.criteria if c.mark.state is State.BAD]
    if missed:
        return _("Not met: %(codes)s.") % {"codes": ", ".join(missed)}
    return ngettext(
        "%(n)d criterion was judged, and none is missing.",
        "%(n)d criteria were judged, and none is missing.",
        len(gate.criteria),
    ) % {"n": len(gate.criteria)}


def _follows(count: int) -> str:
    if not count:
        return _("No authorization came of it.")
    return ngettext("%(n)d authorization came of it.", "%(n)d authorizations came of it.", count) % {
        "n": count
    }


def _answers(report: LifecycleReport, gate: GateEvaluation) -> tuple[Answer, ...]:
    missed = [c.code for c in gate.criteria if c.mark.state is State.BAD]
    waived = [c.code for c in gate.criteria if c.mark.state is State.WAIVED]
    standing = [s for s in gate.signatures if not s.stale]
    needed = max(gate.signatures_needed, 1)
    objecting = [s.name for s in standing if s.mark.state is State.BAD]
    late = [f.code for f in _open(report)]
    counts = {"n": len(standing), "needed": needed}
    return (
        judged(
            _("Is every criterion met?"),
            "criteria",
            bad=_("Not met: %(codes)s.") % {"codes": ", ".join(missed)} if missed else "",
            odd=_("Waived for a time: %(codes)s.") % {"codes": ", ".join(waived)} if waived else "",
            good=_("All %(n)d are met.") % {"n": len(gate.criteria)},
            none="" if gate.criteria else _("None was judged."),
        ),
        judged(
            _("Did enough people sign?"),
            "criteria",
            bad=_("%(names)s objected.") % {"names": ", ".join(objecting)} if objecting else "",
            odd=_("%(n)d of %(needed)d signatures stand.") % counts if len(standing) < needed else "",
            good=_("%(n)d of %(needed)d signatures stand.") % counts,
        ),
        judged(
            _("Does what was signed still stand?"),
            "criteria",
            bad=_("What was seen has changed since.") if any(s.stale for s in gate.signatures) else "",
            good=_("Each signature bears the digest above."),
            none="" if gate.signatures else _("Nobody has signed."),
        ),
        judged(
            _("Is everything closed that should be?"),
            "authorizations",
            odd=_("Open findings: %(codes)s.") % {"codes": ", ".join(late[:6])} if late else "",
            good=_("No finding is open."),
        ),
        judged(
            _("Can this record be trusted?"),
            "ledger",
            bad=report.ledger.mark.word if report.ledger.mark.state is State.BAD else "",
            odd=report.ledger.mark.word if report.ledger.mark.state is State.IDLE else "",
            good=_("%(n)d ledger entries, %(word)s.")
            % {"n": report.ledger.size, "word": report.ledger.mark.word},
        ),
    )
