"""What people say of controls: that one is met where no record can tell, or that it has no bearing."""

from __future__ import annotations

import datetime as dt
import hashlib
from functools import partial

import rfc8785
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils.timezone import now
from django.utils.translation import gettext as _

from governance.actions import GovernanceAction as Action
from governance.errors import Invalid, Refused
from governance.models import Assurance, ControlExclusion, FrameworkUse
from governance.queries.compliance import document_of
from governance.rules.gates import may_judge, may_manage
from ledger.services import append
from lifecycle.models import Project, User
from lifecycle.services.identity import prove

LONGEST = dt.timedelta(days=366)


def assure_control(
    *, use: FrameworkUse, control: str, actor: User, password: str, statement: str, expires_on: dt.date,
    link: str = "", code: str = "",
) -> Assurance:  # fmt: skip
    """Sign that a control is met where no record can tell, until a day at most a year away.

    Reviewers and managers may. An assurance that is there already ends. Raises `PermissionDenied`, `Invalid`
    for an unknown control, no words or an unfit day, `Refused` for a wrong password or a use that has ended.
    """
    _refuse_who_may_not(actor, use.project)
    text, link = statement.strip(), link.strip()
    _refuse_unfit(use, control, text, link, expires_on)
    proof = prove(actor=actor, password=password, code=code, on_wrong=partial(_record_wrong, use))
    with transaction.atomic():
        project = Project.objects.select_for_update().get(pk=use.project_id)
        _refuse_who_may_not(proof.person, project)
        _refuse_ended(use)
        content = {
            "framework": use.framework.key, "version": use.framework.version, "control": control,
            "statement": text, "link": link, "expires_on": expires_on.isoformat(),
            "signer": proof.person.actor_key,
        }  # fmt: skip
        before = project.assurances.filter(
            framework_key=use.framework.key, control=control, ended_at__isnull=True
        )
        before.update(ended_at=now(), ended_by=proof.person, ended_because=_("Another took its place."))
        assurance = Assurance.objects.create(
            project=project, framework_key=use.framework.key, control=control, statement=text, link=link,
            signed_by=proof.person, signer_name=str(proof.person), second_factor=proof.factor,
            digest=hashlib.sha256(rfc8785.dumps(content)).hexdigest(), signed_at=now(), expires_on=expires_on,
        )  # fmt: skip
        detail = {**content, "digest": assurance.digest, "factor": proof.factor}
        append(
            actor=proof.person, action=Action.CONTROL_ASSURED, subject=assurance, project=project.slug,
            detail=detail,
        )  # fmt: skip
    return assurance


@transaction.atomic
def _record_wrong(use: FrameworkUse, person: User, why: str, attempt: int) -> None:
    detail = {"framework": use.framework.key, "reason": why, "attempt": attempt}
    append(
        actor=person, action=Action.ASSURANCE_REFUSED, subject=use, project=use.project.slug, detail=detail
    )


@transaction.atomic
def end_assurance(*, assurance: Assurance, actor: User, reason: str) -> Assurance:
    """Take an assurance back before its day, with a reason. Reviewers and managers may."""
    found = Assurance.objects.select_for_update(of=("self",)).select_related("project")
    assurance = found.get(pk=assurance.pk)
    _refuse_who_may_not(actor, assurance.project)
    if assurance.ended_at is not None:
        raise Refused("ended", _("This has ended before."))
    if not reason.strip():
        raise Invalid("reason_missing", _("Say why."), "reason")
    assurance.ended_at, assurance.ended_by, assurance.ended_because = now(), actor, reason.strip()
    assurance.save(update_fields=["ended_at", "ended_by", "ended_because"])
    append(
        actor=actor, action=Action.ASSURANCE_ENDED, subject=assurance, project=assurance.project.slug,
        detail={"control": assurance.control, "reason": assurance.ended_because},
    )  # fmt: skip
    return assurance


@transaction.atomic
def exclude_control(*, use: FrameworkUse, control: str, actor: User, reason: str) -> ControlExclusion:
    """Say that a control has no bearing on the project, and why. A manager's to say."""
    project = Project.objects.select_for_update().get(pk=use.project_id)
    if not may_manage(actor, project):
        raise PermissionDenied(_("Only a manager says that a control has no bearing."))
    _refuse_ended(use)
    _refuse_unknown(use, control)
    if not reason.strip():
        raise Invalid("reason_missing", _("Say why it has no bearing here."), "reason")
    at = {"framework_key": use.framework.key, "control": control}
    if project.control_exclusions.filter(**at, ended_at__isnull=True).exists():
        raise Refused("excluded", _("It is said already that this control has no bearing."))
    exclusion = ControlExclusion.objects.create(
        project=project, **at, reason=reason.strip(), decided_by=actor, decided_at=now()
    )
    append(
        actor=actor, action=Action.CONTROL_EXCLUDED, subject=exclusion, project=project.slug,
        detail={**at, "reason": exclusion.reason},
    )  # fmt: skip
    return exclusion


@transaction.atomic
def include_control(*, exclusion: ControlExclusion, actor: User) -> ControlExclusion:
    """Take back that a control has no bearing. Managers and reviewers may."""
    found = ControlExclusion.objects.select_for_update(of=("self",)).select_related("project")
    exclusion = found.get(pk=exclusion.pk)
    _refuse_who_may_not(actor, exclusion.project)
    if exclusion.ended_at is not None:
        raise Refused("ended", _("This has ended before."))
    exclusion.ended_at = now()
    exclusion.save(update_fields=["ended_at"])
    append(
        actor=actor, action=Action.CONTROL_INCLUDED, subject=exclusion, project=exclusion.project.slug,
        detail={"framework_key": exclusion.framework_key, "control": exclusion.control},
    )  # fmt: skip
    return exclusion


def _refuse_who_may_not(actor: User, project: Project) -> None:
    if not may_judge(actor, project):
        raise PermissionDenied(_("Only reviewers and managers of the project vouch for its controls."))


def _refuse_ended(use: FrameworkUse) -> None:
    if FrameworkUse.objects.filter(pk=use.pk, ended_at__isnull=False).exists():
        raise Refused("use_ended", _("The project is no longer measured by this framework."))


def _refuse_unknown(use: FrameworkUse, control: str) -> None:
    if document_of(use.framework).control(control) is None:
        words = {"id": control, "framework": use.framework}
        raise Invalid("control_unknown", _("%(framework)s has no control “%(id)s”.") % words, "control")


def _refuse_unfit(use: FrameworkUse, control: str, text: str, link: str, expires_on: dt.date) -> None:
    _refuse_unknown(use, control)
    if not text:
        raise Invalid("statement_missing", _("Say what is so, and how you know."), "statement")
    if link and not link.startswith(("http://", "https://")):
        raise Invalid("link_unfit", _("A link begins with http:// or https://."), "link")
    today = now().astimezone(dt.UTC).date()
    if not today <= expires_on <= today + LONGEST:
        raise Invalid("day_unfit", _("The day lies between today and a year from now."), "expires_on")
