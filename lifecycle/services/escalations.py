"""What a manager decides about a risk that measures do not lower: bear it, halt the phase, or go back."""

import datetime as dt

from django.db import transaction
from django.utils.translation import gettext as _

from lifecycle import rules
from lifecycle.actions import LifecycleAction
from lifecycle.errors import Invalid, Refused
from lifecycle.models import RISK_STATES, Phase, Risk, User
from lifecycle.services.phases import decide_phase, reopen_phase
from lifecycle.services.risks import accept_risk, allow_working, locked_risk, move_risk
from lifecycle.services.steps import allow, locked
from lifecycle.services.texts import prose

CHOICES = ("accept", "hold", "stop", "reopen")


@transaction.atomic
def decide_escalated(
    *, risk: Risk, choice: str, actor: User, reason: str, until: dt.date | None = None,
    phase: Phase | None = None,
) -> Risk:  # fmt: skip
    """Decide about an escalated risk; managers only, always with a reason.

    `accept` bears it until a date; `hold` and `stop` halt its phase, the risk waits on; `reopen` goes back to
    an earlier `phase`, and the risk is assessed anew. The entries are those of what is done.
    Raises `Refused("not_escalated")`, `Invalid` for an unknown choice or a phase that is not earlier.
    """
    home = locked(phase if choice == "reopen" and phase else risk.task.phase)  # phases before tasks
    task, risk = locked_risk(risk)
    project = task.phase.iteration.project
    allow(rules.can_manage_project(actor, project), _("Only a manager decides about an escalated risk."))
    allow_working(actor, task)
    if choice not in CHOICES:
        raise Invalid("unknown_choice", _("There is no such choice."), "choice")
    reason = prose(reason, "reason")
    if risk.state != Risk.State.ESCALATED:
        raise Refused("not_escalated", _("This risk does not wait for a decision."))

    if choice == "accept":
        return accept_risk(risk=risk, actor=actor, reason=reason, until=until)
    why = _("Risk %(key)s: %(reason)s") % {"key": risk.key, "reason": reason}
    if choice in ("hold", "stop"):
        decide_phase(phase=home, outcome=choice, actor=actor, reason=why)
        return risk
    earlier = phase is not None and home.iteration_id == task.phase.iteration_id
    if not earlier or home.order >= task.phase.order:
        raise Invalid("not_earlier", _("Choose a phase before the one of this risk."), "phase")
    reopen_phase(phase=home, actor=actor, reason=why)
    risk.loops = 0
    state = RISK_STATES.next(risk.state, "redefine")
    return move_risk(
        risk,
        task,
        state,
        LifecycleAction.RISK_REOPENED,
        actor,
        "loops",
        reason=reason,
        phase_reopened=home.key,
    )
