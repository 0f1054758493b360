"""Findings: opened, worked on, resolved by saying how, and verified by somebody else."""

from __future__ import annotations

import datetime as dt

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils.timezone import now
from django.utils.translation import gettext as _

from governance.actions import GovernanceAction as Action
from governance.errors import Invalid
from governance.models import FINDING_STATES, BreakGlass, Finding
from governance.rules.gates import may_ask, may_judge, membership_of
from ledger.actors import Actor
from ledger.services import append
from lifecycle.models import Membership, Project, User

_GRAVE = (Finding.Severity.HIGH, Finding.Severity.CRITICAL)
_LONGEST_TITLE = 300


@transaction.atomic
def open_finding(
    *,
    project: Project,
    title: str,
    severity: str,
    actor: User | Actor,
    detail: str = "",
    owner: User | None = None,
    due_on: dt.date | None = None,
    holds: bool | None = None,
    model_digest: str = "",
    glass: BreakGlass | None = None,
    of_running: bool = False,
) -> Finding:
    """Say that something must be put right. People of the project may, reviewers too, and machines.

    `model_digest`: the only model that it is about; it says nothing against others then. `glass`: the broken
    glass that it is about; it holds the next gate, and nothing that was decided becomes stale by it. So does
    one with `of_running`, which is about what was seen running somewhere.
    With `holds` no gate of the project passes while it stands; unless it is said, a critical one does. Raises
    `Invalid` for no title, an unknown severity, an owner who does not work here.
    """
    person = actor if isinstance(actor, User) else None
    if person is not None and not (may_ask(person, project) or may_judge(person, project)):
        raise PermissionDenied(_("Only people who work on this project can open a finding."))
    title = title.strip()
    if not title:
        raise Invalid("title_missing", _("Say what must be put right."), "title")
    if severity not in Finding.Severity.values:
        raise Invalid("severity_unknown", _("Choose low, medium, high or critical."), "severity")
    _refuse_owner(owner, project)
    finding = Finding.objects.create(
        project=project, title=title[:_LONGEST_TITLE], detail=detail, severity=severity, owner=owner,
        due_on=due_on, holds=severity == Finding.Severity.CRITICAL if holds is None else holds,
        opened_by=person, opened_at=now(), model_digest=model_digest, of_running=of_running,
    )  # fmt: skip
    if glass is not None:  # before the entry, at which what was signed is looked at again
        BreakGlass.objects.filter(pk=glass.pk).update(finding=finding)
    told = {
        "severity": severity, "title": finding.title, "owner": owner.pk if owner else None,
        "due_on": due_on.isoformat() if due_on else None, "holds": finding.holds, "model": model_digest,
    }  # fmt: skip
    _record(finding, actor, Action.FINDING_OPENED, **told)
    return finding


@transaction.atomic
def assign_finding(*, finding: Finding, actor: User, owner: User | None, due_on: dt.date | None) -> Finding:
    """Say who puts it right, and until when. A manager's to do, and a reviewer's."""
    finding = _locked(finding)
    if not may_judge(actor, finding.project):
        raise PermissionDenied(_("Only reviewers and managers assign a finding."))
    _refuse_owner(owner, finding.project)
    finding.owner, finding.due_on = owner, due_on
    finding.save(update_fields=["owner", "due_on"])
    told = {"owner": owner.pk if owner else None, "due_on": due_on.isoformat() if due_on else None}
    _record(finding, actor, Action.FINDING_CHANGED, **told)
    return finding


@transaction.atomic
def start_finding(*, finding: Finding, actor: User) -> Finding:
    """Say that one works on it. People who work on the project may; without an owner it is theirs now."""
    finding = _locked(finding)
    _refuse_who_does_not_work(actor, finding)
    finding.state = FINDING_STATES.next(finding.state, "start")
    finding.owner = finding.owner or actor
    finding.save(update_fields=["state", "owner"])
    _record(finding, actor, Action.FINDING_STARTED, owner=finding.owner.pk)
    return finding


@transaction.atomic
def resolve_finding(*, finding: Finding, actor: User, settlement: str) -> Finding:
    """Say how it was put right. It stands until somebody else has seen that it was."""
    finding = _locked(finding)
    _refuse_who_does_not_work(actor, finding)
    if not settlement.strip():
        raise Invalid("settlement_missing", _("Say how it was put right."), "settlement")
    finding.state = FINDING_STATES.next(finding.state, "resolve")
    finding.settlement, finding.resolved_by, finding.resolved_at = settlement.strip(), actor, now()
    finding.save(update_fields=["state", "settlement", "resolved_by", "resolved_at"])
    _record(finding, actor, Action.FINDING_RESOLVED, settlement=finding.settlement)
    return finding


@transaction.atomic
def settle_finding(*, finding: Finding, settlement: str, actor: Actor) -> Finding:
    """Say that what a machine found is so no more; somebody still verifies it. Nothing if it was resolved."""
    finding = _locked(finding)
    if not FINDING_STATES.can(finding.state, "resolve"):
        return finding
    finding.state = FINDING_STATES.next(finding.state, "resolve")
    finding.settlement, finding.resolved_by, finding.resolved_at = settlement, None, now()
    finding.save(update_fields=["state", "settlement", "resolved_by", "resolved_at"])
    _record(finding, actor, Action.FINDING_RESOLVED, settlement=settlement)
    return finding


@transaction.atomic
def reopen_finding(*, finding: Finding, reason: str, actor: Actor) -> bool:
    """Say that it is so again before anybody verified that it was not; False if it was verified."""
    finding = _locked(finding)
    if finding.state == Finding.State.VERIFIED:
        return False
    if FINDING_STATES.can(finding.state, "return"):
        finding.state = FINDING_STATES.next(finding.state, "return")
        finding.resolved_by, finding.resolved_at = None, None
        finding.save(update_fields=["state", "resolved_by", "resolved_at"])
        _record(finding, actor, Action.FINDING_RETURNED, reason=reason)
    return True


@transaction.atomic
def verify_finding(*, finding: Finding, actor: User) -> Finding:
    """Confirm that it was put right: somebody who judges, and neither who resolved it nor its owner."""
    finding = _locked(finding)
    _refuse_own(actor, finding)
    finding.state = FINDING_STATES.next(finding.state, "verify")
    finding.verified_by, finding.settled_at = actor, now()
    finding.save(update_fields=["state", "verified_by", "settled_at"])
    _record(finding, actor, Action.FINDING_VERIFIED, settlement=finding.settlement)
    return finding


@transaction.atomic
def return_finding(*, finding: Finding, actor: User, reason: str) -> Finding:
    """Send it back to work: it was not put right. With a reason."""
    finding = _locked(finding)
    _refuse_own(actor, finding)
    if not reason.strip():
        raise Invalid("reason_missing", _("Say why."), "reason")
    finding.state = FINDING_STATES.next(finding.state, "return")
    finding.resolved_by, finding.resolved_at = None, None
    finding.save(update_fields=["state", "resolved_by", "resolved_at"])
    _record(finding, actor, Action.FINDING_RETURNED, reason=reason.strip())
    return finding


def _locked(finding: Finding) -> Finding:
    found = Finding.objects.select_for_update(of=("self",)).select_related("project", "owner")
    return found.get(pk=finding.pk)


def _refuse_owner(owner: User | None, project: Project) -> None:
    place = membership_of(owner, project) if owner is not None else None
    if owner is not None and (place is None or place.role == Membership.Role.AUDITOR):
        raise Invalid("owner_unknown", _("The owner is somebody who works in this project."), "owner")


def _refuse_who_does_not_work(actor: User, finding: Finding) -> None:
    works = may_ask(actor, finding.project) or (
        actor.pk == finding.owner_id and may_judge(actor, finding.project)
    )
    if not works:
        raise PermissionDenied(_("Only people who work on this project put findings right."))


def _refuse_own(actor: User, finding: Finding) -> None:
    if not may_judge(actor, finding.project):
        raise PermissionDenied(_("Only reviewers and managers verify a finding."))
    if actor.pk in (finding.resolved_by_id, finding.owner_id):
        raise PermissionDenied(_("Nobody verifies what they put right themselves."))


def _record(finding: Finding, actor: User | Actor, action: Action, **detail: object) -> None:
    append(actor=actor, action=action, subject=finding, project=finding.project.slug, detail=detail)
