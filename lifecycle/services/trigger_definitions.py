"""Triggers of a project, defined and changed by its managers."""

from collections.abc import Mapping
from typing import Any
from zoneinfo import available_timezones

from django.db import transaction
from django.utils.translation import gettext as _

from ledger.actors import Actor
from lifecycle import rules
from lifecycle.actions import LifecycleAction
from lifecycle.definitions import TriggerKind
from lifecycle.errors import Invalid
from lifecycle.models import Project, Trigger
from lifecycle.services.steps import allow, ensure_active, locked, record
from lifecycle.services.texts import line
from lifecycle.services.trigger_conditions import check_condition, check_fields, check_schedule

_MOST_HOURS = 8784
_MOST_WINDOWS = 12
CHANGEABLE = (
    "name", "condition", "params", "schedule", "mode", "action", "target_phase", "cooldown_hours",
    "consecutive", "enabled",
)  # fmt: skip


@transaction.atomic
def define_trigger(
    *,
    project: Project,
    key: str,
    name: str,
    kind: str,
    mode: str,
    action: str,
    actor: Actor,
    condition: str = "",
    params: Mapping[str, Any] | None = None,
    schedule: str = "",
    target_phase: str = "",
    cooldown_hours: int = 0,
    consecutive: int = 1,
) -> Trigger:
    """Add a trigger to a project. Raises Invalid with the field that is wrong."""
    project = locked(project)
    allow(
        rules.is_machine(actor) or rules.can_manage_project(actor, project),
        _("Only a manager defines triggers."),
    )
    ensure_active(project)
    trigger = Trigger(
        project=project, key=line(key, "key", most=20), name=line(name, "name"), kind=kind,
        mode=mode, action=action, condition=condition.strip(), params=dict(params or {}),
        schedule=schedule.strip(), target_phase=target_phase, cooldown_hours=cooldown_hours,
        consecutive=consecutive,
    )  # fmt: skip
    _check(trigger)
    if Trigger.objects.filter(project=project, key=trigger.key).exists():
        raise Invalid("key_taken", _("The project has a trigger with this key."), "key")

    trigger.save()
    record(
        LifecycleAction.TRIGGER_DEFINED, trigger, actor=actor, project=project, iteration=None,
        key=trigger.key, kind=kind, mode=mode, starts=action, **_said(trigger),
    )  # fmt: skip
    return trigger


@transaction.atomic
def change_trigger(*, trigger: Trigger, actor: Actor, **changes: Any) -> Trigger:
    """Change name, condition, params, schedule, mode, action, phase, cooldown or whether it is enabled.

    A changed schedule, or one that is switched on again, counts from now: what was missed is not caught up.
    """
    unknown = sorted(set(changes) - set(CHANGEABLE))
    if unknown:
        raise TypeError(f"change_trigger() cannot change {unknown[0]!r}.")
    project = locked(trigger.project)
    trigger = locked(trigger, "project")
    allow(
        rules.is_machine(actor) or rules.can_manage_project(actor, project),
        _("Only a manager changes triggers."),
    )
    ensure_active(project)
    before = {
        field: getattr(trigger, field) for field in changes if getattr(trigger, field) != changes[field]
    }
    for field in before:
        setattr(trigger, field, changes[field])
    trigger.name = line(trigger.name, "name")
    _check(trigger, fields=bool({"condition", "params"} & set(before)))

    if "schedule" in before or "enabled" in before or "params" in before:
        trigger.next_due_at = None
    trigger.save(update_fields=[*before, "next_due_at"])
    after = {field: getattr(trigger, field) for field in before}
    record(
        LifecycleAction.TRIGGER_CHANGED, trigger, actor=actor, project=project, iteration=None,
        key=trigger.key, **{"from": before, "to": after},
    )  # fmt: skip
    return trigger


def _said(trigger: Trigger) -> dict[str, object]:
    return {
        "condition": trigger.condition,
        "params": trigger.params,
        "schedule": trigger.schedule,
        "target_phase": trigger.target_phase,
        "cooldown_hours": trigger.cooldown_hours,
        "consecutive": trigger.consecutive,
    }


def _check(trigger: Trigger, *, fields: bool = True) -> None:
    """`fields`: also that the condition asks only for what will be there; what was so before may stay."""
    for field, known in (
        ("kind", list(TriggerKind)),
        ("mode", Trigger.Mode.values),
        ("action", Trigger.Action.values),
    ):
        if getattr(trigger, field) not in known:
            raise Invalid("unknown_choice", _("There is no such choice."), field)
    check_condition(trigger.condition)
    if fields:
        check_fields(trigger.condition, trigger.kind, trigger.params)
    check_schedule(trigger.kind, trigger.schedule)
    _check_zone(trigger)
    _check_phase(trigger)
    if trigger.action == Trigger.Action.REOPEN_PHASE and not trigger.target_phase:
        raise Invalid("phase_missing", _("Say which phase is reopened."), "target_phase")
    if not 0 <= trigger.cooldown_hours <= _MOST_HOURS:
        raise Invalid("bad_cooldown", _("The cooldown is 0 to 8784 hours."), "cooldown_hours")
    if not 1 <= trigger.consecutive <= _MOST_WINDOWS:
        raise Invalid("bad_streak", _("It holds in 1 to 12 windows running."), "consecutive")


def _check_zone(trigger: Trigger) -> None:
    """A schedule is read in a time zone that there is."""
    zone = trigger.params.get("timezone")
    if trigger.schedule and zone and str(zone) not in available_timezones():
        raise Invalid("unknown_zone", _("There is no time zone “%(zone)s”.") % {"zone": zone}, "params")


def _check_phase(trigger: Trigger) -> None:
    """The target phase is one of the project's process."""
    if not trigger.target_phase:
        return
    keys = [phase["key"] for phase in trigger.project.process_version.document["phases"]]
    if trigger.target_phase not in keys:
        raise Invalid("unknown_phase", _("The process has no such phase."), "target_phase")
