"""The syntax tree of a CEL expression, for saying it in words and for counting what it may cost.

The CEL library judges; it shows no tree. What this reader cannot read is refused when it is saved.
Grammar: the Common Expression Language specification, without messages and optional values.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from lifecycle.definitions.cel_nodes import (
    MAX_DEPTH,
    Call,
    Comprehension,
    Index,
    Items,
    Literal,
    Name,
    Node,
    Operation,
    Select,
    TooDeep,
    Unreadable,
)

MACROS = frozenset({"all", "exists", "exists_one", "map", "filter"})
_RESERVED = frozenset({"in", "true", "false", "null"})
_RELATIONS = frozenset({"<", "<=", ">", ">=", "==", "!=", "in"})
_TOKEN = re.compile(
    r"""(?P<space>\s+|//[^\n]*)
    |(?P<string>[rRbB]{0,2}(?:\"\"\"(?:\\.|[^\\])*?\"\"\"|'''(?:\\.|[^\\])*?'''|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'))
    |(?P<number>0[xX][0-9a-fA-F]+[uU]?|(?:[0-9]+\.[0-9]+|\.[0-9]+|[0-9]+)(?:[eE][-+]?[0-9]+)?[uU]?)
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<sign>\|\||&&|<=|>=|==|!=|[-+*/%!<>?:.,()\[\]{}])""",
    re.VERBOSE | re.DOTALL,
)


def parse_cel(expression: str) -> Node:
    """The tree of an expression. Raises `Unreadable` with the column of what is not understood."""
    try:
        return _Reader(expression).whole()
    except RecursionError:
        raise TooDeep(f"nested deeper than {MAX_DEPTH}") from None


class _Reader:
    """A descent with one method for each rank of operators."""

    def __init__(self, text: str) -> None:
        self.text, self.tokens, self.at, self.inside = text, _tokens(text), 0, 0

    def whole(self) -> Node:
        found = self.expression()
        if self.peek() != "":
            raise self.no()
        return found

    def peek(self) -> str:
        kind, text, _start, _end = self.tokens[self.at]
        return text if kind in ("sign", "name", "end") else f"\x00{kind}"

    def take(self, *wanted: str) -> tuple[str, str, int, int]:
        if wanted and self.peek() not in wanted:
            raise self.no()
        token = self.tokens[self.at]
        self.at += 1
        return token

    def no(self) -> Unreadable:
        return Unreadable(f"column {self.tokens[self.at][2] + 1}")

    def expression(self) -> Node:
        self.inside += 1
        if self.inside > MAX_DEPTH:
            raise TooDeep(f"nested deeper than {MAX_DEPTH}")
        found = self.row("||", lambda: self.row("&&", self.relation))
        if self.peek() == "?":
            self.take()
            yes = self.row("||", lambda: self.row("&&", self.relation))
            self.take(":")
            other = self.expression()
            found = Operation(operator="?:", operands=(found, yes, other), start=found.start, end=other.end)
        self.inside -= 1
        return found

    def row(self, operator: str, part: Callable[[], Node]) -> Node:
        found = [part()]
        while self.peek() == operator:
            self.take()
            found.append(part())
        if len(found) == 1:
            return found[0]
        return Operation(operator=operator, operands=tuple(found), start=found[0].start, end=found[-1].end)

    def relation(self) -> Node:
        return self.chain(_RELATIONS, lambda: self.chain({"+", "-"}, self.product))

    def product(self) -> Node:
        return self.chain({"*", "/", "%"}, self.unary)

    def chain(self, operators: set[str] | frozenset[str], part: Callable[[], Node]) -> Node:
        found = part()
        while self.peek() in operators:
            operator = self.take()[1]
            right = part()
            found = Operation(operator=operator, operands=(found, right), start=found.start, end=right.end)
        return found

    def unary(self) -> Node:
        if self.peek() in ("!", "-"):
            _kind, operator, start, _end = self.take()
            self.inside += 1
            if self.inside > MAX_DEPTH:
                raise TooDeep(f"nested deeper than {MAX_DEPTH}")
            operand = self.unary()
            self.inside -= 1
            return Operation(operator=operator, operands=(operand,), start=start, end=operand.end)
        return self.member()

    def member(self) -> Node:
        found = self.primary()
        while self.peek() in (".", "["):
            if self.take()[1] == "[":
                index = self.expression()
                end = self.take("]")[3]
                found = Index(operand=found, index=index, start=found.start, end=end)
                continue
            kind, name, _start, end = self.take()
            if kind != "name" or name in _RESERVED:
                self.at -= 1
                raise self.no()
            if self.peek() == "(":
                args, end = self.arguments()
                found = self.called(found, name, args, found.start, end)
            else:
                found = Select(operand=found, name=name, start=found.start, end=end)
        return found

    def arguments(self) -> tuple[tuple[Node, ...], int]:
        self.take("(")
        return self.listed(")")

    def listed(self, closing: str) -> tuple[tuple[Node, ...], int]:
        found: list[Node] = []
        while self.peek() != closing:
            found.append(self.expression())
            if self.peek() != closing:
                self.take(",")
                if closing == ")" and self.peek() == ")":
                    raise self.no()
        return tuple(found), self.take(closing)[3]

    def called(self, target: Node | None, name: str, args: tuple[Node, ...], start: int, end: int) -> Node:
        if target is None and name == "has" and len(args) == 1:
            if not isinstance(args[0], Select):
                raise Unreadable(f"column {start + 1}")
            return Select(operand=args[0].operand, name=args[0].name, test=True, start=start, end=end)
        if target is not None and name in MACROS and args and isinstance(args[0], Name):
            when = args[1] if name == "map" and len(args) == 3 else None
            if len(args) == 2 or when is not None:
                return Comprehension(
                    macro=name, over=target, variable=args[0].name, body=args[-1], when=when,
                    start=start, end=end,
                )  # fmt: skip
        return Call(function=name, target=target, args=args, start=start, end=end)

    def primary(self) -> Node:
        kind, text, start, end = self.take()
        if kind == "number":
            return Literal(kind="number", text=text, start=start, end=end)
        if kind == "string":
            return Literal(kind="string", text=_inside(text), start=start, end=end)
        if kind == "name" and text in ("true", "false", "null"):
            return Literal(kind=text, text=text, start=start, end=end)
        if kind == "name" and text not in _RESERVED:
            if self.peek() == "(":
                args, end = self.arguments()
                return self.called(None, text, args, start, end)
            return Name(name=text, start=start, end=end)
        if text == "(":
            found = self.expression()
            return replace(found, start=start, end=self.take(")")[3])
        if text == "[":
            items, end = self.listed("]")
            return Items(items=items, start=start, end=end)
        if text == "{":
            return self.pairs(start)
        self.at -= 1
        raise self.no()

    def pairs(self, start: int) -> Node:
        found: list[Node] = []
        while self.peek() != "}":
            found.append(self.expression())
            self.take(":")
            found.append(self.expression())
            if self.peek() != "}":
                self.take(",")
        return Items(items=tuple(found), pairs=True, start=start, end=self.take("}")[3])


def _tokens(text: str) -> list[tuple[str, str, int, int]]:
    found, at = [], 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise Unreadable(f"column {at + 1}")
        if match.lastgroup != "space":
            found.append((str(match.lastgroup), match[0], at, match.end()))
        at = match.end()
    return [*found, ("end", "", at, at)]


_ESCAPED = re.compile(
    r"\\(?:[xX]([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|(.))", re.DOTALL
)
_SIMPLE = {"n": "\n", "r": "\r", "t": "\t", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}


def _inside(text: str) -> str:
    """A string literal without prefix and quotes, its escapes read."""
    body = text.lstrip("rRbB")
    raw = "r" in text[: len(text) - len(body)].lower()
    quotes = 3 if body[:3] in ('"""', "'''") and len(body) >= 6 else 1
    body = body[quotes:-quotes]
    return body if raw else _ESCAPED.sub(_escape, body)


def _escape(found: re.Match[str]) -> str:
    code = found[1] or found[2] or found[3]
    if code or found[4]:
        number = int(code, 16) if code else int(found[4], 8)
        return chr(number) if number <= 0x10FFFF else found[0]
    return _SIMPLE.get(found[5], found[5])
