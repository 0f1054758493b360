"""What was in production at a moment, approved by whom, on which evidence: read back from the records.

Deployments say from when to when they were live. What an authorization was at that moment is replayed from
its entries in the ledger, since its row only says what it is now.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from governance.actions import GovernanceAction as Action
from governance.models import Authorization, Deployment, Evaluation, Signoff
from ledger.models import Entry, subject_type
from ledger.queries import entries
from lifecycle.models import Project, Snapshot

MOST = 500
"""Deployments that are told at once; `more` says whether there are others."""

_STATES = {
    str(Action.AUTHORIZATION_GIVEN): Authorization.State.ACTIVE,
    str(Action.AUTHORIZATION_SUSPENDED): Authorization.State.SUSPENDED,
    str(Action.AUTHORIZATION_RESUMED): Authorization.State.ACTIVE,
    str(Action.AUTHORIZATION_WITHDRAWN): Authorization.State.WITHDRAWN,
}
Found = dict[tuple[str, str], list[Entry]]


@dataclass(frozen=True)
class StandingThen:
    """What an authorization was at the moment. `state` is active, suspended, withdrawn or expired."""

    authorization: Authorization
    state: str
    valid_until: datetime
    reason: str = ""


@dataclass(frozen=True)
class EvidenceThen:
    """A piece of evidence as the deciding evaluation saw it; no snapshot if there is none of it."""

    task: str
    kind: str
    digest: str
    state: str
    snapshot: Snapshot | None


@dataclass(frozen=True)
class LiveThen:
    """One deployment that was live, who had approved it by then, and on which evidence."""

    deployment: Deployment
    standing: StandingThen | None
    approvals: tuple[Signoff, ...] = ()
    evidence: tuple[EvidenceThen, ...] = ()
    break_glass: str = ""

    @property
    def covered(self) -> bool:
        """Whether it was live under an authorization that held at that moment."""
        return self.standing is not None and self.standing.state == Authorization.State.ACTIVE


@dataclass(frozen=True)
class Production:
    """Everything that was live at `at`."""

    at: datetime
    live: list[LiveThen] = field(default_factory=list)
    more: bool = False

    @property
    def uncovered(self) -> list[LiveThen]:
        """What was live without an authorization that held."""
        return [each for each in self.live if not each.covered]


def production_at(
    projects: QuerySet[Project], at: datetime, *, environment: str = "", project: str = ""
) -> Production:
    """What was live at a moment in these projects, by project and environment. 5 queries for any number."""
    found = list(live_at(projects, at, environment=environment, project=project)[: MOST + 1])
    return Production(at, told(found[:MOST], at), len(found) > MOST)


def live_at(
    projects: QuerySet[Project], at: datetime, *, environment: str = "", project: str = ""
) -> QuerySet[Deployment]:
    """The deployments that were live at a moment, by project and environment, with what is told of them."""
    found = Deployment.objects.filter(project__in=projects.order_by().values("pk"), deployed_at__lte=at)
    found = found.filter(Q(ended_at__isnull=True) | Q(ended_at__gt=at))
    if environment:
        found = found.filter(environment=environment)
    if project:
        found = found.filter(project__slug=project)
    related = ("project", "iteration", "model_version", "authorization__gate", "break_glass", "deployed_by")
    return found.select_related(*related).order_by("project__name", "project_id", "environment", "pk")


def told(deployments: Sequence[Deployment], at: datetime) -> list[LiveThen]:
    """What is told of these deployments as of a moment, in their order. 4 queries for any number."""
    given = [each.authorization for each in deployments if each.authorization is not None]
    entries_, signed = _entries(deployments, given, at), _deciding(given, at)
    snapshots = _snapshots(deployments, signed)
    return [_live(each, entries_, signed, snapshots, at) for each in deployments]


def uncovered_among(found: QuerySet[Deployment], at: datetime) -> list[int]:
    """Which of these deployments were live without an authorization that held. At most 4 queries.

    An authorization that nothing was ever done to is as its row says. Of the others the ledger is read.
    """
    kind = subject_type(Authorization())
    touched = entries().filter(subject_type=kind, recorded_at__lte=timezone.now())
    touched = touched.exclude(action=Action.AUTHORIZATION_GIVEN).order_by()
    changed = {int(key) for key in touched.values_list("subject_id", flat=True).distinct() if key.isdigit()}
    bare, doubtful = [], []
    rows: Any = found.select_related(None).values_list("pk", "authorization_id", "authorization__valid_until")
    for pk, authorization, until in rows:
        if authorization in changed:
            doubtful.append(pk)
        elif until is None or until <= at:
            bare.append(pk)
    replayed = list(found.filter(pk__in=doubtful)) if doubtful else []
    given = [each.authorization for each in replayed if each.authorization is not None]
    history = _entries([], given, at) if given else {}
    bare += [
        each.pk
        for each in replayed
        if each.authorization is not None
        and standing_at(each.authorization, history.get((kind, str(each.authorization_id)), []), at).state
        != Authorization.State.ACTIVE
    ]
    return bare


def environments_of(projects: QuerySet[Project]) -> list[str]:
    """Where anything was ever deployed in these projects. 1 query."""
    found = Deployment.objects.filter(project__in=projects.order_by().values("pk")).order_by()
    return sorted(found.values_list("environment", flat=True).distinct())


def standing_at(authorization: Authorization, history: Iterable[Entry], at: datetime) -> StandingThen:
    """What an authorization was at a moment, from its entries until then in their order. No query."""
    state, until, reason = Authorization.State.ACTIVE.value, authorization.valid_until, ""
    for entry in history:
        detail = entry.payload.content.get("detail", {})  # empty if it was erased: then the action speaks
        state = _STATES.get(entry.action, state)
        until = _time(detail.get("valid_until")) or until
        reason = str(detail.get("reason", "")) if entry.action != Action.AUTHORIZATION_GIVEN else reason
    if state == Authorization.State.ACTIVE and at >= until:
        state = "expired"
    return StandingThen(authorization, state, until, "" if state == Authorization.State.ACTIVE else reason)


def _time(text: object) -> datetime | None:
    return datetime.fromisoformat(text) if isinstance(text, str) else None


def _entries(deployments: Sequence[Deployment], given: Sequence[Authorization], at: datetime) -> Found:
    """The entries of these records until the moment, by record, oldest first. 1 query."""
    kinds = {
        subject_type(Deployment()): {str(each.pk) for each in deployments},
        subject_type(Authorization()): {str(each.pk) for each in given},
    }
    asked = Q(pk__in=[])
    for kind, keys in kinds.items():
        asked |= Q(subject_type=kind, subject_id__in=sorted(keys))
    found: Found = defaultdict(list)
    for entry in entries().filter(asked, recorded_at__lte=at).order_by("index"):
        found[entry.subject_type, entry.subject_id].append(entry)
    return found


def _deciding(given: Sequence[Authorization], at: datetime) -> dict[int, list[Signoff]]:
    """The approvals that carried each authorization, by gate: those under its last approved evaluation.

    1 query.
    """
    approved = Signoff.objects.filter(
        gate__in={each.gate_id for each in given}, decision=Signoff.Decision.APPROVE, signed_at__lte=at
    )
    by_gate: dict[int, list[Signoff]] = defaultdict(list)
    for each in approved.select_related("evaluation", "signer").order_by("signed_at", "pk"):
        by_gate[each.gate_id].append(each)
    return {
        gate: [each for each in all_ if each.evaluation_id == all_[-1].evaluation_id]
        for gate, all_ in by_gate.items()
    }


def _snapshots(
    deployments: Sequence[Deployment], signed: dict[int, list[Signoff]]
) -> dict[tuple[int, str], Snapshot]:
    """What the deciding evaluations looked at, by project and digest, without content. 1 query."""
    digests = {
        digest
        for signoffs in signed.values()
        for _task, _kind, digest, _state in evidence_of(signoffs[-1].evaluation)
    }
    found = Snapshot.objects.filter(project__in={each.project_id for each in deployments}, digest__in=digests)
    return {(each.project_id, each.digest): each for each in found.defer("content")}


def evidence_of(evaluation: Evaluation) -> list[tuple[str, str, str, str]]:
    """(task, kind, digest, state) of each piece of evidence that an evaluation looked at. No query."""
    listed = json.loads(evaluation.subject).get("evidence", [])
    return [(str(row[0]), str(row[1]), str(row[2]), str(row[3])) for row in listed]


def _live(
    deployment: Deployment,
    entries_: Found,
    signed: dict[int, list[Signoff]],
    snapshots: dict[tuple[int, str], Snapshot],
    at: datetime,
) -> LiveThen:
    given = deployment.authorization
    if given is None:
        return LiveThen(deployment, None, break_glass=_break_glass(entries_, deployment))
    history = entries_.get((subject_type(given), str(given.pk)), [])
    approvals = signed.get(given.gate_id, [])
    evidence = tuple(
        EvidenceThen(task, kind, digest, state, snapshots.get((deployment.project_id, digest)))
        for task, kind, digest, state in (evidence_of(approvals[-1].evaluation) if approvals else [])
    )
    return LiveThen(deployment, standing_at(given, history, at), tuple(approvals), evidence)


def _break_glass(entries_: Found, deployment: Deployment) -> str:
    """Why it could not wait for a gate. Before it took two people, only the entry said so."""
    if deployment.break_glass is not None:
        return deployment.break_glass.reason
    for entry in entries_.get((subject_type(deployment), str(deployment.pk)), []):
        detail: dict[str, Any] = entry.payload.content.get("detail", {})
        if entry.action == Action.DEPLOYMENT_RECORDED:
            return str(detail.get("break_glass") or "")
    return ""
