"""Projects measured by eight frameworks: uses, standings and changes, written by `bulk_create`."""

from __future__ import annotations

import datetime as dt
from itertools import islice

from django.utils import timezone

from governance.compliance.statuses import Status
from governance.models import ComplianceLook, ControlChange, ControlStanding, Framework, FrameworkUse
from governance.queries.compliance import document_of
from governance.services.frameworks import load_frameworks
from ledger.models import Entry
from lifecycle.models import Project

FRAMEWORKS = 8
_STATUSES = (Status.MET, Status.MET, Status.MET, Status.IN_PROGRESS, Status.NOT_STARTED, Status.WAIVED)
_BROKEN_EVERY = 37


def measure_all() -> int:
    """Measure every project by eight frameworks; gives how many controls stand somewhere."""
    load_frameworks()
    frameworks = list(Framework.objects.filter(current=True).order_by("key")[:FRAMEWORKS])
    now, written = timezone.now(), 0
    newest = Entry.objects.order_by("-index").values_list("index", flat=True).first() or 0
    projects = iter(list(Project.objects.filter(framework_uses__isnull=True).order_by("pk")))
    while some := list(islice(projects, 50)):
        uses = FrameworkUse.objects.bulk_create(
            FrameworkUse(
                project=project, framework=framework, reason="All are", begun_by_id=project.created_by_id,
                begun_at=now,
            )
            for project in some
            for framework in frameworks
        )  # fmt: skip
        rows = [
            ControlStanding(use=use, control=control.id, status=_status(use.pk, at), changed_at=now)
            for use in uses
            for at, control in enumerate(document_of(use.framework).controls)
        ]
        ControlStanding.objects.bulk_create(rows, batch_size=2000)
        ControlChange.objects.bulk_create(
            ControlChange(
                use=use, control="any", before="", after=Status.MET, changed_at=now - dt.timedelta(days=day)
            )
            for use in uses
            for day in (1, 30)
        )
        ComplianceLook.objects.bulk_create(
            ComplianceLook(
                project=project, ledger_index=newest, day=now.astimezone(dt.UTC).date(), looked_at=now
            )
            for project in some
        )
        written += len(rows)
    return written


def _status(use: int, at: int) -> Status:
    return Status.BROKEN if (use + at) % _BROKEN_EVERY == 0 else _STATUSES[(use * 7 + at) % len(_STATUSES)]
