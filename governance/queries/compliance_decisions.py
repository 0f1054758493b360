"""Records of decisions: gates, signatures, deployments, findings, exceptions, reviews, incidents."""

from __future__ import annotations

import datetime as dt
from typing import Any

from governance.models import (
    Authorization,
    BreakGlass,
    Deployment,
    Finding,
    Gate,
    GateAsk,
    Incident,
    InventoryEntry,
    Review,
    Signoff,
    Waiver,
)
from governance.queries.compliance import LOOKED
from governance.queries.compliance_records import Record, Scope, gathers, last_trouble
from ledger.append_only import is_append_only
from ledger.models import Checkpoint, Entry
from lifecycle.models import Run, User

_REVIEW_WITHIN = 366


@gathers("gates")
def gates(scope: Scope) -> list[Record]:
    """Gates of the work that stands, each at its last round. 1 query."""
    return [
        {
            "ref": ("gate", gate.pk, f"{gate} ({gate.iteration.number})"[:300]),
            "key": gate.key,
            "state": gate.state,
            "passed": gate.is_passed,
            "conditional": gate.state == Gate.State.CONDITIONAL,
            "open": gate.state == Gate.State.OPEN,
            "lapsed": gate.state == Gate.State.LAPSED,
            "approvals": len(_approvals(scope, gate)),
            "required": gate.required_signatures,
            "requester_signed": gate.requested_by_id in {each.signer_id for each in _approvals(scope, gate)},
            "about_model": gate.model_version_id is not None,
            "decided_days": scope.age(gate.decided_at),
        }
        for gate in _gates(scope)
    ]


def _gates(scope: Scope) -> list[Gate]:
    """The last round of each gate in the newest iteration up to the one whose work stands. 2 queries."""
    if "gates" not in scope.cache:
        number = scope.base.number if scope.base else 0
        found = Gate.objects.filter(iteration__project=scope.project, iteration__number__lte=number)
        found = found.exclude(state=Gate.State.WITHDRAWN).select_related("iteration", "authorization")
        newest = {gate.key: gate for gate in found.order_by("iteration__number", "opened_at", "pk")}
        scope.cache["gates"] = list(newest.values())
        signed = Signoff.objects.filter(gate__in=list(newest.values())).select_related(
            "signer", "evaluation__staleness"
        )
        scope.cache["signoffs"] = list(signed.order_by("signed_at", "pk"))
    return list(scope.cache["gates"])


def _approvals(scope: Scope, gate: Gate) -> list[Signoff]:
    _gates(scope)
    return [
        each
        for each in scope.cache["signoffs"]
        if each.gate_id == gate.pk and each.decision == Signoff.Decision.APPROVE
    ]


@gathers("signoffs")
def signoffs(scope: Scope) -> list[Record]:
    """Approvals under the gates that passed. 2 queries."""
    workers = _workers(scope)
    tested = _tested_at(scope)
    by_pk = {gate.pk: gate for gate in _gates(scope)}
    return [
        {
            "ref": ("gate", each.gate_id, f"{by_pk[each.gate_id].key}: {each.signer_name}"[:300]),
            "gate": by_pk[each.gate_id].key,
            "named": bool(each.signer_name and each.meaning and each.digest),
            "bound": each.digest == each.evaluation.digest,
            "fresh": not hasattr(each.evaluation, "staleness"),
            "independent": each.signer.actor_key not in workers,
            "personal": bool(each.signer.email),
            "second_factor": bool(each.second_factor),
            "after_tests": tested is None or each.signed_at >= tested,
            "decides_deployment": by_pk[each.gate_id].environment != "",
        }
        for gate in _gates(scope)
        if gate.is_passed
        for each in _approvals(scope, gate)
    ]


def _workers(scope: Scope) -> set[str]:
    """Actor keys of those who started runs or own tasks of the work that stands. 1 query."""
    base = scope.base
    started = Run.objects.filter(project=scope.project, iteration=base, started_by__isnull=False)
    people = {
        task.owner_id for task in scope.tasks if base is not None and task.phase.iteration_id == base.pk
    }
    people |= set(started.exclude(kind=Run.Kind.MONITORING).values_list("started_by_id", flat=True))
    return {f"user:{pk}" for pk in people if pk is not None}


def _tested_at(scope: Scope) -> dt.datetime | None:
    """When the last evaluation that stands as evidence was over. No query."""
    ended = [
        each.snapshot.run.finished_at
        for each in scope.evidence
        if each.snapshot.run is not None and each.snapshot.kind == "EVR" and each.snapshot.run.finished_at
    ]
    base = scope.base
    decided = [gate.decided_at for gate in _gates(scope) if gate.model_version_id and gate.decided_at]
    if base is None or not ended:
        return None
    # What was measured after the decision speaks for the next one.
    before = [moment for moment in ended if not decided or moment <= max(decided)]
    return max(before, default=None)


@gathers("deployments")
def deployments(scope: Scope) -> list[Record]:
    """What is live, and under what. 1 query for the people who asked and signed."""
    asked = {
        gate.pk: gate
        for gate in Gate.objects.filter(
            authorization__in=[each.authorization_id for each in scope.live if each.authorization_id]
        ).prefetch_related("signoffs")
    }
    return [_deployment(scope, each, asked) for each in scope.live]


def _deployment(scope: Scope, each: Deployment, asked: dict[int, Gate]) -> Record:
    given = each.authorization
    gate = asked.get(given.gate_id) if given is not None else None
    signers = {line.signer_id for line in gate.signoffs.all()} if gate is not None else set()
    return {
        "ref": ("deployment", each.pk, str(each)[:300]),
        "environment": each.environment,
        "authorized": given is not None
        and given.state == Authorization.State.ACTIVE
        and given.valid_from <= scope.now < given.valid_until,
        "glass": each.break_glass_id is not None,
        "same_digest": given is not None and given.model_digest == each.model_version.digest,
        "within_scope": given is not None and _within(each.scope, given.scope),
        "gate_passed": gate is not None and gate.is_passed,
        "requested_by_other": gate is not None and gate.requested_by_id not in signers,
        "deployer_did_not_sign": each.deployed_by_id not in signers,
        "can_roll_back": bool(scope.past) or _fallback_shown(scope),
        "tried_before": _tried(scope),
        "live_days": scope.age(each.deployed_at),
    }


def _within(asked: dict[str, Any], allowed: dict[str, Any]) -> bool:
    """Whether every value of a scope is allowed; what the authorization does not name is not limited."""
    for name, values in allowed.items():
        if name not in asked or not set(map(str, asked[name])) <= set(map(str, values)):
            return False
    return True


def _fallback_shown(scope: Scope) -> bool:
    return any(task.key == "5.4" and task.state == "verified" for task in scope.tasks)


def _tried(scope: Scope) -> bool:
    """Whether the version was proven under production conditions before (task 5.2 or 5.5 of the process)."""
    return any(task.key in ("5.2", "5.5") and task.state == "verified" for task in scope.tasks)


@gathers("ended_deployments")
def ended_deployments(scope: Scope) -> list[Record]:
    """What is live no longer. No query."""
    live = {(each.model_version_id, each.environment) for each in scope.live}
    return [
        {
            "ref": ("deployment", each.pk, str(each)[:300]),
            "no_traffic": (each.model_version_id, each.environment) not in live,
            "dated": each.ended_at is not None,
        }
        for each in scope.past
    ]


@gathers("authorizations")
def authorizations(scope: Scope) -> list[Record]:
    """Permissions for the versions that are live. 1 query."""
    found = Authorization.objects.filter(project=scope.project, model_version__in=scope.models)
    return [
        {
            "ref": ("authorization", each.pk, str(each)[:300]),
            "state": each.state,
            "active": each.state == Authorization.State.ACTIVE,
            "days_left": scope.days_left(each.valid_until.astimezone(dt.UTC).date()),
        }
        for each in found.order_by("pk")
    ]


@gathers("stale")
def stale(scope: Scope) -> list[Record]:
    """Evaluations whose subject changed after they were signed. No query of its own."""
    changed = {each.evaluation_id: each for each in _signed(scope) if hasattr(each.evaluation, "staleness")}
    by_pk = {gate.pk: gate for gate in _gates(scope)}
    return [
        {
            "ref": ("gate", each.gate_id, f"{by_pk[each.gate_id]}"[:300]),
            "closed_again": _closed(by_pk[each.gate_id]),
        }
        for each in changed.values()
    ]


def _closed(gate: Gate) -> bool:
    """Whether a gate lets nothing through any more: it is open again, or what it gave holds no longer."""
    given = getattr(gate, "authorization", None)
    return not gate.is_passed or (given is not None and given.state != Authorization.State.ACTIVE)


def _signed(scope: Scope) -> list[Signoff]:
    _gates(scope)
    return list(scope.cache["signoffs"])


@gathers("findings")
def findings(scope: Scope) -> list[Record]:
    """Findings of the project. 1 query."""
    return [
        {
            "ref": ("finding", each.pk, each.title[:300]),
            "severity": each.severity,
            "settled": not each.stands,
            "blocking": each.stands and each.holds,
            "owned": each.owner_id is not None,
            "dated": each.due_on is not None,
            "overdue": each.stands and scope.days_left(each.due_on) < 0,
        }
        for each in Finding.objects.filter(project=scope.project).order_by("pk")
    ]


@gathers("glass")
def glass(scope: Scope) -> list[Record]:
    """Broken glass. 1 query."""
    found = BreakGlass.objects.filter(project=scope.project).select_related("finding")
    return [
        {
            "ref": ("exceptions", scope.project.pk, str(each)[:300]),
            "open": each.state in (BreakGlass.State.ASKED, BreakGlass.State.OPEN),
            "broken": each.decided_at is not None and each.state != BreakGlass.State.REFUSED,
            "two_people": each.decided_by_id is None or each.decided_by_id != each.asked_by_id,
            "reviewed": each.finding is not None and not each.finding.stands,
            "age_days": scope.age(each.asked_at),
        }
        for each in found.order_by("pk")
    ]


@gathers("waivers")
def waivers(scope: Scope) -> list[Record]:
    """Waivers that were granted. 1 query."""
    found = Waiver.objects.filter(gate__iteration__project=scope.project, state=Waiver.State.GRANTED)
    return [
        {
            "ref": ("waiver", each.pk, str(each)[:300]),
            "days_left": scope.days_left(each.expires_on),
        }
        for each in found.order_by("pk")
    ]


@gathers("classifications")
def classifications(scope: Scope) -> list[Record]:
    """The classification in force. 1 query."""
    current = scope.project.classifications.order_by("-number").first()
    scope.cache["classification"] = current
    if current is None:
        return []
    first_gate = min((gate.decided_at for gate in _gates(scope) if gate.decided_at), default=None)
    answers: dict[str, str] = current.answers
    return [
        {
            "ref": ("classification", current.pk, str(current)[:300]),
            "signed": bool(current.digest),
            "of_this_purpose": current.purpose == scope.project.purpose,
            "prohibited": len(current.result.get("prohibited", ())),
            "route": current.result.get("route", ""),
            "profiling": answers.get("profiling") == "yes",
            "misuse_answered": bool(answers.get("misuse")) and bool(answers.get("vulnerable")),
            "before_first_gate": first_gate is None or current.signed_at <= first_gate or current.number > 1,
            "age_days": scope.age(current.signed_at),
        }
    ]


@gathers("inventory")
def inventory(scope: Scope) -> list[Record]:
    """The entry of the inventory. 1 query."""
    entry = InventoryEntry.objects.filter(project=scope.project).first()
    if entry is None:
        return []
    active = set(scope.members) | set(
        User.objects.filter(pk__in=[entry.owner_id, entry.deputy_id, entry.overseer_id], is_active=True)
        .values_list("pk", flat=True)
    )  # fmt: skip
    return [
        {
            "ref": ("inventory", scope.project.pk, str(entry)[:300]),
            "owned": entry.owner_id in active,
            "has_deputy": entry.deputy_id is not None and entry.deputy_id in active,
            "overseen": entry.overseer_id is not None and entry.overseer_id in active,
            "has_purpose": bool(scope.project.purpose),
            "uses": len(entry.approved_uses),
            "review_days_left": scope.days_left(entry.next_review_on),
        }
    ]


@gathers("reviews")
def reviews(scope: Scope) -> list[Record]:
    """The last review of each kind. 1 query."""
    newest: dict[str, Review] = {}
    for each in Review.objects.filter(project=scope.project).order_by("done_at", "pk"):
        newest[each.kind] = each
    happened = last_trouble(scope)
    return [
        {
            "ref": ("inventory", scope.project.pk, str(each)[:300]),
            "kind": each.kind,
            "days_left": scope.days_left(each.next_on),
            "age_days": scope.age(each.done_at),
            "within": scope.age(each.done_at) <= _REVIEW_WITHIN,
            "after_trouble": happened is None or each.done_at >= happened,
        }
        for each in newest.values()
    ]


@gathers("incidents")
def incidents(scope: Scope) -> list[Record]:
    """Incidents of the project. 1 query."""
    return [
        {
            "ref": ("incident", each.pk, each.title[:300]),
            "serious": each.severity != Incident.Severity.MINOR,
            "reported": each.reported_at is not None,
            "in_time": each.due_at is None
            or (
                each.reported_at <= each.due_at if each.reported_at is not None else scope.now <= each.due_at
            ),
            "closed": each.state == Incident.State.CLOSED,
            "explained": bool(each.root_cause and each.action and each.risks_seen),
        }
        for each in Incident.objects.filter(project=scope.project).order_by("pk")
    ]


@gathers("log")
def log(scope: Scope) -> list[Record]:
    """The project's part of the ledger, the checkpoint over it, and whether it can be cut. 4 queries."""
    # Without the looks themselves: looking once more must find the same.
    own = Entry.objects.filter(project=scope.project.slug).exclude(action=LOOKED)
    last = own.order_by("-index").values_list("index", flat=True).first()
    if last is None:
        return []
    sealed = Checkpoint.objects.order_by("-size").values_list("size", flat=True).first() or 0
    asked = GateAsk.objects.filter(model_digest__in=[each.model_version.digest for each in scope.live])
    return [
        {
            "ref": ("ledger", scope.project.pk, f"ledger, entry {last}"),
            "sealed": sealed > 0,
            "guarded": is_append_only(Entry),
            "asked": asked.exists(),
        }
    ]


@gathers("people")
def people(scope: Scope) -> list[Record]:
    """Members of the project. No query."""
    return [
        {
            "ref": ("people", scope.project.pk, str(place.user)[:300]),
            "role": place.role,
            "active": place.user.is_active,
            "crisp_roles": len(place.crisp_roles),
        }
        for place in scope.members.values()
    ]


@gathers("documentation")
def documentation(scope: Scope) -> list[Record]:
    """What a technical file is put together from, each part with whether its records are there. No query."""
    base, project = scope.base, scope.project
    kinds = {each.snapshot.kind for each in scope.evidence if each.state in ("attached", "verified")}
    done = {task.key for task in scope.tasks if task.state in ("verified", "not_applicable")}
    parts = (
        ("purpose", bool(project.purpose)),
        ("scope of the application", "1.1" in done),
        ("success criteria", "1.2.2" in done or "1.2.1" in done),
        ("data and their quality", "DVR" in kinds),
        ("training", "TRN" in kinds),
        ("evaluation", "EVR" in kinds),
        ("deployment", "DPR" in kinds or not scope.live),
        ("monitoring", "MON" in kinds or not scope.live),
    )
    return [
        {
            "ref": ("project", project.pk, words),
            "part": words,
            "there": there,
            "begun": base is not None,
        }
        for words, there in parts
    ]
