"""Whether now is the moment: what every change of a gate asks before anything else."""

from __future__ import annotations

from django.utils.translation import gettext as _

from governance.errors import Refused
from governance.models import Gate
from lifecycle.models import Iteration, Phase, Project

_AT_WORK = (Phase.State.IN_PROGRESS, Phase.State.IN_REVIEW)


def refuse_unless_open(gate: Gate) -> None:
    """Raise `Refused` for a gate that has been decided."""
    if gate.state != Gate.State.OPEN:
        words = {"key": gate.key, "state": gate.get_state_display().lower()}
        raise Refused("gate_not_open", _("Gate %(key)s is already %(state)s.") % words)


def refuse_unless_decidable(gate: Gate) -> None:
    """Raise `Refused` unless the gate is open and its phase in review, in an iteration that goes on."""
    refuse_unless_open(gate)
    refuse_when_over(gate.iteration)
    refuse_wrong_phase(gate.phase, ends_phase=gate.ends_phase)


def refuse_when_over(iteration: Iteration) -> None:
    """Raise `Refused` in an iteration or a project that is over."""
    if iteration.state != Iteration.State.OPEN or iteration.project.state != Project.State.ACTIVE:
        raise Refused("iteration_closed", _("This iteration is over; work goes on in a new one."))


def refuse_wrong_phase(phase: Phase, *, ends_phase: bool) -> None:
    """Raise `Refused` unless the phase is in review; beside a gate that does not end it at work too."""
    if phase.state != Phase.State.IN_REVIEW and (ends_phase or phase.state not in _AT_WORK):
        words = {"phase": phase, "state": phase.get_state_display().lower()}
        raise Refused("phase_not_in_review", _("%(phase)s is %(state)s, not in review.") % words)
