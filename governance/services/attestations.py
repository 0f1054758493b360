"""Attestations: what was decided, in the formats that others verify, signed with the installation's key.

docs/attestations.md describes the predicates. They are made by a worker once the gate is decided, or when
somebody asks for them first, and say the same either way.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from governance import dsse
from governance.errors import Refused
from governance.models import (
    Attestation,
    Authorization,
    CriterionResult,
    Evaluation,
    Gate,
    GateAsk,
    Staleness,
)
from governance.queries.gate_checks import Scope
from governance.services.gate_checks import ask_gate
from ledger.actors import Actor
from ledger.keys import present_key, public_keys, signer
from lifecycle.outbox_registry import handler
from lifecycle.services.outbox import enqueue

TASK = "governance.attest"
SIGN_OFF = "urn:gatebook:attestation:sign-off:1"
GATE_PASS = "urn:gatebook:attestation:gate-pass:1"  # noqa: S105 - a type's name
STATUS = "urn:gatebook:attestation:authorization-status:1"
SVR = "https://in-toto.io/attestation/svr/v0.2"
TEST_RESULT = "https://in-toto.io/attestation/test-result/v0.1"
PASS_DAYS = 7
STATUS_HOURS = 24


def ask_for_attestations(*, gate_id: int) -> None:
    """Have a worker attest a gate that was decided just now."""
    enqueue(task=TASK, args={"gate_id": gate_id}, key=f"attest:{gate_id}")


@handler(TASK)
def attest(*, gate_id: int) -> None:
    """The worker's way to `attest_gate`."""
    attest_gate(gate=Gate.objects.get(pk=gate_id))


@transaction.atomic
def attest_gate(*, gate: Gate) -> list[Attestation]:
    """The attestations of a decided gate, made at the first call. Raises `Refused("gate_undecided")`."""
    gate = (
        Gate.objects.select_for_update(of=("self",))
        .select_related("iteration__project", "model_version")
        .get(pk=gate.pk)
    )
    if gate.state in (Gate.State.OPEN, Gate.State.WITHDRAWN):
        raise Refused("gate_undecided", _("Only a gate that was decided is attested."))
    made = list(Attestation.objects.filter(gate=gate).order_by("pk"))
    if made:
        return made
    evaluation = gate.evaluations.order_by("-evaluated_at", "-pk").first()
    if evaluation is None:
        raise Refused("gate_undecided", _("Nothing was evaluated, so there is nothing to attest."))
    contents = {Attestation.Kind.SIGN_OFF: _sign_off(gate, evaluation)}
    if Authorization.objects.filter(gate=gate).exists() or gate.state.startswith("passed"):
        contents[Attestation.Kind.VERDICT] = _verdict(gate, evaluation)
    contents[Attestation.Kind.TEST_RESULT] = _test_result(gate, evaluation)
    return [_keep(gate, kind, content) for kind, content in contents.items()]


def offline_pass(*, model_digest: str, environment: str, scope: Scope | None, actor: Actor | None) -> str:
    """An envelope that lets a model be deployed where this site cannot be asked, for at most `PASS_DAYS`.

    Raises `Refused("denied")` with the gate check's reasons, `Invalid` for a bad call.
    """
    decision = ask_gate(
        point=GateAsk.Point.OFFLINE, model_digest=model_digest, environment=environment, scope=scope,
        actor=actor,
    )  # fmt: skip
    given = decision.authorization
    if not decision.allow or given is None:
        raise Refused("denied", decision.reason)
    until = min(given.valid_until, decision.checked_at + timedelta(days=PASS_DAYS))
    predicate = {
        "issuedAt": _time(decision.checked_at), "notBefore": _time(given.valid_from), "expires": _time(until),
        "authorization": _authorization(given), "gate": given.gate_id, "project": given.project.slug,
    }  # fmt: skip
    return _signed(dsse.statement([(str(given.model_version), given.model_digest)], GATE_PASS, predicate))


def authorization_status() -> str:
    """The signed list of authorizations that no longer hold, for those who verify passes offline."""
    moment = timezone.now()
    stale = Exists(Staleness.objects.filter(evaluation__gate=OuterRef("gate")))
    given = Authorization.objects.annotate(stale=stale)
    stopped = given.filter(~Q(state=Authorization.State.ACTIVE) | Q(stale=True)).filter(
        valid_until__gt=moment - timedelta(days=PASS_DAYS)
    )
    predicate = {
        "issuedAt": _time(moment), "expires": _time(moment + timedelta(hours=STATUS_HOURS)),
        "stopped": [
            {
                "authorization": each.pk, "reason": each.state_reason,
                "state": "stale" if each.state == Authorization.State.ACTIVE else each.state,
            }
            for each in stopped.order_by("pk")
        ],
    }  # fmt: skip
    digest = dsse.key_id(bytes.fromhex(present_key().public))
    return _signed(dsse.statement([("authorizations", digest)], STATUS, predicate))


def keys() -> list[dict[str, Any]]:
    """The public halves of all keys that ever signed here, the present one among them."""
    present_key()
    return [
        {
            "keyid": dsse.key_id(bytes.fromhex(each.public)), "keytype": "ed25519", "scheme": "ed25519",
            "public": each.public, "valid_from": _time(each.registered_at),
            "retired_at": _time(each.retired_at) if each.retired_at else None,
        }
        for each in public_keys()
    ]  # fmt: skip


def _keep(gate: Gate, kind: str, content: Mapping[str, Any]) -> Attestation:
    text = _signed(content)
    key = json.loads(text)["signatures"][0]["keyid"]
    return Attestation.objects.create(gate=gate, kind=kind, envelope=text, key_id=key, made_at=timezone.now())


def _signed(content: Mapping[str, Any]) -> str:
    present_key()  # registers a key that is new, and refuses a retired one
    by = signer()
    return dsse.envelope(content, public=by.public, sign=by.sign)


def _subjects(gate: Gate, evaluation: Evaluation) -> list[tuple[str, str]]:
    if gate.model_version is None:
        return [("evaluation", evaluation.digest)]
    return [(str(gate.model_version), gate.model_version.digest)]


def _sign_off(gate: Gate, evaluation: Evaluation) -> dict[str, Any]:
    given = Authorization.objects.filter(gate=gate).first()
    predicate = {
        "gate": {"key": gate.key, "round": gate.round, "name": gate.name, "question": gate.question},
        "project": gate.iteration.project.slug,
        "iteration": gate.iteration.number,
        "outcome": gate.state,
        "reason": gate.outcome_reason,
        "decidedAt": _time(gate.decided_at),
        "evaluation": {"sha256": evaluation.digest, "evaluatedAt": _time(evaluation.evaluated_at)},
        "signatures": [
            {
                "name": each.signer_name, "account": each.signer.actor_key, "decision": each.decision,
                "meaning": each.meaning, "signedAt": _time(each.signed_at), "digest": each.digest,
                "secondFactor": each.second_factor or None,
            }
            for each in evaluation.signoffs.select_related("signer").order_by("signed_at", "pk")
        ],
        "authorization": _authorization(given) if given else None,
    }  # fmt: skip
    return dsse.statement(_subjects(gate, evaluation), SIGN_OFF, predicate)


def _verdict(gate: Gate, evaluation: Evaluation) -> dict[str, Any]:
    policy = {"name": f"gate {gate.key}", "digest": {"sha256": evaluation.digest}}
    predicate = {
        "verifier": {"id": "urn:gatebook", "policies": [policy]},
        "timeCreated": _time(gate.decided_at),
        "properties": [f"GATEBOOK_GATE_{gate.key}_{gate.state}".upper()],
    }
    return dsse.statement(_subjects(gate, evaluation), SVR, predicate)


def _test_result(gate: Gate, evaluation: Evaluation) -> dict[str, Any]:
    results: Sequence[CriterionResult] = list(evaluation.results.order_by("order"))
    verdict = CriterionResult.Verdict
    passed = [each.key for each in results if each.verdict in (verdict.MET, verdict.WAIVED)]
    failed = [each.key for each in results if each.key not in passed and each.blocking]
    warned = [each.key for each in results if each.key not in passed and not each.blocking]
    result = "PASSED" if not failed and not warned else "FAILED" if failed else "WARNED"
    predicate = {
        "result": result,
        "configuration": [{"name": f"gate {gate.key}", "digest": {"sha256": evaluation.digest}}],
        "passedTests": passed, "warnedTests": warned, "failedTests": failed,
    }  # fmt: skip
    return dsse.statement(_subjects(gate, evaluation), TEST_RESULT, predicate)


def _authorization(given: Authorization) -> dict[str, Any]:
    return {
        "id": given.pk, "environment": given.environment, "scope": given.scope,
        "validFrom": _time(given.valid_from), "validUntil": _time(given.valid_until),
    }  # fmt: skip


def _time(moment: datetime | None) -> str:
    assert moment is not None  # decided gates and authorizations have their times
    return moment.astimezone(timezone.get_fixed_timezone(0)).strftime("%Y-%m-%dT%H:%M:%SZ")
