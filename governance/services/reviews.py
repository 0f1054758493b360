"""What reviewers do beside deciding: feedback, asking for changes, abstaining, letting another one sign."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils.timezone import now
from django.utils.translation import gettext as _

from governance.actions import GovernanceAction as Action
from governance.errors import Invalid, Refused
from governance.models import Feedback, Gate, Recusal, Signoff
from governance.queries.duties import barred_from_signing
from governance.rules.gates import has_seat, may_comment
from governance.services.gate_moments import refuse_unless_open
from governance.services.locks import lock_gate
from governance.services.telling import tell_asked, tell_delegate
from ledger.services import append
from lifecycle.models import User

LONGEST = 4000


@transaction.atomic
def give_feedback(*, gate: Gate, actor: User, grade: str, text: str = "", about: str = "") -> Feedback:
    """Say what one thinks of a gate, or of one criterion: fine, a minor or a major issue. Decides nothing.

    Members of the project may, auditors not. Raises `Refused` unless the gate is open, `Invalid` for an
    unknown grade, an issue without words, a criterion that the gate does not have.
    """
    gate = lock_gate(gate)
    if not may_comment(actor, gate.project):
        raise PermissionDenied(_("Only people of this project give feedback."))
    if grade not in Feedback.Grade.values:
        raise Invalid("grade_unknown", _("Choose fine, minor issue or major issue."), "grade")
    if grade != Feedback.Grade.FINE and not text.strip():
        raise Invalid("text_missing", _("Say what the issue is."), "text")
    return _add(gate, actor, Action.FEEDBACK_GIVEN, grade=grade, text=text, about=about)


@transaction.atomic
def ask_for_changes(*, gate: Gate, actor: User, text: str, about: str = "") -> Feedback:
    """Ask for changes before anybody approves: until it is settled the gate cannot be passed.

    Only who may sign the gate. Raises `Refused` unless the gate is open, `Invalid` without words.
    """
    gate = lock_gate(gate)
    if not has_seat(actor, gate):
        raise PermissionDenied(_("Only who may sign this gate asks for changes."))
    if not text.strip():
        raise Invalid("text_missing", _("Say what has to change."), "text")
    given = _add(
        gate, actor, Action.CHANGES_ASKED, grade=Feedback.Grade.MAJOR, text=text, about=about,
        asks_changes=True,
    )  # fmt: skip
    tell_asked(given)
    return given


@transaction.atomic
def settle_feedback(*, feedback: Feedback, actor: User, answer: str) -> Feedback:
    """Say that a request for changes is answered, and how. Who asked does, or another who may sign.

    Raises `Refused` for feedback that is settled or asks for nothing.
    """
    gate = lock_gate(feedback.gate)
    feedback = Feedback.objects.select_for_update(of=("self",)).get(pk=feedback.pk)
    mine = actor.pk == feedback.author_id and may_comment(actor, gate.project)
    if not mine and (not has_seat(actor, gate) or actor.pk == gate.requested_by_id):
        raise PermissionDenied(_("Only who asked for it, or another who may sign, settles it."))
    if not feedback.waits:
        raise Refused("nothing_to_settle", _("There is nothing to settle here."))
    if not answer.strip():
        raise Invalid("answer_missing", _("Say how it was answered."), "answer")
    feedback.answer, feedback.settled_by, feedback.settled_at = answer.strip()[:LONGEST], actor, now()
    feedback.save(update_fields=["answer", "settled_by", "settled_at"])
    _record(gate, actor, Action.FEEDBACK_SETTLED, feedback, answer=feedback.answer)
    return feedback


@transaction.atomic
def abstain_from_gate(*, gate: Gate, actor: User, reason: str) -> Recusal:
    """Say that one does not sign this gate, and why. It cannot be taken back.

    Raises `Refused` for who has signed or abstained, `Invalid` without a reason.
    """
    return _recuse(gate, actor, reason, None)


@transaction.atomic
def delegate_signature(*, gate: Gate, actor: User, to: User, reason: str) -> Recusal:
    """Step back, and ask another one to sign instead: somebody whose signature the gate takes anyway.

    Nobody gains a right by it. Raises `Invalid` for a person who may not sign here, else as abstaining does.
    """
    return _recuse(gate, actor, reason, to)


def _recuse(gate: Gate, actor: User, reason: str, to: User | None) -> Recusal:
    gate = lock_gate(gate)
    if not has_seat(actor, gate):
        raise PermissionDenied(_("This gate does not ask for your signature."))
    refuse_unless_open(gate)
    last = gate.evaluations.order_by("-evaluated_at", "-pk").first()
    if last is not None and Signoff.objects.filter(evaluation=last, signer=actor).exists():
        raise Refused("already_signed", _("You have already signed this."))
    if not reason.strip():
        raise Invalid("reason_missing", _("Say why."), "reason")
    if to is not None:
        _refuse_unfit(gate, actor, to)
    recusal = Recusal.objects.create(
        gate=gate, person=actor, delegate=to, reason=reason.strip()[:LONGEST], recused_at=now()
    )
    action = Action.GATE_ABSTAINED if to is None else Action.GATE_DELEGATED
    _record(gate, actor, action, recusal, reason=recusal.reason, delegate=to.pk if to else None)
    if to is not None:
        tell_delegate(recusal)
    return recusal


def _refuse_unfit(gate: Gate, actor: User, to: User) -> None:
    fit = to.pk != actor.pk and has_seat(to, gate) and to.actor_key not in barred_from_signing(gate)
    if not fit:
        raise Invalid("delegate_unfit", _("Choose somebody else who may sign this gate."), "to")


def _add(gate: Gate, actor: User, action: Action, *, about: str, text: str, **values: object) -> Feedback:
    refuse_unless_open(gate)
    keys = {item["key"] for item in gate.definition["criteria"]}
    if about and about not in keys:
        keys |= set(gate.project.requirements.filter(gate=gate.key).values_list("key", flat=True))
    if about and about not in keys:
        raise Invalid("criterion_unknown", _("This gate has no such criterion."), "about")
    given = Feedback.objects.create(
        gate=gate, author=actor, about=about, text=text.strip()[:LONGEST], given_at=now(), **values
    )
    _record(gate, actor, action, given, grade=given.grade, about=about, text=given.text)
    return given


def _record(gate: Gate, actor: User, action: Action, subject: Feedback | Recusal, **detail: object) -> None:
    known = {"iteration": gate.iteration.number, "gate": gate.key}
    append(actor=actor, action=action, subject=subject, project=gate.project.slug, detail={**known, **detail})
