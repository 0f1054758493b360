"""Open gates are evaluated again when what they rest on changes: by a worker, soon after."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _

from governance.actions import GovernanceAction
from governance.errors import Refused
from governance.models import Evaluation, Gate
from governance.services.evaluations import evaluate_gate
from ledger.actors import SystemActor
from ledger.events import EntryAppended
from lifecycle.actions import LifecycleAction
from lifecycle.outbox_registry import handler
from lifecycle.prepared import Prepared
from lifecycle.services.outbox import enqueue

TASK = "governance.reevaluate"

_FACTS = ("evidence.", "task.", "handoff.", "risk.", "requirement.", "finding.", "waiver.", "condition.")
_OTHERS = (GovernanceAction.CHANGES_ASKED, GovernanceAction.FEEDBACK_SETTLED, LifecycleAction.PROJECT_CHANGED)
_ALSO = frozenset(map(str, _OTHERS))
_WAITING = Prepared(
    lambda slug: Gate.objects.filter(
        Exists(Evaluation.objects.filter(gate=OuterRef("pk"))),
        iteration__project__slug=slug, state=Gate.State.OPEN,
    ).order_by("pk"),
    str,
)  # fmt: skip


def reevaluate_after(event: EntryAppended) -> int:
    """Ask for new evaluations of the open gates that a change may concern; how many.

    Inside the transaction of the change. No query for changes of no fact, 1 where nothing waits for a
    decision, 2 more for each gate.
    """
    if not event.project or not (event.action.startswith(_FACTS) or event.action in _ALSO):
        return 0
    reason = _("After %(action)s, ledger entry %(index)s.") % {"action": event.action, "index": event.index}
    found = _WAITING.all(event.project)
    for gate in found:
        key = f"reevaluate:{gate.pk}:{event.index}"
        enqueue(task=TASK, args={"gate_id": gate.pk, "reason": reason}, key=key)
    return len(found)


@handler(TASK)
def reevaluate(*, gate_id: int, reason: str) -> None:
    """Evaluate a gate again; nothing happens where it is decided, or nothing has changed."""
    gate = Gate.objects.filter(pk=gate_id).first()
    if gate is None:
        return
    try:
        with transaction.atomic():
            evaluate_gate(gate=gate, actor=SystemActor("reevaluation"), reason=reason)
    except Refused:
        return
