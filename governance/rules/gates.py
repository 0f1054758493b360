"""Who may do what at a gate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from governance.models import Gate
from lifecycle.models import Membership, Project, User
from lifecycle.rules.people import can_change
from lifecycle.rules.projects import can_contribute, can_manage_project, can_review, can_take_part


def membership_of(user: User, project: Project) -> Membership | None:
    """The person's place in the project, if they have one now. 1 query."""
    return Membership.objects.filter(project=project, user=user, left_at__isnull=True).first()


def may_ask(user: User, project: Project) -> bool:
    """Open a gate or have it evaluated."""
    return bool(can_contribute(user, project))


def may_manage(user: User, project: Project) -> bool:
    """Withdraw a gate, suspend an authorization, settle a finding."""
    return bool(can_manage_project(user, project))


def may_judge(user: User, project: Project) -> bool:
    """Confirm that a condition is fulfilled or a finding put right."""
    return bool(can_review(user, project))


def may_comment(user: User, project: Project) -> bool:
    """Say what one thinks of a gate: every member but auditors, who change nothing."""
    return bool(can_take_part(user, project))


def has_seat(user: User, gate: Gate) -> bool:
    """Whether the gate's definition asks for this person's signature, and they did not step back."""
    filled = can_change(user) and fills_seat(membership_of(user, gate.iteration.project), gate)
    return filled and not gate.recusals.filter(person=user).exists()


def has_place(place: Membership | None) -> bool:
    """Whether this is a place from which something can be decided: an auditor's is not. No query."""
    return place is not None and place.role != Membership.Role.AUDITOR


def fills_seat(place: Membership | None, gate: Gate) -> bool:
    """Whether the definition of the gate asks for a signature from this place in its project. No query."""
    return place is not None and place_fills(place.role, place.crisp_roles, gate.definition["signatures"])


def place_fills(role: str, crisp_roles: Iterable[str], signatures: Mapping[str, Any]) -> bool:
    """Whether the signatures that a gate's definition asks for can come from this place. No query."""
    if not role or role == Membership.Role.AUDITOR:
        return False
    roles = _asked(signatures)
    return role in roles or bool(roles & set(crisp_roles))


def roles_asked(gate: Gate) -> set[str]:
    """The roles of which some seat of the gate takes a signature. No query."""
    return _asked(gate.definition["signatures"])


def _asked(signatures: Mapping[str, Any]) -> set[str]:
    named = signatures.get("seats") or ()
    return {role for seat in named for role in seat.get("roles") or [seat["role"]]} or set(
        signatures["roles"]
    )
