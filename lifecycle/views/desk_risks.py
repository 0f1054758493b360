"""What may be done to a risk and to the measures against it, as small forms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from lifecycle.forms import work as forms
from lifecycle.forms.fields import PlainForm, ReasonForm
from lifecycle.models import Evidence, QualityAction, Risk, User
from lifecycle.rules import is_at_limit
from lifecycle.views.acting import Offer, Offers

_R, _A = Risk.State, QualityAction.State
_JUDGED = (_R.ASSESSED, _R.REASSESSED)


def moves_of_risk(
    offers: Offers, risk: Risk, *, manages: bool, methods: Mapping[str, str], appetite: int
) -> list[Offer]:
    """The steps that somebody who works here may take with a risk now; `methods` by key."""
    made: list[Offer] = []

    def offer(act: str, verb: str, form: Any, **more: Any) -> None:
        url = reverse("lifecycle:risk-act", args=[risk.pk, act])
        made.append(offers.add(f"{act}-{risk.pk}", url, verb, form, folded=True, **more))

    above, spent = (risk.score or 0) > appetite, is_at_limit(risk, appetite)
    if risk.state in (_R.IDENTIFIED, _R.REOPENED):
        start = {"severity": risk.severity, "occurrence": risk.occurrence}
        offer("assess", _("Assess"), forms.AssessForm, initial=start)
    if risk.state in (*_JUDGED, _R.ESCALATED) and (manages or not above):
        hint = _("It is above the appetite: reason and date are needed.") if above else ""
        offer("accept", _("Accept"), forms.AcceptForm, hint=hint)
    if risk.state in _JUDGED and not spent:
        offer("refuse", _("Not acceptable as it is"), PlainForm)
    if risk.state == _R.REASSESSED and above:
        tried = _("It was lowered %d times and is still above the appetite.") % risk.loops
        offer("escalate", _("Hand to the manager"), ReasonForm, hint=tried if spent else "")
    if risk.state in (_R.UNACCEPTABLE, _R.QA_SELECTED, _R.IN_MITIGATION):
        offer("measure", _("Choose a measure"), forms.MeasureForm, methods=list(methods.items()))
    if risk.state in (_R.REASSESSED, _R.ACCEPTED):
        offer("close", _("Close"), ReasonForm)
    if risk.state in (_R.ACCEPTED, _R.CLOSED):
        offer("reopen", _("Take it up again"), ReasonForm)
    return made


def moves_of_measure(
    offers: Offers, risk: Risk, action: QualityAction, *, people: Sequence[User], evidence: Sequence[Evidence]
) -> list[Offer]:
    """The steps that somebody who works here may take with a measure now."""
    made: list[Offer] = []

    def offer(act: str, verb: str, form: Any, **more: Any) -> None:
        url = reverse("lifecycle:measure-act", args=[action.pk, act])
        made.append(offers.add(f"{act}-{action.pk}", url, verb, form, folded=True, **more))

    if action.state == _A.SELECTED:
        offer("begin", _("Put it to work"), forms.PerformerForm, people=people)
    if action.state == _A.RUNNING:
        start = {"severity": risk.severity, "occurrence": risk.occurrence}
        hint = _("Only a measure that passed lowers the score.")
        offer(
            "finish", _("Finish the measure"), forms.FinishForm, evidence=evidence, initial=start, hint=hint
        )
    if action.state in (_A.SELECTED, _A.RUNNING):
        hint = _("The risk waits for another measure if this was the last one.")
        offer("cancel", _("Give the measure up"), ReasonForm, hint=hint)
    return made
