"""The pieces that a CEL expression is made of."""

from __future__ import annotations

from dataclasses import dataclass, field

MAX_DEPTH = 60
"""How deep an expression may be nested, every operator counted."""


class Unreadable(ValueError):
    """The text is no expression that this reader knows; the message names the column."""


class TooDeep(Unreadable):
    """The expression is nested deeper than `MAX_DEPTH`."""


@dataclass(frozen=True, kw_only=True)
class Node:
    """A piece of the expression: where its text begins and ends, and how deep it goes."""

    start: int
    end: int
    depth: int = field(init=False, default=1)

    def __post_init__(self) -> None:
        depth = 1 + max((each.depth for each in self.children), default=0)
        if depth > MAX_DEPTH:
            raise TooDeep(f"nested deeper than {MAX_DEPTH}")
        object.__setattr__(self, "depth", depth)

    @property
    def children(self) -> tuple[Node, ...]:
        """The pieces that this one is made of, in their order."""
        return ()


@dataclass(frozen=True, kw_only=True)
class Literal(Node):
    """A number, a string, true, false or null. `text` is how it is written, a string without its quotes."""

    kind: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Name(Node):
    name: str


@dataclass(frozen=True, kw_only=True)
class Select(Node):
    """`operand.field`; with `test` it is `has(operand.field)`."""

    operand: Node
    name: str
    test: bool = False

    @property
    def children(self) -> tuple[Node, ...]:
        return (self.operand,)


@dataclass(frozen=True, kw_only=True)
class Index(Node):
    operand: Node
    index: Node

    @property
    def children(self) -> tuple[Node, ...]:
        return self.operand, self.index


@dataclass(frozen=True, kw_only=True)
class Call(Node):
    function: str
    target: Node | None
    args: tuple[Node, ...]

    @property
    def children(self) -> tuple[Node, ...]:
        return (self.target, *self.args) if self.target else self.args


@dataclass(frozen=True, kw_only=True)
class Items(Node):
    """`[a, b]`; with `pairs` it is `{a: b}` and items are keys and values by turns."""

    items: tuple[Node, ...]
    pairs: bool = False

    @property
    def children(self) -> tuple[Node, ...]:
        return self.items


@dataclass(frozen=True, kw_only=True)
class Operation(Node):
    """`!a`, `-a`, `a < b`, `a ? b : c`; `&&` and `||` have as many operands as are written in a row."""

    operator: str
    operands: tuple[Node, ...]

    @property
    def children(self) -> tuple[Node, ...]:
        return self.operands


@dataclass(frozen=True, kw_only=True)
class Comprehension(Node):
    """`over.all(variable, body)` and its kin; `when` is the condition of a `map` with three arguments."""

    macro: str
    over: Node
    variable: str
    body: Node
    when: Node | None = None

    @property
    def children(self) -> tuple[Node, ...]:
        return (self.over, self.body, self.when) if self.when else (self.over, self.body)
