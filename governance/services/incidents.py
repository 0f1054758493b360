"""Incidents: what a system did wrong, by when the authority must know, and what came of it.

Deadlines from Regulation (EU) 2024/1689, Article 73: 15 days after becoming aware, 2 for a widespread
infringement or disrupted critical infrastructure, 10 for the death of a person.
"""

from __future__ import annotations

import datetime as dt

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils.timezone import now
from django.utils.translation import gettext as _

from governance.actions import GovernanceAction as Action
from governance.errors import Invalid, Refused
from governance.models import INCIDENT_STATES, Incident
from governance.rules.gates import may_ask, may_judge
from governance.services.review_reminders import tell_incident
from ledger.services import append
from lifecycle.models import Project, User

DAYS = {Incident.Severity.SERIOUS: 15, Incident.Severity.WIDESPREAD: 2, Incident.Severity.DEATH: 10}


@transaction.atomic
def open_incident(
    *, project: Project, actor: User, title: str, severity: str, aware_at: dt.datetime, detail: str = ""
) -> Incident:
    """Put down an incident; the deadline follows from its severity. People of the project may.

    Raises `Invalid` for no title, an unknown severity, a moment that has not come.
    """
    if not (may_ask(actor, project) or may_judge(actor, project)):
        raise PermissionDenied(_("Only people of this project put down an incident."))
    title = title.strip()
    if not title:
        raise Invalid("title_missing", _("Say what happened."), "title")
    if severity not in Incident.Severity.values:
        known = ", ".join(Incident.Severity.values)
        raise Invalid("severity_unknown", _("The severities are: %(known)s.") % {"known": known}, "severity")
    if aware_at > now():
        raise Invalid("moment_unfit", _("Nobody is aware of what has not happened."), "aware_at")
    days = DAYS.get(Incident.Severity(severity))
    incident = Incident.objects.create(
        project=project, title=title[:300], detail=detail.strip(), severity=severity, aware_at=aware_at,
        due_at=aware_at + dt.timedelta(days=days) if days is not None else None, opened_by=actor,
        opened_at=now(),
    )  # fmt: skip
    told = {
        "title": incident.title, "severity": severity, "aware_at": aware_at.isoformat(),
        "due_at": incident.due_at.isoformat() if incident.due_at else None,
    }  # fmt: skip
    append(actor=actor, action=Action.INCIDENT_OPENED, subject=incident, project=project.slug, detail=told)
    tell_incident(incident)
    return incident


@transaction.atomic
def report_incident(*, incident: Incident, actor: User, report: str) -> Incident:
    """Say that the authority has been told: which, under which number, and what. Managers, reviewers."""
    incident = _locked(incident)
    if not may_judge(actor, incident.project):
        raise PermissionDenied(_("Only reviewers and managers say that an incident was reported."))
    if not report.strip():
        raise Invalid("report_missing", _("Say to whom it was reported, and under which number."), "report")
    incident.state = INCIDENT_STATES.next(incident.state, "report")
    incident.report, incident.reported_by, incident.reported_at = report.strip(), actor, now()
    incident.save(update_fields=["state", "report", "reported_by", "reported_at"])
    in_time = incident.due_at is None or incident.reported_at <= incident.due_at
    append(
        actor=actor, action=Action.INCIDENT_REPORTED, subject=incident, project=incident.project.slug,
        detail={"report": incident.report, "in_time": in_time},
    )  # fmt: skip
    return incident


@transaction.atomic
def close_incident(
    *, incident: Incident, actor: User, root_cause: str, action: str, risks_seen: str
) -> Incident:
    """Close an incident: its cause, what was done, what the look at the risks came to.

    Somebody who judges, and not who put it down. A serious one is reported first.
    """
    incident = _locked(incident)
    if not may_judge(actor, incident.project) or actor.pk == incident.opened_by_id:
        raise PermissionDenied(_("A reviewer or manager closes it, and not who put it down."))
    if incident.severity != Incident.Severity.MINOR and incident.reported_at is None:
        raise Refused("not_reported", _("A serious incident is reported before it is closed."))
    for field, text in (("root_cause", root_cause), ("action", action), ("risks_seen", risks_seen)):
        if not text.strip():
            raise Invalid(f"{field}_missing", _("Fill this in."), field)
    incident.state = INCIDENT_STATES.next(incident.state, "close")
    incident.root_cause, incident.action = root_cause.strip(), action.strip()
    incident.risks_seen, incident.closed_by, incident.closed_at = risks_seen.strip(), actor, now()
    incident.save(update_fields=["state", "root_cause", "action", "risks_seen", "closed_by", "closed_at"])
    append(
        actor=actor, action=Action.INCIDENT_CLOSED, subject=incident, project=incident.project.slug,
        detail={"root_cause": incident.root_cause, "action": incident.action, "risks": incident.risks_seen},
    )  # fmt: skip
    return incident


def _locked(incident: Incident) -> Incident:
    found = Incident.objects.select_for_update(of=("self",)).select_related("project")
    return found.get(pk=incident.pk)
