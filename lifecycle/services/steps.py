"""What every service does in the same way: lock, refuse, record."""

from typing import Any, TypeVar

from django.core.exceptions import PermissionDenied
from django.db import models
from django.utils.translation import gettext as _

from ledger.actions import Action
from ledger.actors import Actor
from ledger.services import append
from lifecycle.errors import Invalid, Refused
from lifecycle.models import Iteration, Project, User

M = TypeVar("M", bound=models.Model)


def locked(record: M, *related: str) -> M:
    """The record as it stands now, its row locked until the transaction ends.

    What a caller holds may be stale, so that services judge this copy. `related` is fetched along, not
    locked. Others may still refer to the row: they do so after they have recorded, and would wait in a ring.
    """
    # The class that a lazy `request.user` stands for, where `type()` would give its wrapper.
    rows = record.__class__._default_manager.select_for_update(of=("self",), no_key=True)
    return rows.select_related(*related).get(pk=record.pk)


def allow(permitted: bool, text: str) -> None:  # noqa: FBT001 - reads as: allow(this, or say that)
    """Raise PermissionDenied unless permitted."""
    if not permitted:
        raise PermissionDenied(text)


def ensure_open(iteration: Iteration) -> None:
    """Refuse work in an iteration that is over, or in a closed project."""
    if iteration.project.state != Project.State.ACTIVE:
        raise Refused("project_closed", _("This project is closed."))
    if iteration.state != Iteration.State.OPEN:
        raise Refused("iteration_closed", _("This iteration is over; work goes on in a new one."))


def ensure_active(project: Project) -> None:
    """Refuse changes in a closed project."""
    if project.state != Project.State.ACTIVE:
        raise Refused("project_closed", _("This project is closed."))


def ensure_same_project(project: Project, other_id: int, where: str) -> None:
    """Refuse to tie records of two projects together."""
    if project.pk != other_id:
        raise Invalid("other_project", _("This belongs to another project."), where)


def person(actor: Actor) -> User | None:
    """The person behind an actor, None for a machine."""
    return actor if isinstance(actor, User) else None


def change(before: object, after: object) -> dict[str, Any]:
    """How an entry's detail says what was and what is."""
    return {"from": before, "to": after}


def record(
    action: Action,
    subject: models.Model,
    *,
    actor: Actor,
    project: Project | None = None,
    iteration: Iteration | None = None,
    **detail: object,
) -> None:
    """Append the one ledger entry of a service call; the iteration's number stands in its detail."""
    where: dict[str, object] = {"iteration": iteration.number} if iteration else {}
    append(
        actor=actor,
        action=action,
        subject=subject,
        project=project.slug if project else None,
        detail={**where, **detail},
    )
