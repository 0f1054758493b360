"""Requirements: defined, agreed, changed (a new version), checked by a run."""

import math
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from ledger.actors import Actor
from lifecycle import events, rules
from lifecycle.actions import LifecycleAction
from lifecycle.errors import Invalid, Refused
from lifecycle.models import REQUIREMENT_STATES, Project, Requirement, User
from lifecycle.services.steps import allow, change, ensure_active, locked, record
from lifecycle.services.texts import line, prose

_LENGTHS = {"statement": 600, "metric": 120, "unit": 20, "slice": 120, "gate": 10}
_OPTIONAL = ("unit", "slice")


@transaction.atomic
def define_requirement(
    *, project: Project, key: str, statement: str, metric: str, operator: str, limit: float, actor: User,
    slice: str = "", unit: str = "", gate: str = "G4", blocking: bool = True,  # noqa: A002 - the field's name
) -> Requirement:  # fmt: skip
    """Say what must hold: `metric` `operator` `limit` (in `unit`) on a slice, checked at a gate."""
    project = locked(project)
    allow(rules.can_contribute(actor, project), _("You do not work in this project."))
    key = line(key, "key", most=40)
    values = _checked(
        statement=statement, metric=metric, operator=operator, limit=limit, slice=slice, unit=unit, gate=gate,
        blocking=blocking,
    )  # fmt: skip
    ensure_active(project)
    if project.requirements.filter(key=key).exists():
        raise Invalid("key_taken", _("There is a requirement with this key: change that one."), "key")

    requirement = Requirement.objects.create(
        project=project, key=key, created_by=actor, created_at=timezone.now(), **values
    )
    _record(LifecycleAction.REQUIREMENT_DEFINED, requirement, actor, to=requirement.state, **values)
    return requirement


@transaction.atomic
def agree_requirement(*, requirement: Requirement, actor: User) -> Requirement:
    """Fix a draft as agreed, before any run is measured against it."""
    requirement = locked(requirement, "project")
    allow(rules.can_manage_project(actor, requirement.project), _("Only a manager agrees requirements."))
    ensure_active(requirement.project)
    state = REQUIREMENT_STATES.next(requirement.state, "agree")

    return _move(requirement, state, LifecycleAction.REQUIREMENT_AGREED, actor, limit=requirement.limit)


@transaction.atomic
def change_requirement(*, requirement: Requirement, actor: User, reason: str, **changes: Any) -> Requirement:
    """Replace a requirement by a new draft version with other values; the old one stays, superseded.

    `changes` are any of statement, metric, operator, limit, slice, unit, gate, blocking.
    """
    locked(requirement.project)  # as everybody does before they record: triggers that hear of it lock it too
    old = locked(requirement, "project")
    allow(rules.can_manage_project(actor, old.project), _("Only a manager changes requirements."))
    reason = prose(reason, "reason")
    ensure_active(old.project)
    state = REQUIREMENT_STATES.next(old.state, "supersede")
    before = {field: getattr(old, field) for field in _FIELDS}
    unknown = [field for field in changes if field not in before]
    if unknown:
        raise Invalid("unknown_field", _("A requirement has no such field."), unknown[0])
    values = _checked(**{**before, **changes})
    changed = {field: value for field, value in values.items() if value != before[field]}
    if not changed:
        raise Refused("no_change", _("Nothing would change."))

    old.state = state
    old.save(update_fields=["state"])
    new = Requirement.objects.create(
        project=old.project, key=old.key, version=old.version + 1, created_by=actor,
        created_at=timezone.now(),
        change_reason=reason, **values,
    )  # fmt: skip
    _record(
        LifecycleAction.REQUIREMENT_CHANGED, new, actor, supersedes=old.pk, reason=reason,
        **change({field: before[field] for field in changed}, changed),
    )  # fmt: skip
    event = events.RequirementChanged(new.pk, new.project_id)
    events.requirement_changed.send(sender=Requirement, event=event)
    return new


@transaction.atomic
def record_check(
    *, requirement: Requirement, met: bool, actor: Actor, detail: dict[str, Any] | None = None
) -> Requirement:
    """Note whether a run met an agreed requirement; the verdict is computed by the caller from measured
    values.
    """
    requirement = locked(requirement, "project")
    project = requirement.project
    allow(
        rules.is_machine(actor) or rules.can_contribute(actor, project) or rules.can_review(actor, project),
        _("You do not work in this project."),
    )
    state = REQUIREMENT_STATES.next(requirement.state, "meet" if met else "miss")

    return _move(
        requirement, state, LifecycleAction.REQUIREMENT_CHECKED, actor, met=met, measured=detail or {}
    )


@transaction.atomic
def waive_requirement(*, requirement: Requirement, actor: User, reason: str) -> Requirement:
    """Let a requirement that is not met pass, visibly and with a reason."""
    requirement = locked(requirement, "project")
    allow(rules.can_manage_project(actor, requirement.project), _("Only a manager waives requirements."))
    reason = prose(reason, "reason")
    ensure_active(requirement.project)
    state = REQUIREMENT_STATES.next(requirement.state, "waive")

    return _move(requirement, state, LifecycleAction.REQUIREMENT_WAIVED, actor, reason=reason)


_FIELDS = ("statement", "metric", "operator", "limit", "slice", "unit", "gate", "blocking")


def _checked(**values: Any) -> dict[str, Any]:
    checked: dict[str, Any] = {
        field: line(values[field], field, most=most, needed=field not in _OPTIONAL)
        for field, most in _LENGTHS.items()
    }
    if values["operator"] not in Requirement.Operator.values:
        raise Invalid("unknown_operator", _("The operator is >=, <=, > or <."), "operator")
    limit = values["limit"]
    if isinstance(limit, bool) or not isinstance(limit, int | float) or not math.isfinite(limit):
        raise Invalid("bad_limit", _("The limit is a number."), "limit")
    return checked | {
        "operator": str(values["operator"]), "limit": float(limit), "blocking": bool(values["blocking"])
    }  # fmt: skip


def _record(action: LifecycleAction, requirement: Requirement, actor: Actor, **detail: Any) -> None:
    record(
        action, requirement, actor=actor, project=requirement.project,
        key=requirement.key, version=requirement.version, **detail,
    )  # fmt: skip


def _move(
    requirement: Requirement, state: str, action: LifecycleAction, actor: Actor, **detail: object
) -> Requirement:
    before, requirement.state = requirement.state, state
    requirement.save(update_fields=["state"])
    _record(action, requirement, actor, **change(before, state), **detail)
    return requirement
