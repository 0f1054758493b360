"""What this app tells upwards."""

from dataclasses import dataclass

from django.dispatch import Signal


@dataclass(frozen=True)
class GateDecided:
    """A gate has been passed, refused, held, stopped or withdrawn."""

    gate_id: int
    project_id: int
    state: str


@dataclass(frozen=True)
class GateEvaluated:
    """The criteria of a gate were judged, with another result than before."""

    evaluation_id: int
    project_id: int


@dataclass(frozen=True)
class AuthorizationStopped:
    """An authorization was suspended or withdrawn."""

    authorization_id: int
    project_id: int
    state: str


gate_decided = Signal()
gate_evaluated = Signal()
authorization_stopped = Signal()
