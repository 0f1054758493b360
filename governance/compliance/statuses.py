"""Where a control stands, and how what its checks say adds up."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import models
from django.utils.translation import gettext_lazy as _


class Status(models.TextChoices):
    """Where a check or a control stands. `met` is evidence towards a control, never a claim to comply."""

    NOT_APPLICABLE = "not_applicable", _("Not applicable")
    NOT_STARTED = "not_started", _("Not started")
    IN_PROGRESS = "in_progress", _("In progress")
    MET = "met", _("Met")
    WAIVED = "waived", _("Met with waiver")
    BROKEN = "broken", _("Broken")
    REVIEW_DUE = "review_due", _("Review due")


GOOD = frozenset({Status.MET, Status.WAIVED})
DECIDED = GOOD | {Status.BROKEN}
"""What records can say without a person."""


def of_records(*, held: int, waiting: int, waived: int, broken: int, empty: Status) -> Status:
    """Where a check stands, from how many of its records say what. One that breaks outweighs all others."""
    if broken:
        return Status.BROKEN
    if waiting:
        return Status.IN_PROGRESS
    if not held:
        return empty
    return Status.WAIVED if waived else Status.MET


def of_checks(statuses: Iterable[str], *, assured: bool, assurance_over: bool) -> Status:
    """Where a control stands, from its checks and a person's assurance.

    An assurance stands in for what no record says yet; it never mends what records contradict. When it is
    over and nothing else speaks for the control, its review is due.
    """
    found = [Status(each) for each in statuses]
    if Status.BROKEN in found:
        return Status.BROKEN
    if assured:
        return Status.WAIVED if Status.WAIVED in found else Status.MET
    if found and all(each in GOOD for each in found):
        return Status.WAIVED if Status.WAIVED in found else Status.MET
    if assurance_over or Status.REVIEW_DUE in found:
        return Status.REVIEW_DUE
    if not found or all(each == Status.NOT_STARTED for each in found):
        return Status.NOT_STARTED
    return Status.IN_PROGRESS
