"""The ledger verified in the background."""

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from ledger.actors import Actor, SystemActor
from ledger.verification import verify
from lifecycle import rules
from lifecycle.outbox_registry import handler
from lifecycle.services.outbox import enqueue
from lifecycle.services.steps import allow, locked, person, record
from reports.actions import ReportAction
from reports.models import VERIFICATION_STATES, Verification

TASK = "ledger.verify"
VERIFIER = SystemActor("verification")


@transaction.atomic
def request_verification(*, actor: Actor) -> Verification:
    """Ask for the whole ledger to be recomputed. One that waits already is not asked for twice.

    Those who see every project may, auditors too.
    """
    allow(rules.sees_everything(actor), _("Only those who see every project verify the ledger."))
    waiting = Verification.objects.filter(state=Verification.State.QUEUED).first()
    if waiting is not None:
        return waiting
    verification = Verification.objects.create(requested_by=person(actor), requested_at=timezone.now())
    record(ReportAction.VERIFICATION_REQUESTED, verification, actor=actor)
    enqueue(task=TASK, args={"verification_id": verification.pk}, key=f"verification:{verification.pk}")
    return verification


def fail_given_up(*, error: str, verification_id: int) -> None:
    """The outbox has given up: there is no result, and why."""
    verification = locked(Verification.objects.get(pk=verification_id))
    if verification.state != Verification.State.QUEUED:
        return
    verification.state = VERIFICATION_STATES.next(verification.state, "fail")
    verification.said, verification.finished_at = error, timezone.now()
    verification.save()
    record(ReportAction.VERIFICATION_FAILED, verification, actor=VERIFIER, error=error[:1000])


@handler(TASK, gave_up=fail_given_up)
def verify_ledger(*, verification_id: int) -> None:
    """Recompute everything, then note the result. Done before: nothing happens."""
    if Verification.objects.get(pk=verification_id).state != Verification.State.QUEUED:
        return
    verdict = verify()
    with transaction.atomic():
        verification = locked(Verification.objects.get(pk=verification_id))
        if verification.state != Verification.State.QUEUED:
            return
        verification.state = VERIFICATION_STATES.next(verification.state, "finish")
        verification.intact, verification.size, verification.root = verdict.intact, verdict.size, verdict.root
        verification.said, verification.finished_at = str(verdict), timezone.now()
        verification.save()
        record(
            ReportAction.VERIFICATION_FINISHED,
            verification,
            actor=VERIFIER,
            intact=verdict.intact,
            size=verdict.size,
            root=verdict.root,
        )
