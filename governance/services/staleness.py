"""A signature holds for what was shown. When any of that changes, it is stale and permission ends with it.

Runs inside the transaction of the change, with the ledger held: what is compared stands still.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from django.utils.timezone import now
from django.utils.translation import gettext as _

from governance.criteria import Judgement, references
from governance.models import Authorization, CriterionResult, Evaluation, Gate, Staleness
from governance.queries.facts import Facts
from governance.queries.seats import quorum_stands
from governance.services.authorizations import withdraw_authorization
from governance.services.gates import look_at, subject_of
from ledger.actors import SystemActor
from lifecycle.definitions import SignedChange
from lifecycle.models import Evidence

_HOLDS = (CriterionResult.Verdict.MET, CriterionResult.Verdict.WAIVED)
_GONE = {
    Evidence.State.REJECTED: SignedChange.EVIDENCE_REJECTED,
    Evidence.State.EXPIRED: SignedChange.EVIDENCE_EXPIRED,
}
# What goes on after a gate by right: work, handoffs, monitoring, and other versions that are authorized.
_GOES_ON = frozenset({"tasks", "handoffs", "monitoring", "previous"})


@dataclass(frozen=True)
class Difference:
    """One thing that is not as it was signed for. `text` says it in one sentence."""

    change: str
    what: str
    before: str
    after: str
    text: str


def withdraw_stale(given: Iterable[Authorization], *, cause: Difference | None = None) -> list[Authorization]:
    """Withdraw those of these authorizations whose signatures are stale; `cause` is a change that only its
    reporter knows.

    Each costs about 15 queries, and records the differences on the evaluation and in the withdrawal's entry.
    """
    withdrawn = []
    for authorization in given:
        evaluation = _signed(authorization.gate)
        if evaluation is None:
            continue
        found = [*([cause] if cause else []), *differences(evaluation)]
        material = _material(authorization.gate, found)
        if material:
            withdrawn.append(_withdraw(authorization, evaluation, material))
    return withdrawn


def live_authorizations(**which: Any) -> list[Authorization]:
    """Those that are active or suspended, with what a comparison needs. 1 query."""
    found = Authorization.objects.filter(**which).exclude(state=Authorization.State.WITHDRAWN)
    related = (
        "gate__phase", "gate__model_version", "gate__iteration__project", "gate__iteration__process_version",
    )  # fmt: skip
    return list(found.select_related(*related).order_by("pk"))


def differences(evaluation: Evaluation) -> list[Difference]:
    """What an evaluation looked at and is not so any more, in the order of the page. About 12 queries."""
    gate = evaluation.gate
    facts, judgements = look_at(gate)
    signed = json.loads(evaluation.subject)
    present = json.loads(subject_of(gate, facts, judgements))
    return [
        *_criteria(signed, present, judgements),
        *_evidence(gate, signed, facts),
        *_risks(signed, present),
        *_findings(signed, present),
        *_signers(evaluation),
    ]


def _material(gate: Gate, found: Iterable[Difference]) -> list[Difference]:
    # Only the table of the document is read, so that a document of an older format costs nothing.
    table = gate.iteration.process_version.document.get("material_changes", ())
    immaterial = {each["key"] for each in table if not each.get("material", True)}
    return [each for each in found if each.change not in immaterial]


def _signed(gate: Gate) -> Evaluation | None:
    """The evaluation that was decided on: the last one with signatures, else the last one."""
    evaluations = gate.evaluations.select_related("gate__phase", "gate__model_version", "gate__iteration")
    signed = evaluations.filter(signoffs__isnull=False).order_by("-evaluated_at", "-pk")
    found = signed.first() or evaluations.order_by("-evaluated_at", "-pk").first()
    if found is not None:
        found.gate = gate
    return found


def _withdraw(
    authorization: Authorization, evaluation: Evaluation, material: list[Difference]
) -> Authorization:
    changes = [asdict(each) for each in material]
    Staleness.objects.get_or_create(evaluation=evaluation, defaults={"changes": changes, "found_at": now()})
    reason = " ".join(each.text for each in material[:3])
    if len(material) > 3:
        reason += " " + _("And %(count)d more changes.") % {"count": len(material) - 3}
    return withdraw_authorization(
        authorization=authorization, actor=SystemActor("lapse"), reason=reason, changes=changes
    )


def _criteria(
    signed: dict[str, Any], present: dict[str, Any], judgements: list[Judgement]
) -> Iterator[Difference]:
    before = {item["key"]: item for item in signed["criteria"]}
    after = {item["key"]: item for item in present["criteria"]}
    asked = {given.check.key for given in judgements if given.check.metric}
    for key in dict.fromkeys([*before, *after]):
        was, now_ = before.get(key), after.get(key)
        limit = key in asked or (was is not None and was.get("limit") is not None)
        if _asks_other(was, now_):
            yield _other_limit(key, was, now_)
        elif was is not None and now_ is not None and (limit or not _goes_on(was["expression"])):
            yield from _other_result(was, now_)


def _asks_other(was: dict[str, Any] | None, now_: dict[str, Any] | None) -> bool:
    if was is None or now_ is None:
        return True
    return any(was[name] != now_[name] for name in ("expression", "blocking", "limit"))


def _other_limit(key: str, was: dict[str, Any] | None, now_: dict[str, Any] | None) -> Difference:
    words = {
        "key": key,
        "before": was["expression"] if was else _("nothing"),
        "after": now_["expression"] if now_ else _("nothing"),
    }
    text = _("What is asked by %(key)s changed from %(before)s to %(after)s.") % words
    return Difference(SignedChange.REQUIREMENT, key, words["before"], words["after"], text)


def _other_result(was: dict[str, Any], now_: dict[str, Any]) -> Iterator[Difference]:
    said = partial(Difference, what=was["key"])
    if was["verdict"] in _HOLDS and now_["verdict"] not in _HOLDS:
        waived = was["verdict"] == CriterionResult.Verdict.WAIVED
        change = SignedChange.WAIVER if waived else SignedChange.CRITERION
        text = _("The waiver of %(key)s no longer holds.") if waived else _("%(key)s is not met any more.")
        yield said(change, before=was["verdict"], after=now_["verdict"], text=text % {"key": was["key"]})
    elif was["observed"] != now_["observed"]:
        words = {"key": was["key"], "before": _number(was["observed"]), "after": _number(now_["observed"])}
        yield said(
            SignedChange.MEASUREMENT, before=words["before"], after=words["after"],
            text=_("%(key)s was %(before)s and is %(after)s.") % words,
        )  # fmt: skip


def _number(value: float | None) -> str:
    return _("not measured") if value is None else f"{value:.6g}"


def _goes_on(expression: str) -> bool:
    return bool(references(expression) & _GOES_ON)


def _evidence(gate: Gate, signed: dict[str, Any], facts: Facts) -> Iterator[Difference]:
    """What was looked at and stands no longer, and what has come to the work that was decided on."""
    now_ = {(each.task.key, each.snapshot.digest): each for each in facts.evidence}
    seen = {(task, digest): state for task, _kind, digest, state, *_more in signed["evidence"]}
    for (task, digest), before in seen.items():
        found = now_.get((task, digest))
        change = _GONE.get(Evidence.State(found.state)) if found else SignedChange.EVIDENCE_REJECTED
        if change is not None and before not in _GONE:
            after = found.get_state_display().lower() if found else _("gone")
            words = {"digest": digest[:16], "task": task, "state": after}
            text = _("Evidence %(digest)s for task %(task)s is now %(state)s.") % words
            yield Difference(change, f"{task} {digest}", before, after, text)
    for (task, digest), each in now_.items():
        before_gate = each.task.phase.order <= gate.phase.order
        if (task, digest) not in seen and before_gate and each.state not in _GONE:
            words = {"digest": digest[:16], "task": task}
            text = _("Evidence %(digest)s was added to task %(task)s after the signatures.") % words
            yield Difference(SignedChange.EVIDENCE_ADDED, f"{task} {digest}", "", each.state, text)


def _risks(signed: dict[str, Any], present: dict[str, Any]) -> Iterator[Difference]:
    before = {(item["phase"], item["key"]): item for item in signed["risks"]}
    for item in present["risks"]:
        was = before.get((item["phase"], item["key"]))
        if item["acceptable"] or (was is not None and not was["acceptable"]):
            continue
        words = {"key": item["key"], "phase": item["phase"], "state": item["state"]}
        if was is None:
            text = _("Risk %(key)s of phase %(phase)s came up after the signatures.")
            yield Difference(SignedChange.RISK_ADDED, item["key"], "", item["state"], text % words)
        else:
            text = _("Risk %(key)s of phase %(phase)s is open again.")
            yield Difference(
                SignedChange.RISK_REOPENED, item["key"], was["state"], item["state"], text % words
            )


def _findings(signed: dict[str, Any], present: dict[str, Any]) -> Iterator[Difference]:
    """Findings opened since; they have no name in what was signed, so they are counted by severity."""
    before, after = _open(signed["findings"]), _open(present["findings"])
    for severity, count in (after - before).items():
        words = {"severity": severity, "count": count}
        text = _("Findings of %(severity)s severity opened after the signatures: %(count)d.") % words
        yield Difference(
            SignedChange.FINDING_OPENED, severity, str(before[severity]), str(after[severity]), text
        )


def _open(findings: list[dict[str, Any]]) -> Counter[str]:
    return Counter(each["severity"] for each in findings if each["state"] == "open")


def _signers(evaluation: Evaluation) -> Iterator[Difference]:
    if evaluation.gate.state == Gate.State.OPEN or quorum_stands(evaluation):
        return
    text = _("The signatures are no longer those of enough different people.")
    yield Difference(SignedChange.SIGNER, "signatures", "", "", text)
