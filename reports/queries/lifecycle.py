"""The lifecycle report of a project, from its records and the ledger."""

from datetime import datetime

from django.utils import timezone, translation

from ledger.verification import Verdict
from lifecycle.models import Project
from reports.documents import LifecycleReport, ProjectHead
from reports.queries.delivery import authorizations_of, checks_of, deployments_of
from reports.queries.exceptions import findings_of, waivers_of
from reports.queries.gates import Signing
from reports.queries.iterations import iteration_documents, read_iterations
from reports.queries.ledger import by_record, extract_of, head_at, project_entries
from reports.queries.moment import Moment
from reports.queries.monitoring import firing_documents, firings_of, monitoring_of
from reports.queries.pasts import pasts_of
from reports.queries.process import duties_of, people_of, process_of, role_names, role_words
from reports.queries.risks import risks_of


def lifecycle_report(
    project: Project, *, as_of: datetime | None = None, verdict: Verdict | None = None
) -> LifecycleReport:
    """Everything that is known of a project at a moment (now, if none is given).

    Records that came later are left out and later decisions are not yet made; what keeps no time of its
    changes (ratings of risks, authorizations) is read off the ledger. `verdict` is what verification of the
    ledger found, None if it was not done. The same arguments give an equal report.
    A constant number of queries for any number of records.
    """
    moment = Moment(as_of or timezone.now())
    head = head_at(moment)
    entries = project_entries(project.slug, head)
    pasts = pasts_of(project.slug, entries, head)
    parts = read_iterations(project.pk, moment)
    firings = firings_of(project.pk, moment)
    signing = Signing(roles=_roles(project), entries=by_record(entries))
    return LifecycleReport(
        report_id=report_id(project, moment),
        as_of=moment.at,
        language=(translation.get_language() or "en").split("-")[0],
        project=_head(project),
        process=process_of(project.process_version),
        ledger=extract_of(entries, head, verdict),
        people=people_of(project, moment),
        duties=duties_of(parts.tasks),
        iterations=iteration_documents(parts, moment, signing),
        authorizations=authorizations_of(project.pk, moment, pasts),
        deployments=deployments_of(project.pk, moment, pasts),
        checks=checks_of(parts.runs),
        monitoring=monitoring_of(parts, firings, moment),
        firings=firing_documents(firings, moment),
        risks=risks_of(project.pk, moment, project.risk_appetite, pasts),
        appetite=project.risk_appetite + 1,
        findings=findings_of(project.pk, moment),
        waivers=waivers_of(project.pk, moment),
    )


def report_id(project: Project, moment: Moment) -> str:
    """What a report is called: its project and its moment, so that the same report has the same name."""
    return f"LR-{project.slug}-{moment.at:%Y%m%dT%H%M%SZ}"


def _roles(project: Project) -> dict[int, str]:
    names = role_names(project.process_version)
    return {each.user_id: ", ".join(role_words(each, names)) for each in project.memberships.all()}


def _head(project: Project) -> ProjectHead:
    return ProjectHead(
        slug=project.slug,
        name=project.name,
        purpose=project.purpose,
        owner=str(project.created_by),
        risk_class=str(project.get_risk_class_display()),
        opened_at=project.created_at,
    )
