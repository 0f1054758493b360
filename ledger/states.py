"""Declared state machines: the table beside a model that says which event leads where."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from django.utils.translation import gettext as _

from ledger.errors import Refused

MACHINES: dict[str, "StateMachine"] = {}


class Edge(NamedTuple):
    """One possible step."""

    source: str
    event: str
    target: str


class StateMachine:
    """A table of transitions: from each state, which event leads to which state.

    `name` is the word for the record as people read it ("handoff"), unique among all machines.
    `initial` is the state (or states) in which a record may begin. States may be members of a `TextChoices`.
    `labels` gives people's words for events or states where the identifier with spaces will not do.
    A state without events is final. A table with a state that cannot be reached is an error at import.
    """

    def __init__(
        self,
        name: str,
        *,
        initial: str | Iterable[str],
        transitions: Mapping[str, Mapping[str, str]],
        labels: Mapping[str, object] | None = None,
        registered: bool = True,
    ) -> None:
        self.name = name
        self.initial = (str(initial),) if isinstance(initial, str) else tuple(str(state) for state in initial)
        self._table = {
            str(source): {str(event): str(target) for event, target in events.items()}
            for source, events in transitions.items()
        }
        self._labels = {str(key): label for key, label in (labels or {}).items()}
        self.states = self._in_order_of_mention()
        self._refuse_unreachable_states()
        if registered:
            if name in MACHINES:
                raise ValueError(f"There are two state machines called {name!r}.")
            MACHINES[name] = self

    def __repr__(self) -> str:
        return f"<StateMachine {self.name}: {len(self.states)} states, {len(self.edges)} edges>"

    @property
    def edges(self) -> list[Edge]:
        """Every step, in order of declaration."""
        return [
            Edge(source, event, target)
            for source, events in self._table.items()
            for event, target in events.items()
        ]

    @property
    def finals(self) -> tuple[str, ...]:
        """The states that nothing leads out of."""
        return tuple(state for state in self.states if not self._table.get(state))

    def events_from(self, frm: str) -> tuple[str, ...]:
        """The events that are possible in a state; ValueError for a state that the table does not know."""
        if str(frm) not in self.states:
            raise ValueError(f"A {self.name} has no state {str(frm)!r}.")
        return tuple(self._table.get(str(frm), {}))

    def can(self, frm: str, event: str) -> bool:
        """Whether the event is possible in this state."""
        return event in self.events_from(frm)

    def next(self, frm: str, event: str) -> str:
        """The state that the event leads to.

        Raises `Refused("wrong_state")` if this state does not know the event, and ValueError if none does:
        that is a mistake in the program, not of its user.
        """
        if self.can(frm, event):
            return self._table[str(frm)][event]
        if not any(edge.event == event for edge in self.edges):
            raise ValueError(f"A {self.name} knows no event {event!r}.")
        raise Refused("wrong_state", self._no(frm, event))

    def label(self, word: str) -> str:
        """A state or event as people read it."""
        return str(self._labels.get(str(word), str(word).replace("_", " ")))

    def mermaid(self) -> str:
        """The machine as a Mermaid state diagram."""
        lines = ["stateDiagram-v2"]
        lines += [f"    [*] --> {state}" for state in self.initial]
        lines += [f"    {source} --> {target}: {self.label(event)}" for source, event, target in self.edges]
        lines += [f"    {state} --> [*]" for state in self.finals]
        return "\n".join(lines)

    def _no(self, frm: str, event: str) -> str:
        words = {"name": self.name, "state": self.label(frm), "event": self.label(event)}
        possible = ", ".join(self.label(each) for each in self.events_from(frm))
        if not possible:
            return _('This %(name)s is %(state)s, which is final: "%(event)s" is not possible.') % words
        return _('This %(name)s is %(state)s: "%(event)s" is not possible now, only: %(possible)s.') % {
            **words,
            "possible": possible,
        }

    def _in_order_of_mention(self) -> tuple[str, ...]:
        mentioned = dict.fromkeys([*self.initial, *self._table])
        mentioned.update(dict.fromkeys(edge.target for edge in self.edges))
        return tuple(mentioned)

    def _refuse_unreachable_states(self) -> None:
        reached, waiting = set(self.initial), list(self.initial)
        while waiting:
            for target in self._table.get(waiting.pop(), {}).values():
                if target not in reached:
                    reached.add(target)
                    waiting.append(target)
        lost = [state for state in self.states if state not in reached]
        if lost:
            raise ValueError(f"No event of the {self.name} leads to: {', '.join(lost)}.")


def as_markdown(machines: Mapping[str, StateMachine]) -> str:
    """All machines as one Markdown page with a diagram each, ordered by name."""
    parts = [
        "# State machines",
        "",
        "Drawn from the code by `./gatebook manage draw_states`; do not edit by hand.",
    ]
    for name in sorted(machines):
        parts += ["", f"## {name.capitalize()}", "", "```mermaid", machines[name].mermaid(), "```"]
    return "\n".join(parts) + "\n"
