"""Electronic signatures under a gate's evaluation.

After 21 CFR Part 11: printed name, time, meaning, password given again, bound to the digest of what was
shown.
"""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils.timezone import now
from django.utils.translation import gettext as _

from governance.actions import GovernanceAction as Action
from governance.errors import Invalid, Refused
from governance.models import Evaluation, Gate, Signoff
from governance.queries.duties import accounts_around, barred_from_signing
from governance.queries.seats import approving, turn_of
from governance.rules.gates import has_seat
from governance.services.authorizations import give_authorization
from governance.services.gates import close_gate, digest_now, refuse_unless_decidable, refuse_unless_open
from governance.services.identity import Proof, prove_identity
from governance.services.locks import lock_for_decision
from governance.services.outcomes import refusal_of
from ledger.services import append
from lifecycle.models import User
from lifecycle.rules.identity import same_people


def sign_gate(
    *,
    gate: Gate,
    actor: User,
    password: str,
    decision: str,
    meaning: str,
    digest: str,
    comment: str = "",
    target_phase: str = "",
    outcome: str = "iterate",
    code: str = "",
    credential: dict[str, Any] | None = None,
) -> Signoff:
    """Put one's name under a gate.

    `digest` is that of the evaluation the person saw; the facts are looked at once more, and if they give
    another digest nothing is signed. Enough approvals pass the gate and give the authorization; one rejection
    refuses it (`target_phase`: where the work goes on; `outcome`: iterate, hold or stop). An
    acknowledgement decides nothing. `code` or `credential` is the second factor, wanted from who has one.

    Raises `PermissionDenied` without a seat or when separation of duties forbids it, `Refused` for a wrong
    password or second factor, a barred account, changed facts, unmet criteria, a second signature or one
    before its turn, `Invalid` for an unknown decision or meaning. Nothing is left of a refused call but the
    entry of what was wrong.
    """
    decision, meaning = _known(decision, meaning)
    refusal = refusal_of(outcome)
    if decision == Signoff.Decision.REJECT and not comment.strip():
        raise Invalid("reason_missing", _("Say why you reject it."), "comment")
    # Before the password, so that nobody can try passwords where they could not sign anyway.
    gate = Gate.objects.select_related("iteration__project").get(pk=gate.pk)
    _refuse_without_seat(gate, actor)
    refuse_unless_open(gate)
    refuse_barred_account(User.objects.get(pk=actor.pk))
    proof = prove_identity(gate=gate, actor=actor, password=password, code=code, credential=credential)
    return _sign(gate, proof, decision, meaning, digest, comment, target_phase, refusal)


def approvals(evaluation: Evaluation) -> int:
    """How many seats are filled by different people who have approved exactly this and still may sign it."""
    return approving(evaluation).filled


@transaction.atomic
def _sign(
    gate: Gate, proof: Proof, decision: str, meaning: str, digest: str, comment: str, target_phase: str,
    refusal: str,
) -> Signoff:  # fmt: skip
    gate = lock_for_decision(gate, proof.person)
    signer = User.objects.get(pk=proof.person.pk)
    if signer.password != proof.person.password:
        raise Refused("wrong_password", _("Your password was changed just now. Nothing was signed."))
    _refuse_who_may_not(gate, signer)
    refuse_unless_decidable(gate)
    evaluation = _what_was_seen(gate, digest)
    _refuse_twice(evaluation, signer)
    if decision == Signoff.Decision.APPROVE and not evaluation.verdict:
        raise Refused("criteria_not_met", _("A blocking criterion is not met, so this can't be approved."))
    if decision == Signoff.Decision.APPROVE:
        _refuse_before_turn(evaluation, signer)

    signoff = Signoff.objects.create(
        gate=gate,
        evaluation=evaluation,
        signer=signer,
        signer_name=str(signer),
        decision=decision,
        meaning=meaning,
        comment=comment,
        digest=evaluation.digest,
        signed_at=now(),
        second_factor=proof.factor,
    )
    detail = {
        "iteration": gate.iteration.number,
        "gate": gate.key,
        "decision": decision,
        "meaning": meaning,
        "digest": evaluation.digest,
        "signed_at": signoff.signed_at.isoformat(),
        "second_factor": proof.factor,
        "comment": comment,
    }
    append(
        actor=signer,
        action=Action.GATE_SIGNED,
        subject=signoff,
        project=gate.iteration.project.slug,
        detail=detail,
    )
    _decide(gate, evaluation, signoff, target_phase, refusal)
    return signoff


def _refuse_twice(evaluation: Evaluation, signer: User) -> None:
    signed = [each.signer for each in evaluation.signoffs.select_related("signer")]
    if signer.pk in {each.pk for each in signed}:
        raise Refused("already_signed", _("You have already signed this."))
    # One of all these accounts is the signer's own; any other one in its group is too.
    around = accounts_around(evaluation.gate.iteration.project_id)
    mine = next(group for group in same_people([*signed, signer], around=around) if signer in group)
    if len(mine) > 1:
        raise Refused("already_signed", _("You have already signed this, under another account."))


def _refuse_before_turn(evaluation: Evaluation, signer: User) -> None:
    seat = turn_of(evaluation, signer)
    if seat is not None:
        words = {"roles": ", ".join(sorted(seat.roles))}
        raise Refused("not_your_turn", _("Signatures are given in order: %(roles)s first.") % words)


def refuse_barred_account(signer: User) -> None:
    """Raise `Refused` while somebody else may be able to use the account."""
    if signer.bar_reason:
        text = _("%(why)s: nothing can be signed until you have set a password of your own.")
        raise Refused("account_barred", text % {"why": signer.get_bar_reason_display()})


def _refuse_without_seat(gate: Gate, actor: User) -> None:
    if not has_seat(actor, gate):
        raise PermissionDenied(_("This gate does not ask for your signature."))


def _refuse_who_may_not(gate: Gate, actor: User) -> None:
    _refuse_without_seat(gate, actor)
    refuse_barred_account(actor)
    bar = barred_from_signing(gate).get(actor.actor_key)
    if bar is not None:
        words = {"reason": bar.text, "entry": bar.entry}
        raise PermissionDenied(_("You may not sign: %(reason)s (ledger entry %(entry)s).") % words)


def _known(decision: str, meaning: str) -> tuple[str, str]:
    if decision not in Signoff.Decision.values:
        raise Invalid("decision_unknown", _("Choose approve, reject or acknowledge."), "decision")
    if meaning not in Signoff.Meaning.values:
        raise Invalid("meaning_unknown", _("Choose what your signature means."), "meaning")
    return decision, meaning


def _what_was_seen(gate: Gate, digest: str) -> Evaluation:
    """The last recorded evaluation, provided that it was shown and still is what there is."""
    last = gate.evaluations.order_by("-evaluated_at", "-pk").first()
    if last is None or last.digest != digest or digest_now(gate) != digest:
        raise Refused("changed_since_shown", _("Something changed since you were shown this. Read it again."))
    return last


def _decide(gate: Gate, evaluation: Evaluation, signoff: Signoff, target_phase: str, refusal: str) -> None:
    if signoff.decision == Signoff.Decision.REJECT:
        reason = signoff.comment
        close_gate(gate=gate, actor=signoff.signer, event=refusal, reason=reason, target_phase=target_phase)
    elif signoff.decision == Signoff.Decision.APPROVE and approving(evaluation).complete:
        reason = _("Every blocking criterion is met and %(count)d people have approved.") % {
            "count": gate.required_signatures
        }
        close_gate(gate=gate, actor=signoff.signer, event="pass", reason=reason)
        if gate.definition["authorizes"]:
            give_authorization(gate=gate, actor=signoff.signer)
