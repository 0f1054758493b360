"""What the page of a gate offers to whom, and the forms for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms

from governance.forms.exceptions import ConditionForm
from governance.forms.gates import ReasonForm, RefuseForm, SignForm
from governance.forms.reviews import AnswerForm, FeedbackForm, StepBackForm
from governance.models import Feedback
from governance.queries.pages_gate import GatePage
from governance.rules.gates import fills_seat
from lifecycle.definitions import Outcome
from lifecycle.models import Membership, User

_WORKERS = (Membership.Role.MANAGER, Membership.Role.CONTRIBUTOR)
_LONGEST = 80


def gate_rights(page: GatePage, place: Membership | None, user: User, *, works: bool) -> dict[str, Any]:
    """What the reader may do here. `works`: somebody of the project who may change things. No query."""
    manages = works and place is not None and place.role == Membership.Role.MANAGER
    seated = works and fills_seat(place, page.gate)
    stepped_back = any(each.person_id == user.pk for each in page.recusals)
    signed = any(each.signer_id == user.pk for each in page.standing)
    reason, entry = page.why_not(user) if works else ("", None)
    conditional = Outcome.CONDITIONAL_PASS in page.gate.definition.get("outcomes", [])
    may_sign = works and page.my_turn(user)
    return {
        "may_sign": may_sign,
        "changed": may_sign and page.changed,
        "may_evaluate": page.is_open and works and ((place is not None and place.role in _WORKERS) or seated),
        "may_refuse": page.is_open and manages and page.evaluation and not page.evaluation.verdict,
        "may_withdraw": page.is_open and manages,
        "may_comment": page.is_open and works,
        "may_waive": page.is_open and works and ((place is not None and place.role in _WORKERS) or seated),
        "may_bind": page.is_open and conditional and works and (seated or manages) and not stepped_back,
        "may_step_back": page.is_open and seated and not stepped_back and not signed,
        "stepped_back": stepped_back,
        "why_not": reason if page.is_open else "",
        "why_not_entry": entry,
    }


def gate_forms(page: GatePage, user: User, refused: Mapping[str, forms.Form]) -> dict[str, Any]:
    """The forms of the page; one that was refused stands as it was sent."""
    digest = page.evaluation.digest if page.evaluation else ""
    people = [place.user for place in page.members if place.role != Membership.Role.AUDITOR]
    others = [place.user for place in page.waiting if place.user_id != user.pk]
    criteria = [(each.key, each.words[:_LONGEST]) for each in page.results]
    seated = fills_seat(page.place_of(user), page.gate)
    return {
        "sign_form": refused.get("sign")
        or SignForm(phases=page.phases, initial={"digest": digest, "meaning": "approval"}),
        "refuse_form": refused.get("refuse") or RefuseForm(phases=page.phases),
        "withdraw_form": refused.get("withdraw") or ReasonForm(prefix="withdraw"),
        "feedback_form": refused.get("feedback")
        or FeedbackForm(criteria=criteria, may_ask_changes=seated, initial={"grade": "fine"}),
        "condition_form": refused.get("condition") or ConditionForm(people=people),
        "back_form": refused.get("back") or StepBackForm(people=others),
        "feedback": [(each, _answer(each, page, user, refused)) for each in page.facts.feedback],
    }


def _answer(
    each: Feedback, page: GatePage, user: User, refused: Mapping[str, forms.Form]
) -> forms.Form | None:
    """The form to settle a request for changes, for who asked and for others who may sign."""
    place = page.place_of(user)
    other = fills_seat(place, page.gate) and user.pk != page.gate.requested_by_id
    if not page.is_open or not each.waits or not (each.author_id == user.pk or other):
        return None
    prefix, sent = f"answer-{each.pk}", refused.get("answer")
    return sent if sent is not None and sent.prefix == prefix else AnswerForm(prefix=prefix)
