"""Projects and who belongs to them."""

import re
from collections.abc import Iterable

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from lifecycle import rules
from lifecycle.actions import LifecycleAction
from lifecycle.definitions import ProcessDocument, stored
from lifecycle.definitions import Trigger as TriggerDefinition
from lifecycle.errors import Invalid, Refused
from lifecycle.models import Iteration, Membership, ProcessVersion, Project, Trigger, User
from lifecycle.services.steps import allow, change, ensure_active, locked, record
from lifecycle.services.texts import line, prose

_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,59}")


@transaction.atomic
def create_project(
    *, slug: str, name: str, purpose: str, risk_class: str, process_version: ProcessVersion, actor: User,
    risk_appetite: int = 6,
) -> Project:  # fmt: skip
    """Begin a project under a published process version; whoever does becomes its manager.

    The process's triggers become trigger records of the project. `risk_appetite` is a score (1 to 25).
    Raises `Invalid` for a slug that is taken or badly formed and for values out of range.
    """
    version = locked(process_version)
    allow(rules.can_create_projects(actor), _("You may not create projects."))
    values = _checked(name, purpose, risk_class, risk_appetite)
    _check_slug(slug)
    if version.state != ProcessVersion.State.PUBLISHED:
        raise Refused("not_published", _("A project needs a published process."))

    now = timezone.now()
    project = Project.objects.create(
        slug=slug, process_version=version, created_by=actor, created_at=now, **values
    )
    Membership.objects.create(project=project, user=actor, role=Membership.Role.MANAGER, joined_at=now)
    document = stored(version.document)
    Trigger.objects.bulk_create(trigger_from(project, document, part) for part in document.triggers)
    record(
        LifecycleAction.PROJECT_CREATED, project, actor=actor, project=project,
        manager=actor.pk, process=version.digest, risk_class=risk_class, risk_appetite=risk_appetite,
        triggers=[part.key for part in document.triggers],
    )  # fmt: skip
    return project


@transaction.atomic
def change_project(
    *, project: Project, actor: User, name: str | None = None, purpose: str | None = None,
    risk_class: str | None = None, risk_appetite: int | None = None,
) -> Project:  # fmt: skip
    """Change what a project says of itself. Another process version: see `moving.move_project`."""
    project = locked(project)
    allow(rules.can_manage_project(actor, project), _("Only a manager changes a project."))
    ensure_active(project)
    wanted = _checked(
        project.name if name is None else name,
        project.purpose if purpose is None else purpose,
        project.risk_class if risk_class is None else risk_class,
        project.risk_appetite if risk_appetite is None else risk_appetite,
    )

    before = {field: getattr(project, field) for field in wanted if getattr(project, field) != wanted[field]}
    for field, value in wanted.items():
        setattr(project, field, value)
    project.save(update_fields=[*wanted])
    record(
        LifecycleAction.PROJECT_CHANGED, project, actor=actor, project=project,
        **change(before, {field: wanted[field] for field in before}),
    )  # fmt: skip
    return project


@transaction.atomic
def close_project(*, project: Project, actor: User, reason: str) -> Project:
    """Close a project for good; its open iteration has to be over."""
    project = locked(project)
    allow(rules.can_manage_project(actor, project), _("Only a manager closes a project."))
    reason = prose(reason, "reason")
    ensure_active(project)
    if project.iterations.filter(state=Iteration.State.OPEN).exists():
        raise Refused("iteration_open", _("Complete or stop the open iteration first."))

    project.state = Project.State.CLOSED
    project.save(update_fields=["state"])
    record(
        LifecycleAction.PROJECT_CHANGED, project, actor=actor, project=project,
        **change("active", "closed"), reason=reason,
    )  # fmt: skip
    return project


@transaction.atomic
def add_member(
    *, project: Project, user: User, role: str, crisp_roles: Iterable[str] = (), actor: User
) -> Membership:
    """Let a person into a project, again if they had left. `crisp_roles` are role codes of its process."""
    project = locked(project, "process_version")
    allow(rules.can_manage_project(actor, project), _("Only a manager adds members."))
    codes = _checked_roles(project, role, crisp_roles)
    ensure_active(project)
    if not user.is_active:
        raise Refused("person_closed", _("This account is closed."))
    _ensure_suits(user, role)
    membership = Membership.objects.filter(project=project, user=user).first()
    if membership is not None and membership.left_at is None:
        raise Refused("already_member", _("%(name)s is a member already.") % {"name": user})

    membership = membership or Membership(project=project, user=user)
    membership.role, membership.crisp_roles = role, codes
    membership.joined_at, membership.left_at = timezone.now(), None
    membership.save()
    record(
        LifecycleAction.MEMBER_ADDED, membership, actor=actor, project=project,
        user=user.pk, role=role, crisp_roles=codes,
    )  # fmt: skip
    return membership


@transaction.atomic
def change_member(
    *,
    project: Project,
    user: User,
    actor: User,
    role: str | None = None,
    crisp_roles: Iterable[str] | None = None,
) -> Membership:
    """Give a member another role in the project or other roles of the process."""
    project = locked(project, "process_version")
    allow(rules.can_manage_project(actor, project), _("Only a manager changes members."))
    membership = _membership(project, user)
    before = {"role": membership.role, "crisp_roles": membership.crisp_roles}
    wanted = role if role is not None else membership.role
    codes = _checked_roles(project, wanted, membership.crisp_roles if crisp_roles is None else crisp_roles)
    ensure_active(project)
    _ensure_suits(user, wanted)
    if wanted != Membership.Role.MANAGER:
        _ensure_other_manager(project, membership)

    membership.role, membership.crisp_roles = wanted, codes
    membership.save(update_fields=["role", "crisp_roles"])
    record(
        LifecycleAction.MEMBER_CHANGED, membership, actor=actor, project=project,
        user=user.pk, **change(before, {"role": wanted, "crisp_roles": codes}),
    )  # fmt: skip
    return membership


@transaction.atomic
def remove_member(*, project: Project, user: User, actor: User) -> Membership:
    """End a membership; what the person did stays. A project keeps at least one manager."""
    project = locked(project)
    allow(rules.can_manage_project(actor, project), _("Only a manager removes members."))
    membership = _membership(project, user)
    _ensure_other_manager(project, membership)

    membership.left_at = timezone.now()
    membership.save(update_fields=["left_at"])
    record(
        LifecycleAction.MEMBER_REMOVED,
        membership,
        actor=actor,
        project=project,
        user=user.pk,
        role=membership.role,
    )
    return membership


def _checked(name: str, purpose: str, risk_class: str, risk_appetite: int) -> dict[str, object]:
    if risk_class not in Project.RiskClass.values:
        raise Invalid("unknown_risk_class", _("There is no such risk class."), "risk_class")
    if not 1 <= risk_appetite <= 25:
        raise Invalid("bad_risk_appetite", _("The risk appetite is a score from 1 to 25."), "risk_appetite")
    return {
        "name": line(name, "name"),
        "purpose": prose(purpose, "purpose", needed=False),
        "risk_class": risk_class,
        "risk_appetite": risk_appetite,
    }


def _check_slug(slug: str) -> None:
    if not _SLUG.fullmatch(slug):
        text = _("The short name has up to 60 small letters, digits and hyphens.")
        raise Invalid("bad_slug", text, "slug")
    if Project.objects.filter(slug=slug).exists():
        raise Invalid("slug_taken", _("Another project has this short name."), "slug")


def _checked_roles(project: Project, role: str, crisp_roles: Iterable[str]) -> list[str]:
    if role not in Membership.Role.values:
        raise Invalid("unknown_role", _("There is no such role in a project."), "role")
    codes = list(dict.fromkeys(crisp_roles))
    known = {part["code"] for part in project.process_version.document["roles"]}
    unknown = [code for code in codes if code not in known]
    if unknown:
        text = _("The process has no role %(codes)s.") % {"codes": ", ".join(map(str, unknown))}
        raise Invalid("unknown_crisp_role", text, "crisp_roles")
    return codes


def _ensure_suits(user: User, role: str) -> None:
    if user.org_role == User.OrgRole.AUDITOR and role != Membership.Role.AUDITOR:
        raise Refused("auditors_read", _("An auditor of the organization can only be an auditor here."))


def _membership(project: Project, user: User) -> Membership:
    membership = Membership.objects.filter(project=project, user=user, left_at__isnull=True).first()
    if membership is None:
        raise Refused("not_member", _("%(name)s is not a member.") % {"name": user})
    return membership


def _ensure_other_manager(project: Project, membership: Membership) -> None:
    if membership.role != Membership.Role.MANAGER:
        return
    managers = project.memberships.filter(
        role=Membership.Role.MANAGER, left_at__isnull=True, user__is_active=True
    )
    if not managers.exclude(pk=membership.pk).exists():
        raise Refused("last_manager", _("This is the last manager: name another one first."))


def trigger_from(project: Project, document: ProcessDocument, part: TriggerDefinition) -> Trigger:
    """The trigger record, not saved yet, that a process's trigger becomes in a project."""
    return Trigger(
        project=project, key=part.key, name=part.name, kind=part.kind.value, condition=part.condition,
        params=_params(part), schedule=part.cron or "", mode=part.mode.value, action=part.action.value,
        target_phase=_phase_of(document, part.reopens), cooldown_hours=part.cooldown_hours,
        consecutive=part.consecutive,
    )  # fmt: skip


def _phase_of(document: ProcessDocument, refs: tuple[str, ...]) -> str:
    """The earliest phase among phases and tasks; empty if there are none."""
    order = [phase.key for phase in document.phases]
    of_task = {task.key: task.phase for task in document.tasks}
    phases = [of_task.get(ref, ref) for ref in refs]
    return min(phases, key=order.index, default="")


def _params(part: TriggerDefinition) -> dict[str, object]:
    zone: dict[str, object] = {"timezone": part.timezone} if part.cron else {}
    return {**part.params, **zone}
