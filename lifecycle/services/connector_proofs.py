"""Runs that prove a task because a rule says so: frozen and attached for the manager who wrote the rule."""

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils.translation import gettext as _

from lifecycle.errors import Invalid, Refused
from lifecycle.models import Connector, Run, SourceRecord
from lifecycle.services.connector_syncs import MACHINE
from lifecycle.services.evidence import attach_evidence, freeze_run

MOST_A_SYNC = 200
_P = SourceRecord.Proof


def prove(connector: Connector, external_id: str) -> bool:
    """Make a finished run evidence of its task, in the caller's transaction; True if it is.

    Who wrote the rule gives the evidence, and so may neither verify it nor sign for it. What cannot be now
    (the task has not begun) waits, and each sync tries again.
    """
    row = SourceRecord.objects.select_related("rule__created_by", "run__task").get(
        connector=connector, kind=SourceRecord.Kind.RUN, external_id=external_id
    )
    if row.proof == _P.GIVEN or row.run is None or row.rule is None or not row.rule.proves:
        return row.proof == _P.GIVEN
    if row.run.state != Run.State.FINISHED:
        return False
    note = _("The task %(key)s is not part of the open iteration.") % {"key": row.rule.task_key}
    if row.run.task is not None:
        note = _give(row)
    row.proof, row.proof_note = (_P.WAITING, note[:1000]) if note else (_P.GIVEN, "")
    row.save(update_fields=["proof", "proof_note"])
    return not note


def prove_waiting(connector: Connector) -> int:
    """Try again what waits, the oldest first; returns how many became evidence."""
    waiting = SourceRecord.objects.filter(
        connector=connector, proof=_P.WAITING, run__state=Run.State.FINISHED
    )
    given = 0
    for name in list(waiting.order_by("pk").values_list("external_id", flat=True)[:MOST_A_SYNC]):
        with transaction.atomic():
            given += prove(connector, name)
    return given


def _give(row: SourceRecord) -> str:
    """Freeze and attach; what stands against it, in words, and nothing is left of the try then."""
    assert row.run is not None
    assert row.run.task is not None
    assert row.rule is not None
    try:
        with transaction.atomic():
            snapshot = freeze_run(run=row.run, actor=MACHINE)
            attach_evidence(task=row.run.task, snapshot=snapshot, actor=row.rule.created_by)
    except Refused as no:
        return "" if no.code == "already_attached" else str(no)
    except (Invalid, PermissionDenied) as no:
        return str(no)
    return ""
