"""Who may say where it is looked for what runs, and what was seen there."""

from __future__ import annotations

from governance.models import RunningPlace
from ledger.actors import Actor
from lifecycle.models import Project
from lifecycle.rules.people import can_change, can_manage_people, is_machine
from lifecycle.rules.projects import can_contribute, can_manage_project


def may_add_alias(actor: Actor, project: Project) -> bool:
    """Say which environment an alias stands for."""
    return can_manage_people(actor) or can_manage_project(actor, project)


def may_add_files(actor: Actor) -> bool:
    """Say which files are looked at: administrators and the console."""
    return can_manage_people(actor)


def may_retire_place(actor: Actor, place: RunningPlace) -> bool:
    """End the looking: files are an administrator's."""
    alias = place.kind == RunningPlace.Kind.ALIAS
    return can_manage_people(actor) or (alias and can_manage_project(actor, place.project))


def may_look(actor: Actor, project: Project) -> bool:
    """Have a project's places looked at now."""
    return is_machine(actor) or can_manage_people(actor) or can_contribute(actor, project)


def may_hand_in(actor: Actor, project: Project | None) -> bool:
    """Hand in what runs: of one project those who work on it, of all of them administrators."""
    if not can_change(actor):
        return False
    if can_manage_people(actor):
        return True
    return project is not None and can_contribute(actor, project)
