"""Who is told of gates and authorizations. Called by receivers, inside the change, and by the day's sweep."""

from __future__ import annotations

from collections.abc import Iterable

from django.urls import reverse
from django.utils.translation import gettext as _

from governance.models import Authorization, BreakGlass, Deployment, Evaluation, Feedback, Gate, Recusal
from governance.queries.duties import barred_from_signing
from governance.rules.gates import fills_seat
from lifecycle.models import Membership, Notice, User
from lifecycle.rules.people import can_change
from lifecycle.services.notices import Occasion, tell_all
from lifecycle.services.telling import managers, members

_K = Notice.Kind


def tell_to_sign(evaluation_id: int) -> None:
    """Those whose approval an evaluation now waits for: with a seat, not barred, not signed. 9 queries."""
    evaluation = Evaluation.objects.select_related("gate__iteration__project").get(pk=evaluation_id)
    gate = evaluation.gate
    if not evaluation.verdict or gate.state != Gate.State.OPEN:
        return
    barred = barred_from_signing(gate)
    signed = set(evaluation.signoffs.values_list("signer_id", flat=True))
    signed |= set(gate.recusals.values_list("person_id", flat=True))
    places = Membership.objects.filter(project=gate.iteration.project_id, left_at__isnull=True)
    people = [
        place.user_id
        for place in places.select_related("user").order_by("user_id")
        if fills_seat(place, gate)
        and can_change(place.user)
        and place.user.actor_key not in barred
        and place.user_id not in signed
    ]
    text = _("Every blocking criterion is met. It wants %(count)d signatures.")
    told = Occasion(
        people, _K.GATE_TO_SIGN, _("%(gate)s waits for your signature") % {"gate": gate},
        reverse("governance:gate", args=[gate.pk]), f"gate:{gate.pk}:sign:{evaluation.pk}",
        text % {"count": gate.required_signatures}, gate.iteration.project_id,
    )  # fmt: skip
    tell_all([told])


def tell_decided(gate_id: int) -> None:
    """Who asked for the decision, who signed, and the managers."""
    gate = Gate.objects.select_related("iteration").get(pk=gate_id)
    project = gate.iteration.project_id
    asked: set[int | None] = {gate.requested_by_id, *gate.signoffs.values_list("signer_id", flat=True)}
    people = {*managers(project), *(pk for pk in members(project) if pk in asked)}
    words = {"gate": gate, "state": gate.get_state_display().lower()}
    told = Occasion(
        sorted(people), _K.GATE_DECIDED, _("%(gate)s is %(state)s") % words,
        reverse("governance:gate", args=[gate.pk]), f"gate:{gate.pk}:{gate.state}", gate.outcome_reason,
        project,
    )  # fmt: skip
    tell_all([told])


def tell_due(gate: Gate) -> None:
    """Managers and reviewers hear that a gate has come due."""
    project = gate.iteration.project_id
    told = Occasion(
        members(project, Membership.Role.MANAGER, Membership.Role.REVIEWER), _K.GATE_TO_SIGN,
        _("%(gate)s has come due") % {"gate": gate}, reverse("governance:gate", args=[gate.pk]),
        f"gate:{gate.pk}:due", gate.question, project,
    )  # fmt: skip
    tell_all([told])


def tell_asked(feedback: Feedback) -> None:
    """Who asked for the decision, and the managers, hear that changes are wanted first."""
    gate = feedback.gate
    project = gate.iteration.project_id
    people = {*managers(project), *([gate.requested_by_id] if gate.requested_by_id else [])}
    told = Occasion(
        sorted(people - {feedback.author_id}), _K.GATE_DECIDED,
        _("%(who)s asks for changes at %(gate)s") % {"who": feedback.author, "gate": gate},
        reverse("governance:gate", args=[gate.pk]) + "#feedback", f"feedback:{feedback.pk}",
        feedback.text[:1000], project,
    )  # fmt: skip
    tell_all([told])


def tell_delegate(recusal: Recusal) -> None:
    """Whoever is asked to sign instead."""
    gate = recusal.gate
    if recusal.delegate_id is None:
        return
    told = Occasion(
        [recusal.delegate_id], _K.GATE_TO_SIGN,
        _("%(who)s asks you to sign %(gate)s instead") % {"who": recusal.person, "gate": gate},
        reverse("governance:gate", args=[gate.pk]), f"gate:{gate.pk}:delegate:{recusal.pk}",
        recusal.reason[:1000], gate.iteration.project_id,
    )  # fmt: skip
    tell_all([told])


def tell_glass(glass: BreakGlass) -> None:
    """Reviewers, managers and auditors, of the project and of the organization, hear of it at once."""
    roles = (Membership.Role.MANAGER, Membership.Role.REVIEWER, Membership.Role.AUDITOR)
    auditors = User.objects.filter(org_role=User.OrgRole.AUDITOR, is_active=True)
    people = {*members(glass.project_id, *roles), *auditors.values_list("pk", flat=True)}
    words = {"model": glass.model_version, "environment": glass.environment, "who": glass.asked_by}
    subject = _("%(who)s asks to break the glass: %(model)s into %(environment)s")
    if glass.state == BreakGlass.State.OPEN:
        subject = _("The glass is broken: %(model)s may go into %(environment)s without an authorization")
    told = Occasion(
        sorted(people), _K.EVENT_REPORTED, (subject % words)[:300],
        reverse("governance:project-exceptions", args=[glass.project.slug]),
        f"break-glass:{glass.pk}:{glass.state}", glass.reason[:1000], glass.project_id,
    )  # fmt: skip
    tell_all([told])


def tell_stopped(authorization_id: int) -> None:
    """Managers, who asked for the authorization and who deployed under it hear that it no longer holds."""
    given = Authorization.objects.select_related("gate", "model_version").get(pk=authorization_id)
    words = {"environment": given.environment, "state": given.get_state_display().lower()}
    subject = _("The authorization for %(environment)s is %(state)s") % words
    # One suspended, resumed and suspended again is news each time: its reason and time make the occasion.
    count = Notice.objects.filter(key__startswith=f"authorization:{given.pk}:{given.state}:").values("key")
    key = f"authorization:{given.pk}:{given.state}:{count.distinct().count() + 1}"
    tell_all([_about(given, _K.AUTHORIZATION_STOPPED, subject, key, given.state_reason)])


def tell_ending(authorizations: Iterable[Authorization]) -> None:
    """The same people hear that an authorization ends soon."""
    told = []
    for given in authorizations:
        words = {"environment": given.environment, "day": f"{given.valid_until:%d %b %Y}"}
        subject = _("The authorization for %(environment)s ends on %(day)s") % words
        key = f"authorization:{given.pk}:ends:{given.valid_until:%Y-%m-%d}"
        told.append(
            _about(given, _K.AUTHORIZATION_ENDING, subject, key, _("Another gate can give a new one."))
        )
    tell_all(told)


def tell_ended(given: Authorization) -> None:
    """The same people hear that it has ended."""
    words = {"environment": given.environment, "day": f"{given.valid_until:%d %b %Y}"}
    subject = _("The authorization for %(environment)s ended on %(day)s") % words
    key = f"authorization:{given.pk}:ended:{given.valid_until:%Y-%m-%d}"
    tell_all(
        [_about(given, _K.AUTHORIZATION_ENDING, subject, key, _("The gate check refuses the model now."))]
    )


def _about(given: Authorization, kind: str, subject: str, key: str, text: str) -> Occasion:
    live = Deployment.objects.filter(authorization=given, state=Deployment.State.LIVE)
    concerned: set[int | None] = {given.gate.requested_by_id, *live.values_list("deployed_by_id", flat=True)}
    people = {*managers(given.project_id), *(pk for pk in members(given.project_id) if pk in concerned)}
    url = reverse("governance:authorization", args=[given.pk])
    return Occasion(sorted(people), kind, subject, url, key, text, given.project_id)
