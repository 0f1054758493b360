"""Looking at a project: every check over its records, and where each control of its frameworks stands then.

What is stored follows from the records alone, so that looking at everything anew gives the same. A project is
looked at when the ledger has something new of it, and once a day for what ends by the clock.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.utils import timezone

from governance.actions import GovernanceAction as Action
from governance.compliance.applicability import no_bearing
from governance.compliance.catalogue import checks
from governance.compliance.documents import Judgement
from governance.compliance.judging import Outcome, judge
from governance.compliance.statuses import Status, of_checks
from governance.models import (
    CheckRecord,
    CheckStanding,
    ComplianceLook,
    ControlChange,
    ControlStanding,
    FrameworkUse,
)
from governance.queries.compliance import (
    classification_of,
    document_of,
    projects_to_look_at,
    result_of,
    uses_in_force,
)
from governance.queries.compliance_kinds import records_of, scope_of
from ledger.actors import SystemActor
from ledger.models import Entry
from ledger.services import append
from lifecycle.models import Project

A_TICK = 20
"""So many projects are looked at in one go; the rest waits for the next."""

_TOLD = 200


def look_at_changed(moment: dt.datetime | None = None, *, most: int = A_TICK) -> int:
    """Look at the projects of which there is something new; returns how many were looked at."""
    waiting = list(projects_to_look_at(moment or timezone.now())[:most])
    for project in waiting:
        look_at(project=project, moment=moment)
    return len(waiting)


@transaction.atomic
def look_at(*, project: Project, moment: dt.datetime | None = None) -> list[ControlChange]:
    """Judge all checks of a project and put down what has changed. About 45 queries, whatever the records.

    One ledger entry if a control came to stand elsewhere, none otherwise.
    """
    now = moment or timezone.now()
    look = _locked_look(project, now)
    project = Project.objects.get(pk=project.pk)
    last = Entry.objects.filter(project=project.slug).order_by("-index").values_list("index", flat=True)
    newest = Entry.objects.order_by("-index").values_list("index", flat=True).first()
    look.ledger_index = max(last.first() or -1, newest if newest is not None else -1)
    uses = list(uses_in_force(project))
    outcomes = judged(project, uses, now)
    _store_checks(project, outcomes, now)
    changes = _store_controls(project, uses, outcomes, now)
    look.day, look.looked_at = now.astimezone(dt.UTC).date(), now
    look.save()
    if changes:
        _record(project, changes)
    return changes


def _locked_look(project: Project, now: dt.datetime) -> ComplianceLook:
    ComplianceLook.objects.get_or_create(
        project=project, defaults={"day": dt.date(1970, 1, 1), "looked_at": now}
    )
    return ComplianceLook.objects.select_for_update().get(project=project)


def judged(project: Project, uses: Iterable[FrameworkUse], now: dt.datetime) -> dict[str, Outcome]:
    """What every check says of a project at this moment, by its key. Changes nothing."""
    scope = scope_of(project, now)
    records = records_of(scope)
    current = scope.cache.get("classification")
    about = {
        "project": {
            "id": project.pk,
            "risk_class": project.risk_class,
            "appetite": project.risk_appetite,
        },
        "classification": result_of(current) or {},
    }
    return {key: judge(each, records, about) for key, each in _judgements(uses)}


def _judgements(uses: Iterable[FrameworkUse]) -> Iterable[tuple[str, Judgement]]:
    """Every check that the frameworks in use ask for and records can answer, once."""
    asked: dict[str, Judgement] = {}
    for use in uses:
        for control in document_of(use.framework).controls:
            if control.judges is not None:
                asked[own_key(use, control.id)] = control.judges
            for key in control.checks:
                judgement = checks()[key].judges
                if judgement is not None:
                    asked[key] = judgement
    return asked.items()


def own_key(use: FrameworkUse, control: str) -> str:
    """The name of a control's own check; with the version, since another may judge otherwise."""
    return f"{use.framework.key}@{use.framework.version}:{control}"


def _store_checks(project: Project, outcomes: dict[str, Outcome], now: dt.datetime) -> None:
    have = {each.check_key: each for each in project.check_standings.all()}
    gone = [each.pk for key, each in have.items() if key not in outcomes]
    changed = {
        key: outcome
        for key, outcome in outcomes.items()
        if key not in have or have[key].digest != outcome.digest
    }
    CheckStanding.objects.filter(pk__in=[*gone, *(have[key].pk for key in changed if key in have)]).delete()
    made = CheckStanding.objects.bulk_create(
        CheckStanding(
            project=project, check_key=key, status=outcome.status, held=outcome.held, total=outcome.total,
            reason=outcome.reason, digest=outcome.digest, changed_at=now,
        )
        for key, outcome in changed.items()
    )  # fmt: skip
    CheckRecord.objects.bulk_create(
        [
            CheckRecord(
                standing=standing, kind=each.kind, record_id=each.pk, label=each.label, says=each.says,
                why=each.why,
            )
            for standing in made
            for each in changed[standing.check_key].records
        ],
        batch_size=1000,
    )  # fmt: skip


def _store_controls(
    project: Project, uses: list[FrameworkUse], outcomes: dict[str, Outcome], now: dt.datetime
) -> list[ControlChange]:
    wanted = statuses_of(project, uses, outcomes, now)
    have = {
        (each.use_id, each.control): each
        for each in ControlStanding.objects.filter(use__in=[use.pk for use in uses])
    }
    new, moved, changes = [], [], []
    for (use, control), status in wanted.items():
        standing = have.get((use, control))
        if standing is not None and standing.status == status:
            continue
        before = standing.status if standing is not None else ""
        if standing is None:
            new.append(ControlStanding(use_id=use, control=control, status=status, changed_at=now))
        else:
            standing.status, standing.changed_at = status, now
            moved.append(standing)
        changes.append(
            ControlChange(use_id=use, control=control, before=before, after=status, changed_at=now)
        )
    ControlStanding.objects.bulk_create(new, batch_size=1000)
    ControlStanding.objects.bulk_update(moved, ["status", "changed_at"], batch_size=500)
    ControlChange.objects.bulk_create(changes, batch_size=1000)
    return changes


def statuses_of(
    project: Project, uses: Iterable[FrameworkUse], outcomes: dict[str, Outcome], now: dt.datetime
) -> dict[tuple[int, str], str]:
    """Where each control of each framework in use stands, by use and control. 3 queries."""
    today = now.astimezone(dt.UTC).date()
    excluded = set(
        project.control_exclusions.filter(ended_at__isnull=True).values_list("framework_key", "control")
    )
    assured = {
        (each.framework_key, each.control): each.expires_on >= today
        for each in project.assurances.filter(ended_at__isnull=True)
    }
    result = result_of(classification_of(project))
    found: dict[tuple[int, str], str] = {}
    for use in uses:
        for control in document_of(use.framework).controls:
            at = (use.framework.key, control.id)
            if at in excluded or no_bearing(control, result):
                found[use.pk, control.id] = Status.NOT_APPLICABLE
                continue
            said = [outcomes[key].status for key in control.checks if key in outcomes]
            said += [Status.NOT_STARTED for key in control.checks if key not in outcomes]
            if control.judges is not None:
                said.append(outcomes[own_key(use, control.id)].status)
            found[use.pk, control.id] = of_checks(
                said, assured=assured.get(at, False), assurance_over=assured.get(at) is False
            )
    return found


def _record(project: Project, changes: list[ControlChange]) -> None:
    keys = dict(
        FrameworkUse.objects.filter(pk__in={each.use_id for each in changes}).values_list(
            "pk", "framework__key"
        )
    )
    counts = Counter(f"{keys[each.use_id]}: {each.after}" for each in changes)
    detail: dict[str, Any] = {
        "counts": dict(sorted(counts.items())),
        "changes": [[keys[each.use_id], each.control, each.before, each.after] for each in changes[:_TOLD]],
    }
    append(
        actor=SystemActor("compliance"), action=Action.COMPLIANCE_LOOKED, subject=project,
        project=project.slug, detail=detail,
    )  # fmt: skip
