"""Findings: opened when something must be put right, settled by saying how."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils.timezone import now
from django.utils.translation import gettext as _

from governance.actions import GovernanceAction as Action
from governance.errors import Invalid
from governance.models import FINDING_STATES, Finding
from governance.rules.gates import may_ask, may_manage
from ledger.actors import Actor
from ledger.services import append
from lifecycle.models import Project, User


@transaction.atomic
def open_finding(
    *,
    project: Project,
    title: str,
    severity: str,
    actor: User | Actor,
    detail: str = "",
    owner: User | None = None,
    model_digest: str = "",
) -> Finding:
    """Say that something must be put right. People of the project may, and machines.

    `model_digest`: the only model that it is about; it says nothing against others then.
    """
    if isinstance(actor, User) and not may_ask(actor, project):
        raise PermissionDenied(_("Only people who work on this project can open a finding."))
    if not title.strip():
        raise Invalid("title_missing", _("Say what must be put right."), "title")
    if severity not in Finding.Severity.values:
        raise Invalid("severity_unknown", _("Choose low, medium or high."), "severity")
    finding = Finding.objects.create(
        project=project, title=title, detail=detail, severity=severity, owner=owner, opened_at=now(),
        model_digest=model_digest,
    )  # fmt: skip
    told = {
        "severity": severity, "title": title, "owner": owner.pk if owner else None, "model": model_digest,
    }  # fmt: skip
    append(actor=actor, action=Action.FINDING_OPENED, subject=finding, project=project.slug, detail=told)
    return finding


@transaction.atomic
def settle_finding(*, finding: Finding, actor: User, settlement: str) -> Finding:
    """Say how it was put right. A manager's to do."""
    finding = Finding.objects.select_for_update(of=("self",)).select_related("project").get(pk=finding.pk)
    if not may_manage(actor, finding.project):
        raise PermissionDenied(_("Only a manager of the project can settle a finding."))
    if not settlement.strip():
        raise Invalid("settlement_missing", _("Say how it was put right."), "settlement")
    finding.state = FINDING_STATES.next(finding.state, "settle")
    finding.settlement, finding.settled_at = settlement, now()
    finding.save(update_fields=["state", "settlement", "settled_at"])
    detail = {"settlement": settlement}
    append(
        actor=actor,
        action=Action.FINDING_SETTLED,
        subject=finding,
        project=finding.project.slug,
        detail=detail,
    )
    return finding
