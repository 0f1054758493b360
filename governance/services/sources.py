"""What is done when the source of evidence no longer says what was frozen.

Open gates need nothing: the state of the sources is part of what a signature binds to, so that approvals
given before no longer count. A standing authorization that rests on the evidence is stale and is withdrawn,
unless the process says that a changed source is not material; somebody has to look in any case, and a
finding is opened.
"""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from governance.models import Authorization, Finding
from governance.services.findings import open_finding
from governance.services.lapses import lapse_on_source
from ledger.actors import SystemActor
from lifecycle.models import Snapshot, SourceState

SOURCES = SystemActor("sources")
_DIFFERS = (SourceState.CHANGED, SourceState.GONE)


@transaction.atomic
def note_source_changed(*, snapshot_id: int) -> Finding | None:
    """Open a finding if authorizations that stand rest on this snapshot; one for each snapshot at a time.

    Nothing when the source is again what was frozen. 4 queries.
    """
    snapshot = Snapshot.objects.select_related("project").get(pk=snapshot_id)
    if snapshot.source_state not in _DIFFERS:
        return None
    resting = _resting_on(snapshot)
    title = _("The source of evidence %(digest)s has changed after it was signed") % {
        "digest": snapshot.digest[:12]
    }
    if (
        not resting
        or snapshot.project.findings.filter(title=title).exclude(state=Finding.State.VERIFIED).exists()
    ):
        return None
    lapse_on_source(snapshot)
    return open_finding(
        project=snapshot.project,
        title=title,
        severity=Finding.Severity.HIGH,
        actor=SOURCES,
        detail=_detail(snapshot, resting),
    )


def _resting_on(snapshot: Snapshot) -> list[Authorization]:
    """Authorizations that have not been withdrawn and whose gate was decided on this snapshot."""
    found = snapshot.project.authorizations.filter(
        gate__evaluations__signoffs__isnull=False, gate__evaluations__subject__contains=snapshot.digest
    ).exclude(state=Authorization.State.WITHDRAWN)
    return list(found.select_related("model_version", "gate").distinct().order_by("pk"))


def _detail(snapshot: Snapshot, resting: list[Authorization]) -> str:
    named = ", ".join(f"{each.gate.key} ({each.environment})" for each in resting)
    latest = snapshot.source_changes.order_by("-pk").first()
    said = [each["words"] for each in latest.differences[:5]] if latest is not None else []
    if snapshot.source_state == SourceState.GONE:
        said = [_("the record was deleted where it came from")]
    words = {"title": snapshot.title, "gates": named, "said": "; ".join(said)}
    return _("“%(title)s” was looked at by %(gates)s. %(said)s.") % words
