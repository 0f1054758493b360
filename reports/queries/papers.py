"""What the papers need beside the lifecycle report of their project, and which paper a request means."""

from collections.abc import Callable
from datetime import datetime

from django.utils import translation

from governance.models import Evaluation
from governance.queries.pages_portfolio import Standing, findings_among, standings
from ledger.queries import Head
from ledger.verification import Verdict
from lifecycle.models import ModelVersion, Project, User
from reports.documents import GateEvaluation, LifecycleReport, Mark, State
from reports.documents.compliance import Compliance
from reports.models import Report
from reports.papers.annex_iv import annex_iv
from reports.papers.applicability import applicability
from reports.papers.audit_trail import audit_trail
from reports.papers.blocks import Paper
from reports.papers.certificate import certificate
from reports.papers.compliance import compliance_report
from reports.papers.data_sheet import data_sheet
from reports.papers.inventory import inventory
from reports.papers.model_card import ModelFacts, model_card
from reports.papers.monitoring import monitoring_report
from reports.papers.portfolio import ProjectLine, portfolio
from reports.papers.process_document import process_document
from reports.papers.risk_register import risk_register
from reports.queries.annex_iv import sources_of
from reports.queries.compliance import compliance_of
from reports.queries.data_sets import data_of
from reports.queries.inventory import systems_for
from reports.queries.ledger import extract_of, head_at
from reports.queries.lifecycle import lifecycle_report
from reports.queries.moment import Moment

Builder = Callable[[LifecycleReport, Report], Paper]
STATES = {"bad": State.BAD, "warn": State.WARN, "late": State.WARN, "ok": State.OK}


def paper_of(report: Report, verdict: Verdict | None = None) -> Paper:
    """The paper that a report stands for, in its language. A constant number of queries."""
    with translation.override(report.options.get("language", "en")):
        if report.project is None:
            return OF_ALL[report.kind](report, verdict)
        document = lifecycle_report(report.project, as_of=report.as_of, verdict=verdict)
        return BUILDERS[report.kind](document, report)


def _certificate(document: LifecycleReport, report: Report) -> Paper:
    found = Evaluation.objects.filter(gate=report.options["gate"], evaluated_at__lte=report.as_of)
    last = found.order_by("-evaluated_at", "-pk").select_related("gate__iteration").first()
    for iteration in document.iterations:
        for gate in iteration.gates:
            if last is not None and _same(gate, last):
                return certificate(document, gate, iteration.number)
    raise LookupError("The gate has not been evaluated.")


def _same(gate: GateEvaluation, last: Evaluation) -> bool:
    return gate.package_digest == last.digest and gate.evaluated_at == last.evaluated_at


def _process(document: LifecycleReport, report: Report) -> Paper:
    assert report.project is not None
    return process_document(document, report.project.process_version.document)


def _model_card(document: LifecycleReport, report: Report) -> Paper:
    version = ModelVersion.objects.get(project=report.project, number=report.options["model"])
    facts = ModelFacts(
        number=version.number,
        digest=version.digest,
        size=version.size,
        made_at=version.created_at,
        source=version.source_uri,
    )
    return model_card(document, facts)


def _data_sheet(document: LifecycleReport, report: Report) -> Paper:
    assert report.project is not None
    return data_sheet(document, data_of(report.project, report.as_of))


def _compliance(document: LifecycleReport, report: Report) -> Paper:
    return compliance_report(document, _found(report))


def _annex_iv(document: LifecycleReport, report: Report) -> Paper:
    assert report.project is not None
    return annex_iv(sources_of(report.project, document, _found(report), Moment(report.as_of)))


def _found(report: Report) -> Compliance:
    assert report.project is not None
    return compliance_of(report.project, report.framework, Moment(report.as_of))


def _since(report: Report) -> datetime | None:
    given = report.options.get("since")
    return datetime.fromisoformat(given) if given else None


def _portfolio(report: Report, verdict: Verdict | None) -> Paper:
    """As it stands now: what a portfolio shows is not kept by moments."""
    head: Head = head_at(Moment(report.as_of))
    reader = report.requested_by
    found = standings(reader or _everybody())
    findings = findings_among(found)
    lines = [_line(each, findings.get(each.glance.pk, 0)) for each in found]
    return portfolio(
        lines,
        ledger=extract_of([], head, verdict),
        as_of=report.as_of,
        report_id=f"PF-{report.as_of:%Y%m%dT%H%M%SZ}",
        reader=str(reader) if reader else "",
        language=(translation.get_language() or "en").split("-")[0],
    )


def _inventory(report: Report, verdict: Verdict | None) -> Paper:
    """As it stands now: an entry of the inventory keeps no moments."""
    reader = report.requested_by
    return inventory(
        systems_for(reader or _everybody(), report.as_of),
        ledger=extract_of([], head_at(Moment(report.as_of)), verdict),
        as_of=report.as_of,
        report_id=f"IN-{report.as_of:%Y%m%dT%H%M%SZ}",
        reader=str(reader) if reader else "",
        language=(translation.get_language() or "en").split("-")[0],
    )


def _everybody() -> User:
    """Who sees all: not saved, for a report that nobody asked for by name."""
    return User(org_role=User.OrgRole.ADMINISTRATOR, is_active=True)


def _line(standing: Standing, findings: int) -> ProjectLine:
    state, words = standing.state
    glance, current = standing.glance, standing.current
    return ProjectLine(
        slug=glance.slug,
        name=glance.name,
        owner=glance.manager,
        risk_class=str(Project.RiskClass(glance.risk_class).label),
        phase=current.name if current else "–",
        live=len(standing.environments),
        findings=findings,
        late=standing.late,
        waiting=glance.waiting_firings,
        mark=Mark(state=STATES.get(state, State.IDLE), word=words[:1].lower() + words[1:]),
    )


OF_ALL: dict[str, Callable[[Report, Verdict | None], Paper]] = {
    Report.Kind.PORTFOLIO: _portfolio,
    Report.Kind.INVENTORY: _inventory,
}
BUILDERS: dict[str, Builder] = {
    Report.Kind.CERTIFICATE: _certificate,
    Report.Kind.PROCESS: _process,
    Report.Kind.MODEL_CARD: _model_card,
    Report.Kind.DATA_SHEET: _data_sheet,
    Report.Kind.COMPLIANCE: _compliance,
    Report.Kind.APPLICABILITY: lambda document, report: applicability(document, _found(report)),
    Report.Kind.ANNEX_IV: _annex_iv,
    Report.Kind.RISK_REGISTER: lambda document, _report: risk_register(document),
    Report.Kind.MONITORING: lambda document, report: monitoring_report(document, _since(report)),
    Report.Kind.AUDIT_TRAIL: lambda document, report: audit_trail(document, _since(report)),
}
