"""What this app tells upwards."""

from dataclasses import dataclass

from django.dispatch import Signal


@dataclass(frozen=True)
class GateDecided:
    """A gate has been passed, refused, held, stopped or withdrawn."""

    gate_id: int
    project_id: int
    state: str


gate_decided = Signal()
