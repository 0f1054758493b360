"""What this app tells upwards. Sent with `send()` inside the transaction: a receiver that fails undoes the change."""

from dataclasses import dataclass

from django.dispatch import Signal


@dataclass(frozen=True)
class RunEnded:
    """A run has finished or failed."""

    run_id: int
    project_id: int


@dataclass(frozen=True)
class EvidenceChanged:
    """Evidence was attached, verified, rejected or expired."""

    evidence_id: int
    task_id: int
    project_id: int


@dataclass(frozen=True)
class TriggerStarted:
    """A firing's action starts; a higher app carries out what is its own (suspend an authorization)."""

    firing_id: int
    project_id: int
    action: str


@dataclass(frozen=True)
class PhaseChanged:
    """A phase has moved to another state."""

    phase_id: int
    project_id: int
    state: str


run_ended = Signal()
evidence_changed = Signal()
trigger_started = Signal()
phase_changed = Signal()
