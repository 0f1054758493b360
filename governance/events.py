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


@dataclass(frozen=True)
class DeploymentMoved:
    """A deployment was put in place, has gone a step or has ended; `entry` is the ledger's for it."""

    deployment_id: int
    project_id: int
    entry: int


gate_decided = Signal()
gate_evaluated = Signal()
authorization_stopped = Signal()
deployment_moved = Signal()
