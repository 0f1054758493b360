"""Where a project stands with one framework: its controls, the records behind them, what people said."""

from dataclasses import dataclass
from datetime import date, datetime

from reports.documents.states import Mark, State


@dataclass(frozen=True, kw_only=True)
class JudgedRecord:
    """A record that a check looked at, and what it says.

    `digest` is that of its frozen content where it has one (`frozen`), else that of its last ledger `entry`.
    """

    kind: str
    number: int
    label: str
    mark: Mark
    why: str = ""
    digest: str = ""
    frozen: bool = False
    entry: int | None = None


@dataclass(frozen=True, kw_only=True)
class Check:
    """One check of the framework. `kept` is False where its records of that moment are no longer kept."""

    key: str
    title: str
    mark: Mark
    reason: str
    held: int = 0
    total: int = 0
    records: tuple[JudgedRecord, ...] = ()
    kept: bool = True


@dataclass(frozen=True, kw_only=True)
class Control:
    """One thing that the framework asks for. `why` says what its state rests on, `reason` why it has no
    bearing; `decided` who said so where that was a person.
    """

    id: str
    label: str
    title: str
    mark: Mark
    applies: bool
    good: bool
    why: str
    reason: str = ""
    decided: str = ""
    checks: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    since: datetime | None = None
    applies_from: date | None = None


@dataclass(frozen=True, kw_only=True)
class ControlGroup:
    """Controls under one heading."""

    title: str
    controls: tuple[Control, ...]


@dataclass(frozen=True, kw_only=True)
class Assured:
    """A person's signed word that a control is met."""

    label: str
    control: str
    statement: str
    signed_by: str
    signed_at: datetime
    expires_on: date
    digest: str
    mark: Mark
    link: str = ""


@dataclass(frozen=True, kw_only=True)
class Excluded:
    """A person's decision that a control has no bearing."""

    label: str
    title: str
    reason: str
    decided_by: str
    decided_at: datetime


@dataclass(frozen=True, kw_only=True)
class Classified:
    """The classification in force. `current` is False where the purpose has changed since."""

    number: int
    signed_by: str
    signed_at: datetime
    digest: str
    risk_class: str
    role: str
    current: bool
    second_factor: str = ""
    reasons: tuple[str, ...] = ()
    answers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class ControlMove:
    """That a control came to stand elsewhere."""

    at: datetime
    label: str
    title: str
    before: Mark
    after: Mark
    worse: bool
    better: bool


@dataclass(frozen=True, kw_only=True)
class Compliance:
    """A framework in one version, and where a project stands with it.

    `since` is the day that changes are told from, `review` the review that it was taken from in words.
    `looked_at` is None where nobody has looked by then, or has looked again since. `behind` counts entries of
    the project that came after the last look.
    """

    key: str
    version: str
    title: str
    kind: str
    source: str
    digest: str
    begun_at: datetime
    begun_by: str
    begun_because: str
    since: date
    groups: tuple[ControlGroup, ...] = ()
    checks: tuple[Check, ...] = ()
    assured: tuple[Assured, ...] = ()
    excluded: tuple[Excluded, ...] = ()
    classified: Classified | None = None
    moves: tuple[ControlMove, ...] = ()
    review: str = ""
    looked_at: datetime | None = None
    behind: int = 0

    @property
    def controls(self) -> tuple[Control, ...]:
        """All controls in their order."""
        return tuple(control for group in self.groups for control in group.controls)

    @property
    def asked(self) -> tuple[Control, ...]:
        """The controls that have a bearing."""
        return tuple(control for control in self.controls if control.applies)

    @property
    def good(self) -> tuple[Control, ...]:
        """The controls that have a bearing and are met."""
        return tuple(control for control in self.asked if control.good)

    @property
    def broken(self) -> tuple[Control, ...]:
        """The controls that a record contradicts."""
        return tuple(control for control in self.asked if control.mark.state is State.BAD)

    @property
    def gaps(self) -> tuple[Control, ...]:
        """The controls that have a bearing and are not met."""
        return tuple(control for control in self.asked if not control.good)

    @property
    def share(self) -> int:
        """Per cent of what is asked that is met, rounded down: 100 is all of it."""
        return len(self.good) * 100 // len(self.asked) if self.asked else 0

    def control(self, key: str) -> Control | None:
        """The control with this id, None if the framework has none."""
        return next((each for each in self.controls if each.id == key), None)

    def check(self, key: str) -> Check | None:
        """The check with this key, None if the framework asks for none."""
        return next((each for each in self.checks if each.key == key), None)
