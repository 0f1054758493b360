"""Days away, and deputies. docs/decisions/absence-and-deputies.md says what a deputy may and may not."""

import datetime as dt

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from lifecycle import rules
from lifecycle.actions import LifecycleAction
from lifecycle.errors import Invalid, Refused
from lifecycle.models import Absence, User
from lifecycle.services.steps import allow, locked, record
from lifecycle.services.texts import line

MOST_DAYS = 366


@transaction.atomic
def enter_absence(
    *, person: User, deputy: User, starts_on: dt.date, ends_on: dt.date, actor: User, reason: str = ""
) -> Absence:
    """Note that a person is away from the first to the last day; the person does it, or an administrator.

    The reason is not written into the ledger, since it is nobody else's business.
    Raises `Invalid` for days in the wrong order, in the past or more than a year, `Refused` (`overlap`,
    `same_person`, `deputy_closed`, `deputy_absent`).
    """
    # Absences of one person are judged one after the other: the row is the lock against two that overlap.
    person = locked(person)
    allow(_may(actor, person), _("An absence is entered by the person or by an administrator."))
    reason = line(reason, "reason", needed=False)
    _check_days(starts_on, ends_on)
    if person.pk == deputy.pk:
        raise Refused("same_person", _("Nobody is their own deputy."))
    if not person.is_active:
        raise Refused("person_closed", _("This account is closed."))
    if not rules.can_change(deputy):
        raise Refused("deputy_closed", _("%(name)s can not be a deputy.") % {"name": deputy})
    if _away(person, starts_on, ends_on):
        raise Refused("overlap", _("Another absence lies within these days."))
    if _away(deputy, starts_on, ends_on):
        raise Refused("deputy_absent", _("%(name)s is away in these days.") % {"name": deputy})

    absence = Absence.objects.create(
        person=person, deputy=deputy, starts_on=starts_on, ends_on=ends_on, reason=reason,
        entered_by=actor, entered_at=timezone.now(),
    )  # fmt: skip
    _record(LifecycleAction.ABSENCE_ENTERED, absence, actor)
    return absence


@transaction.atomic
def cancel_absence(*, absence: Absence, actor: User) -> Absence:
    """End an absence before its time, or before it begins. `Refused("over")` once it is over."""
    absence = locked(absence, "person")
    allow(_may(actor, absence.person), _("An absence is ended by the person or by an administrator."))
    if absence.cancelled_at is not None or absence.ends_on < timezone.localdate():
        raise Refused("over", _("This absence is over."))

    absence.cancelled_at = timezone.now()
    absence.save(update_fields=["cancelled_at"])
    _record(LifecycleAction.ABSENCE_CANCELLED, absence, actor)
    return absence


def _may(actor: User, person: User) -> bool:
    return rules.can_manage_people(actor) or (actor.pk == person.pk and rules.can_change(actor))


def _check_days(starts_on: dt.date, ends_on: dt.date) -> None:
    if ends_on < starts_on:
        raise Invalid("wrong_order", _("The last day lies before the first."), "ends_on")
    if ends_on < timezone.localdate():
        raise Invalid("in_the_past", _("These days are over."), "ends_on")
    if (ends_on - starts_on).days >= MOST_DAYS:
        raise Invalid("too_long", _("At most %(most)d days.") % {"most": MOST_DAYS}, "ends_on")


def _away(user: User, starts_on: dt.date, ends_on: dt.date) -> bool:
    found = Absence.objects.filter(person=user, cancelled_at__isnull=True)
    return found.filter(starts_on__lte=ends_on, ends_on__gte=starts_on).exists()


def _record(action: LifecycleAction, absence: Absence, actor: User) -> None:
    record(
        action, absence, actor=actor, user=absence.person_id, deputy=absence.deputy_id,
        starts_on=absence.starts_on.isoformat(), ends_on=absence.ends_on.isoformat(),
    )  # fmt: skip
