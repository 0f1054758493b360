"""An approval lapses when the evidence that it rests on no longer stands."""

from __future__ import annotations

from django.utils.translation import gettext as _

from governance.models import Authorization
from governance.services.authorizations import withdraw_authorization
from ledger.actors import SystemActor
from lifecycle.models import Evidence


def lapse_authorizations(*, evidence_id: int) -> list[Authorization]:
    """Withdraw the authorizations whose gate was decided on this evidence, if it was rejected or has expired.

    Runs inside the transaction that changed the evidence. 2 queries when there is nothing to withdraw.
    """
    evidence = Evidence.objects.select_related("snapshot", "task__phase__iteration").get(pk=evidence_id)
    if evidence.state not in (Evidence.State.REJECTED, Evidence.State.EXPIRED):
        return []
    resting = Authorization.objects.filter(
        gate__iteration=evidence.task.phase.iteration,
        gate__evaluations__subject__contains=evidence.snapshot.digest,
    ).exclude(state=Authorization.State.WITHDRAWN)
    reason = _("Evidence %(digest)s for task %(task)s is now %(state)s.") % {
        "digest": evidence.snapshot.digest[:16],
        "task": evidence.task.key,
        "state": evidence.get_state_display().lower(),
    }
    return [
        withdraw_authorization(authorization=given, actor=SystemActor("lapse"), reason=reason)
        for given in resting.distinct()
    ]
