"""A clock that had run ahead is put right, and the gate check can say yes again before that time has come.

Without this, one entry written by a clock that was a year ahead would deny everything for a year. It is done
on the server's console by whoever can set the clock anyway; the ledger and the auditors learn of it.
"""

from __future__ import annotations

from django.db import transaction
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext as _

from governance.actions import GovernanceAction as Action
from governance.errors import Invalid, Refused
from governance.models import ClockCorrection
from governance.queries.gate_checks import CLOCK_TOLERANCE, latest_moment
from ledger.actors import Actor
from ledger.models import Entry
from ledger.services import append
from lifecycle.models import Notice, User
from lifecycle.services.notices import Occasion, tell_all


@transaction.atomic
def correct_clock(*, reason: str, actor: Actor) -> ClockCorrection:
    """Say that the clock had run ahead and is right now.

    Authorizations keep the times that they were given by. Administrators and auditors are told. Raises
    `Invalid` without a reason, `Refused("clock_not_ahead")` where no entry is later than now.
    """
    if not reason.strip():
        raise Invalid("reason_missing", _("Say why."), "reason")
    latest, moment = latest_moment(), now()
    if latest is None or latest <= moment + CLOCK_TOLERANCE:
        raise Refused("clock_not_ahead", _("No record is later than now, so there is nothing to put right."))
    last = Entry.objects.order_by("-index").values_list("index", flat=True)[0]
    correction = ClockCorrection.objects.create(
        through=last, latest=latest, reason=reason.strip(), corrected_at=moment
    )
    detail = {"through": last, "latest": latest.isoformat(), "reason": correction.reason}
    append(actor=actor, action=Action.CLOCK_CORRECTED, subject=correction, detail=detail)
    _tell(correction)
    return correction


def _tell(correction: ClockCorrection) -> None:
    roles = (User.OrgRole.ADMINISTRATOR, User.OrgRole.AUDITOR)
    people = User.objects.filter(org_role__in=roles, is_active=True).order_by("pk")
    subject = _("The clock had run ahead to %(latest)s and was put right")
    told = Occasion(
        list(people.values_list("pk", flat=True)), Notice.Kind.EVENT_REPORTED,
        subject % {"latest": f"{correction.latest:%d %b %Y %H:%M} UTC"}, reverse("reports:ledger"),
        f"clock:{correction.pk}", correction.reason[:1000],
    )  # fmt: skip
    tell_all([told])
