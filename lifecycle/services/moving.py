"""Moving a project to another version of its process: what would change, then the one step that does it.

Work that runs keeps the rules it started under: the open iteration its version, a gate under review its
frozen definition. The next iteration begins with the new version. Triggers belong to the project and follow
at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from django.db import transaction
from django.utils.translation import gettext as _

from lifecycle import rules
from lifecycle.actions import LifecycleAction
from lifecycle.definitions import Change, ProcessDocument, difference, stored
from lifecycle.errors import Refused
from lifecycle.models import Iteration, Membership, Phase, ProcessVersion, Project, Trigger, User
from lifecycle.services.projects import trigger_from
from lifecycle.services.steps import allow, change, ensure_active, locked, record
from lifecycle.services.texts import prose

_FOLLOWS = (
    "name",
    "condition",
    "params",
    "schedule",
    "mode",
    "target_phase",
    "cooldown_hours",
    "consecutive",
)
_IDENTITY = ("kind", "action")


@dataclass(frozen=True)
class TriggerStep:
    """What happens to one trigger of the project. `what`: added, updated, disabled, or kept as it is."""

    key: str
    what: str
    words: str
    fields: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Move:
    """What a move would do. `missing_roles`: role, and who has it here though the new version lacks it."""

    old: ProcessVersion
    new: ProcessVersion
    changes: list[Change]
    triggers: list[TriggerStep]
    running: Iteration | None
    in_review: list[Phase]
    missing_roles: list[tuple[str, str]]


def plan_move(project: Project, version: ProcessVersion) -> Move:
    """What moving the project to this version would change. 4 queries; changes nothing."""
    old, new = stored(project.process_version.document), stored(version.document)
    running = project.iterations.filter(state=Iteration.State.OPEN).select_related("process_version").first()
    review = Phase.objects.filter(
        iteration__project=project, iteration__state=Iteration.State.OPEN, state=Phase.State.IN_REVIEW
    )
    return Move(
        old=project.process_version, new=version,
        changes=[each for each in difference(old, new) if each.part != "triggers"],
        triggers=_trigger_steps(project, list(project.triggers.order_by("key")), old, new),
        running=running, in_review=list(review.order_by("order")), missing_roles=_missing_roles(project, new),
    )  # fmt: skip


@transaction.atomic
def move_project(
    *, project: Project, version: ProcessVersion, actor: User, reason: str, seen: int | None = None
) -> Project:
    """Let the project's next iteration follow another published version; its triggers follow now.

    A field of a trigger that the project had changed itself stays as the project wants it. Triggers that the
    new version lacks are switched off, never deleted. `seen` is the version (its id) that the project was to
    be moved from: `Refused("changed_meanwhile")` if it has another one by now.
    """
    project = locked(project, "process_version")
    allow(rules.can_manage_project(actor, project), _("Only a manager moves a project."))
    reason = prose(reason, "reason")
    ensure_active(project)
    version = locked(version, "process")
    if version.state != ProcessVersion.State.PUBLISHED:
        raise Refused("not_published", _("A project needs a published process."))
    if version.pk == project.process_version_id:
        raise Refused("same_version", _("The project follows this version already."))
    if seen is not None and seen != project.process_version_id:
        raise Refused("changed_meanwhile", _("The project was moved since you looked: look again."))

    old, new, before = (
        stored(project.process_version.document),
        stored(version.document),
        project.process_version,
    )
    triggers = list(project.triggers.select_for_update().order_by("pk"))
    steps = _trigger_steps(project, triggers, old, new)
    _carry_out(project, {each.key: each for each in triggers}, steps, new)
    project.process_version = version
    project.save(update_fields=["process_version"])
    record(
        LifecycleAction.PROJECT_MOVED, project, actor=actor, project=project,
        **change(before.digest, version.digest), process=version.process.key, number=version.number,
        reason=reason, triggers={each.key: each.what for each in steps if each.what != "kept"},
    )  # fmt: skip
    return project


def _trigger_steps(
    project: Project, triggers: list[Trigger], old: ProcessDocument, new: ProcessDocument
) -> list[TriggerStep]:
    here = {each.key: each for each in triggers}
    was = {part.key: trigger_from(project, old, part) for part in old.triggers}
    will = {part.key: trigger_from(project, new, part) for part in new.triggers}
    steps = [_step(here.get(key), was.get(key), wanted) for key, wanted in will.items()]
    steps += [
        TriggerStep(
            key, "disabled", _("%(trigger)s is switched off: the new version lacks it.") % {"trigger": each}
        )
        for key, each in here.items()
        if key not in will and key in was and each.enabled
    ]
    return [step for step in steps if step is not None]


def _step(here: Trigger | None, was: Trigger | None, wanted: Trigger) -> TriggerStep | None:
    """What becomes of one trigger of the new version; None if nothing does."""
    words = {"trigger": here or wanted}
    if here is None:
        return TriggerStep(wanted.key, "added", _("%(trigger)s is added.") % words)
    if was is None and here.enabled:
        text = _("%(trigger)s is the project's own and stays, though the new version has one of this key.")
        return TriggerStep(here.key, "kept", text % words)
    if was is None or any(getattr(was, name) != getattr(wanted, name) for name in _IDENTITY):
        fields = {name: getattr(wanted, name) for name in (*_IDENTITY, *_FOLLOWS)}
        return TriggerStep(
            here.key, "updated", _("%(trigger)s is defined anew.") % words, fields | {"enabled": True}
        )
    changed = [name for name in _FOLLOWS if getattr(was, name) != getattr(wanted, name)]
    own = [name for name in changed if getattr(here, name) not in (getattr(was, name), getattr(wanted, name))]
    fields = {name: getattr(wanted, name) for name in changed if name not in own}
    fields = {name: value for name, value in fields.items() if getattr(here, name) != value}
    if fields:
        said = "; ".join(_said(here, name, value) for name, value in fields.items())
        return TriggerStep(here.key, "updated", f"{here}: {said}." + _kept(own), fields)
    if own:
        return TriggerStep(here.key, "kept", f"{here}." + _kept(own))
    return None


def _said(here: Trigger, name: str, value: object) -> str:
    words = {"field": name.replace("_", " "), "old": getattr(here, name) or "–", "new": value or "–"}
    return _("%(field)s %(old)s → %(new)s") % words


def _kept(own: list[str]) -> str:
    if not own:
        return ""
    names = ", ".join(name.replace("_", " ") for name in own)
    return " " + _("Stays as the project set it: %(names)s.") % {"names": names}


def _carry_out(
    project: Project, here: dict[str, Trigger], steps: list[TriggerStep], new: ProcessDocument
) -> None:
    added = {step.key for step in steps if step.what == "added"}
    Trigger.objects.bulk_create(
        trigger_from(project, new, part) for part in new.triggers if part.key in added
    )
    for step in steps:
        trigger = here.get(step.key)
        if trigger is None or step.what not in ("updated", "disabled"):
            continue
        fields = step.fields or {"enabled": False}
        for name, value in fields.items():
            setattr(trigger, name, value)
        if {"schedule", "params", "enabled", "kind"} & set(fields):
            trigger.next_due_at = None  # what was missed under the old rules is not caught up
        trigger.save(update_fields=[*fields, "next_due_at"])


def _missing_roles(project: Project, new: ProcessDocument) -> list[tuple[str, str]]:
    known = {role.code for role in new.roles}
    members = Membership.objects.filter(project=project, left_at__isnull=True).select_related("user")
    return [
        (code, str(each.user))
        for each in members.order_by("user__name", "pk")
        for code in each.crisp_roles
        if code not in known
    ]
