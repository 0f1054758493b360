"""Waivers: one criterion of one gate excused for a time, asked for by one person and signed by another."""

from __future__ import annotations

import datetime as dt
import hashlib

import rfc8785
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils.timezone import now
from django.utils.translation import gettext as _

from governance.actions import GovernanceAction as Action
from governance.errors import Invalid, Refused
from governance.models import GATE_STATES, WAIVER_STATES, Gate, Waiver
from governance.queries.duties import barred_from_signing
from governance.queries.facts import facts_of
from governance.queries.subjects import checks_of
from governance.rules.gates import has_seat, may_ask, may_manage
from governance.services.gate_moments import refuse_unless_open, refuse_when_over
from governance.services.identity import prove_identity
from governance.services.locks import lock_for_decision, lock_gate
from governance.services.outcomes import lapse_gate
from governance.services.signoffs import refuse_barred_account
from ledger.actors import Actor, SystemActor
from ledger.services import append
from lifecycle.definitions import TriggerKind
from lifecycle.models import User
from lifecycle.services.triggers import handle_event

LONGEST = dt.timedelta(days=365)


@transaction.atomic
def ask_waiver(
    *, gate: Gate, actor: User, criterion: str, justification: str, measure: str, expires_on: dt.date
) -> Waiver:
    """Ask that one criterion be excused until a day, saying why and what is done instead.

    Who works on the project or signs the gate may ask. Raises `Refused` unless the gate is open, or if the
    criterion is excused or asked for already; `Invalid` for a criterion that the gate does not have, missing
    words, a day that is past or more than a year away.
    """
    gate = lock_gate(gate)
    if not (may_ask(actor, gate.project) or has_seat(actor, gate)):
        raise PermissionDenied(_("Only people of this project ask for a waiver."))
    refuse_unless_open(gate)
    refuse_when_over(gate.iteration)
    known = {check.key: check.words for check in checks_of(gate, facts_of(gate))}
    if criterion not in known:
        raise Invalid("criterion_unknown", _("This gate has no such criterion."), "criterion")
    for field, text in (("justification", justification), ("measure", measure)):
        if not text.strip():
            raise Invalid(f"{field}_missing", _("Say why, and what is done instead."), field)
    if not _today() <= expires_on <= _today() + LONGEST:
        raise Invalid("day_unfit", _("The day lies between today and a year from now."), "expires_on")
    there = gate.waivers.filter(criterion=criterion, state__in=(Waiver.State.ASKED, Waiver.State.GRANTED))
    if there.exists():
        raise Refused("already_asked", _("This criterion has a waiver, or one is asked for."))
    waiver = Waiver.objects.create(
        gate=gate, criterion=criterion, words=known[criterion], justification=justification.strip(),
        measure=measure.strip(), expires_on=expires_on, requested_by=actor, requested_at=now(),
    )  # fmt: skip
    _record(waiver, actor, Action.WAIVER_ASKED, **signed_content(waiver))
    return waiver


def grant_waiver(*, waiver: Waiver, actor: User, password: str, digest: str, code: str = "") -> Waiver:
    """Sign a waiver. `digest` is that of what was shown; see `waiver_digest`.

    Only somebody whose signature the gate asks for, who did not ask for the waiver and took no part in the
    work. `code` is the second factor of who has one. Raises `PermissionDenied`,
    `Refused` for a wrong password, a waiver that was decided or other words than were shown.
    """
    waiver = Waiver.objects.select_related("gate__iteration__project").get(pk=waiver.pk)
    _refuse_who_may_not(waiver, actor)
    refuse_barred_account(actor)
    proof = prove_identity(gate=waiver.gate, actor=actor, password=password, code=code)
    proven = proof.person
    with transaction.atomic():
        gate = lock_for_decision(waiver.gate, proven)
        waiver = _locked(waiver)
        _refuse_who_may_not(waiver, proven)
        refuse_unless_open(gate)
        if waiver.state == Waiver.State.ASKED and waiver.expires_on < _today():
            raise Refused("waiver_over", _("Its last day is past."))
        if digest != waiver_digest(waiver):
            raise Refused("changed_since_shown", _("This is not what you were shown. Read it again."))
        _decide(waiver, "grant", proven, signer_name=str(proven), digest=digest)
        _record(
            waiver,
            proven,
            Action.WAIVER_GRANTED,
            digest=digest,
            criterion=waiver.criterion,
            factor=proof.factor,
        )
    return waiver


@transaction.atomic
def refuse_waiver(*, waiver: Waiver, actor: User, reason: str) -> Waiver:
    """Say no to a waiver that was asked for, with a reason. Who may grant it may."""
    lock_gate(waiver.gate)
    waiver = _locked(waiver)
    _refuse_who_may_not(waiver, actor)
    _need(reason)
    _decide(waiver, "refuse", actor, state_reason=reason.strip())
    _record(waiver, actor, Action.WAIVER_REFUSED, reason=waiver.state_reason, criterion=waiver.criterion)
    return waiver


@transaction.atomic
def revoke_waiver(*, waiver: Waiver, actor: User, reason: str) -> Waiver:
    """End a waiver before its day, or take the question back. A gate that was passed on it closes again."""
    gate = lock_for_decision(waiver.gate)
    waiver = _locked(waiver)
    mine = waiver.state == Waiver.State.ASKED and actor.pk == waiver.requested_by_id
    if not (mine or may_manage(actor, gate.project) or has_seat(actor, gate)):
        raise PermissionDenied(_("Only who manages the project or signs the gate revokes a waiver."))
    _need(reason)
    _close(waiver, "revoke", reason.strip())
    _record(waiver, actor, Action.WAIVER_REVOKED, reason=waiver.state_reason, criterion=waiver.criterion)
    words = _("The waiver of “%(criterion)s” was revoked: %(reason)s")
    _lapse_what_rests_on(waiver, words % {"criterion": waiver.criterion, "reason": waiver.state_reason})
    return waiver


@transaction.atomic
def expire_waiver(*, waiver: Waiver) -> Waiver:
    """Note that the day of a waiver is past: a gate that was passed on it closes again. The site does."""
    lock_for_decision(waiver.gate)
    waiver = _locked(waiver)
    if not WAIVER_STATES.can(waiver.state, "expire") or waiver.expires_on >= _today():
        return waiver
    granted = waiver.state == Waiver.State.GRANTED
    reason = _("It held until %(day)s.") % {"day": waiver.expires_on.isoformat()}
    _close(waiver, "expire", reason)
    _record(waiver, SystemActor("lapse"), Action.WAIVER_EXPIRED, criterion=waiver.criterion)
    if granted:
        words = {"criterion": waiver.criterion, "day": waiver.expires_on.isoformat()}
        said = _("The waiver of “%(criterion)s” held until %(day)s.") % words
        _lapse_what_rests_on(waiver, said)
        _show_end(waiver, said)
    return waiver


def _show_end(waiver: Waiver, said: str) -> None:
    """That an exception has run out is an event that triggers may listen to."""
    until = waiver.expires_on.isoformat()
    event = {
        "expired": "waiver", "gate": waiver.gate.key, "criterion": waiver.criterion, "until": until,
        "summary": said[:500],
    }  # fmt: skip
    handle_event(
        project=waiver.gate.project, kind=TriggerKind.EXPIRY, event=event,
        event_key=f"waiver:{waiver.pk}:{until}",
    )  # fmt: skip


def signed_content(waiver: Waiver) -> dict[str, str | int]:
    """Exactly what a signature under a waiver binds to."""
    return {
        "iteration": waiver.gate.iteration.number, "gate": waiver.gate.key, "round": waiver.gate.round,
        "criterion": waiver.criterion, "words": waiver.words, "justification": waiver.justification,
        "measure": waiver.measure, "expires_on": waiver.expires_on.isoformat(),
        "requested_by": waiver.requested_by.actor_key,
    }  # fmt: skip


def waiver_digest(waiver: Waiver) -> str:
    """The SHA-256 of what is signed, as canonical JSON (RFC 8785)."""
    return hashlib.sha256(rfc8785.dumps(signed_content(waiver))).hexdigest()


def _lapse_what_rests_on(waiver: Waiver, reason: str) -> None:
    """Close the gates again whose last evaluation was excused by this waiver."""
    resting = Gate.objects.filter(evaluations__results__waiver=waiver).distinct().order_by("pk")
    for gate in resting:
        last = gate.evaluations.order_by("-evaluated_at", "-pk").first()
        excused = last is not None and last.results.filter(waiver=waiver).exists()
        if excused and GATE_STATES.can(gate.state, "lapse"):
            lapse_gate(gate=gate, reason=reason)


def _refuse_who_may_not(waiver: Waiver, actor: User) -> None:
    gate = waiver.gate
    if not has_seat(actor, gate):
        raise PermissionDenied(_("Only who may sign this gate decides on its waivers."))
    if actor.pk == waiver.requested_by_id:
        raise PermissionDenied(_("Nobody decides on a waiver that they asked for."))
    bar = barred_from_signing(gate).get(actor.actor_key)
    if bar is not None:
        words = {"reason": bar.text, "entry": bar.entry}
        raise PermissionDenied(_("You may not sign: %(reason)s (ledger entry %(entry)s).") % words)


def _decide(waiver: Waiver, event: str, actor: User, **values: str) -> None:
    waiver.state = WAIVER_STATES.next(waiver.state, event)
    waiver.decided_by, waiver.decided_at = actor, now()
    for name, value in values.items():
        setattr(waiver, name, value)
    waiver.save(update_fields=["state", "decided_by", "decided_at", *values])


def _close(waiver: Waiver, event: str, reason: str) -> None:
    waiver.state, waiver.state_reason = WAIVER_STATES.next(waiver.state, event), reason
    waiver.save(update_fields=["state", "state_reason"])


def _locked(waiver: Waiver) -> Waiver:
    found = Waiver.objects.select_for_update(of=("self",))
    return found.select_related("gate__iteration__project", "requested_by").get(pk=waiver.pk)


def _record(waiver: Waiver, actor: Actor, action: Action, **detail: object) -> None:
    known = {"iteration": waiver.gate.iteration.number, "gate": waiver.gate.key}
    append(
        actor=actor, action=action, subject=waiver, project=waiver.gate.project.slug,
        detail={**known, **detail},
    )  # fmt: skip


def _need(reason: str) -> None:
    if not reason.strip():
        raise Invalid("reason_missing", _("Say why."), "reason")


def _today() -> dt.date:
    return now().astimezone(dt.UTC).date()
