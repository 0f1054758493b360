"""The parts that move work along: loops back, handoffs, triggers."""

import math
import re
from enum import StrEnum
from typing import Annotated

from django.utils.translation import gettext as _
from pydantic import BeforeValidator, Field

from lifecycle.definitions.base import Code, Count, Expression, Flag, Key, Line, Name, Part, PhaseKey, Text
from lifecycle.definitions.work import Days

ParamName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]

_EXACT = 2**53 - 1
_LONGEST = 300
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")


def _plain_value(value: object) -> object:
    if not isinstance(value, bool | int | float | str):
        raise ValueError(_("should be text, a number, true or false"))  # noqa: TRY004 - pydantic reports these
    if isinstance(value, int) and abs(value) > _EXACT:
        raise ValueError(_("is too large: JSON carries whole numbers exactly up to 2^53 - 1"))
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(_("should be a finite number"))
    if isinstance(value, str) and (len(value) > _LONGEST or _CONTROLS.search(value)):
        raise ValueError(_("should be one line of at most %(limit)d characters") % {"limit": _LONGEST})
    return value


Value = Annotated[bool | int | float | str, BeforeValidator(_plain_value)]


class OpensOn(StrEnum):
    """The event that lets a handoff come into being."""

    PHASE_STARTED = "phase_started"
    GATE_PASSED = "gate_passed"
    TASK_VERIFIED = "task_verified"
    TRIGGER = "trigger"


class TriggerKind(StrEnum):
    """What a trigger listens to."""

    MANUAL = "manual"
    SCHEDULE = "schedule"
    NEW_DATA = "new_data"
    METRIC = "metric"
    DRIFT = "drift"
    ANOMALY = "anomaly"
    CHANGE = "change"
    DEPLOYMENT = "deployment"
    HANDOFF = "handoff"
    INCIDENT = "incident"
    REGULATION = "regulation"
    EXPIRY = "expiry"


class TriggerMode(StrEnum):
    """Whether software may start the action or a person decides first."""

    AUTO = "auto"
    ASK = "ask"


class TriggerAction(StrEnum):
    """What a firing does."""

    OPEN_ITERATION = "open_iteration"
    REOPEN_PHASE = "reopen_phase"
    START_TRAINING = "start_training"
    START_VALIDATION = "start_validation"
    START_EVALUATION = "start_evaluation"
    START_MONITORING = "start_monitoring"
    SUSPEND_AUTHORIZATION = "suspend_authorization"
    SHORTEN_AUTHORIZATION = "shorten_authorization"
    OPEN_FINDING = "open_finding"
    NOTIFY = "notify"


class Loop(Part):
    """A way back. `from_refs` and `to_refs` are phases or tasks; no `to_refs` with `may_stop` is a stop."""

    key: Key
    name: Name
    from_refs: tuple[Key, ...] = Field(min_length=1)
    to_refs: tuple[Key, ...] = ()
    may_stop: Flag = False
    condition: Text
    sources: tuple[Name, ...] = ()


class Opening(Part):
    """When a handoff arises: the event, and the phase, gate, task or trigger it is about."""

    event: OpensOn
    ref: Key


class Handoff(Part):
    """Deliverables that go from givers to takers, who tick each criterion before they accept.

    `stage_pair` is empty, one stage (inside or into it) or two (from, to). `to_phase` is set when the
    handoff leaves its phase. `due_days` counts from the opening event.
    """

    key: Key
    name: Name
    phase: PhaseKey
    to_phase: PhaseKey | None = None
    stage_pair: tuple[Code, ...] = Field(default=(), max_length=2)
    givers: tuple[Code, ...] = Field(min_length=1)
    takers: tuple[Code, ...] = Field(min_length=1)
    deliverables: tuple[Line, ...] = Field(min_length=1)
    criteria: tuple[Line, ...] = Field(min_length=1)
    opens: Opening
    due_days: Days = 7
    sources: tuple[Name, ...] = ()


class Trigger(Part):
    """A condition over an event that sends work back. `condition` is CEL over `event` and `params`.

    `cron` (five columns, read in `timezone`) is there exactly when the kind is `schedule`.
    `consecutive` is in how many windows running the condition has to hold.
    `reopens` names phases or tasks; empty where the firing's own subject says what to reopen.
    """

    key: Key
    kind: TriggerKind
    name: Name
    signal: Text
    condition: Expression
    params: dict[ParamName, Value] = Field(default_factory=dict)
    cron: Annotated[str, Field(max_length=100)] | None = None
    timezone: Annotated[str, Field(max_length=64)] = "UTC"
    cooldown_hours: Annotated[Count, Field(ge=0, le=8784)] = 24
    consecutive: Annotated[Count, Field(ge=1, le=12)] = 1
    mode: TriggerMode
    action: TriggerAction
    reopens: tuple[Key, ...] = ()
    fallback: Text
    sources: tuple[Name, ...] = ()
