"""Which changes are looked at: everything that a signature may have been given for is recorded somewhere."""

from __future__ import annotations

from django.utils.translation import gettext as _

from governance.actions import GovernanceAction
from governance.models import Authorization
from governance.services.staleness import Difference, live_authorizations, withdraw_stale
from ledger.events import EntryAppended
from lifecycle.actions import LifecycleAction as Lifecycle
from lifecycle.definitions import SignedChange
from lifecycle.models import Snapshot
from lifecycle.prepared import Prepared

# Changes inside one iteration, whose number the entry holds.
_OF_ITERATIONS = frozenset(
    map(
        str,
        (
            Lifecycle.EVIDENCE_ATTACHED, Lifecycle.EVIDENCE_REJECTED, Lifecycle.EVIDENCE_EXPIRED,
            Lifecycle.RISK_ADDED, Lifecycle.RISK_ASSESSED, Lifecycle.RISK_REFUSED, Lifecycle.RISK_ESCALATED,
            Lifecycle.RISK_REOPENED, Lifecycle.PHASE_REOPENED, Lifecycle.QUALITY_ACTION_FINISHED,
            Lifecycle.TASK_REOPENED, Lifecycle.PHASE_DECIDED,
        ),
    )
)  # fmt: skip
_OF_PROJECTS = frozenset(
    map(
        str,
        (
            Lifecycle.REQUIREMENT_DEFINED, Lifecycle.REQUIREMENT_CHANGED, Lifecycle.REQUIREMENT_AGREED,
            Lifecycle.PROJECT_CHANGED, GovernanceAction.FINDING_OPENED,
        ),
    )
)  # fmt: skip
_OF_PEOPLE = frozenset(map(str, (Lifecycle.PERSON_CHANGED, Lifecycle.PERSON_COMPROMISED)))
_OF_ONE_PROJECT = _OF_ITERATIONS | _OF_PROJECTS
_AUTHORIZED = Prepared(
    lambda slug: (
        Authorization.objects.filter(project__slug=slug)
        .exclude(state=Authorization.State.WITHDRAWN)
        .order_by()
    ),
    str,
)


def lapse_on_entry(event: EntryAppended) -> list[Authorization]:
    """Withdraw what was signed for something that this change has changed, inside its transaction.

    No query for other changes; 1 where nothing is authorized, which is known before the rest is asked.
    """
    if event.action in _OF_ONE_PROJECT and not _AUTHORIZED.first(event.project):
        return []
    if event.action in _OF_ITERATIONS:
        number = event.detail.get("iteration")
        which = {"project__slug": event.project}
        if isinstance(number, int):
            which["gate__iteration__number"] = number  # type: ignore[assignment]  # a lookup's value
    elif event.action in _OF_PROJECTS:
        which = {"project__slug": event.project}
    elif event.action in _OF_PEOPLE:
        which = {"gate__signoffs__signer": event.subject_id}
    else:
        return []
    return withdraw_stale({each.pk: each for each in live_authorizations(**which)}.values())


def lapse_on_source(snapshot: Snapshot) -> list[Authorization]:
    """Withdraw what was signed on a snapshot whose source says something else by now. 2 queries for none."""
    live = live_authorizations(
        project=snapshot.project_id, gate__evaluations__subject__contains=snapshot.digest
    )
    cause = Difference(
        SignedChange.EVIDENCE_SOURCE, snapshot.digest, snapshot.digest, snapshot.source_state,
        _what_differs(snapshot),
    )  # fmt: skip
    return withdraw_stale({each.pk: each for each in live}.values(), cause=cause)


def _what_differs(snapshot: Snapshot) -> str:
    """One sentence, with the first things that its source says differently."""
    seen = snapshot.source_changes.order_by("-pk").first()
    said = "; ".join(each["words"] for each in seen.differences[:3]) if seen is not None else ""
    text = _("The source of evidence %(digest)s says something else than when it was frozen.")
    told = text % {"digest": snapshot.digest[:16]}
    return f"{told} {said}." if said else told
