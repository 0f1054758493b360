"""Everything about triggers and firings that others call."""

from lifecycle.services.firings import (
    fire_manually,
    handle_event,
    merge_firing,
    reject_firing,
    start_firing,
)
from lifecycle.services.schedules import next_due, run_due_schedules
from lifecycle.services.trigger_definitions import change_trigger, define_trigger

__all__ = [
    "change_trigger",
    "define_trigger",
    "fire_manually",
    "handle_event",
    "merge_firing",
    "next_due",
    "reject_firing",
    "run_due_schedules",
    "start_firing",
]
