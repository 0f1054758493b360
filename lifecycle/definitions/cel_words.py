"""What an expression asks, in words, so that nobody has to read CEL.

Made from the syntax tree; what cannot be said stands there as it is written, and so does the whole expression
if a number or a text of it would be missing from the sentence.
"""

from __future__ import annotations

import re
from functools import lru_cache

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from lifecycle.definitions.cel_nodes import (
    Call,
    Comprehension,
    Index,
    Items,
    Literal,
    Name,
    Node,
    Operation,
    Select,
    Unreadable,
)
from lifecycle.definitions.cel_nouns import adjectives, counted_names, plurals, properties, singulars
from lifecycle.definitions.cel_syntax import parse_cel

_PREDICATES = frozenset({"startsWith", "endsWith", "contains", "matches"})
_NEGATED = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}


def words_of(expression: str) -> str:
    """The sentence, in the reader's language; the expression itself where no sentence can be made.

    Never raises, and every number and text of the expression is in it.
    """
    return _said(expression, get_language() or "")


@lru_cache(maxsize=4096)
def _said(expression: str, _language: str) -> str:
    try:
        tree = parse_cel(expression)
        said = _Speaker(expression).clause(tree)
    except (Unreadable, RecursionError):
        return expression
    if any(text not in said for text in _limits(tree)):
        return expression
    first = said.split(" ", 1)[0]
    # A metric keeps its own spelling, also at the head of a sentence.
    return (said if "_" in first else said[:1].upper() + said[1:]) + "."


def _limits(node: Node) -> list[str]:
    """Every number and text that the sentence must hold."""
    own = [node.text] if isinstance(node, Literal) and node.kind in ("number", "string") else []
    # An empty text is said as "empty", and is in every sentence anyway.
    return own + [text for each in node.children for text in _limits(each)]


class _Speaker:
    """Says the pieces of one expression. `bound` names what a variable of a comprehension stands for."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.bound: dict[str, str] = {}

    # ---- whole clauses: something that holds or not ----

    def clause(self, node: Node, *, holds: bool = True) -> str:
        """A sentence that is true when the piece is (or, with `holds=False`, when it is not)."""
        if isinstance(node, Operation):
            return self._operation(node, holds=holds)
        if isinstance(node, Comprehension):
            return self._comprehension(node, holds=holds)
        if isinstance(node, Select) and node.test:
            return (_("%(thing)s is known") if holds else _("%(thing)s is not known")) % {
                "thing": self._path(node.operand, node.name)
            }
        if isinstance(node, Call) and node.function in _PREDICATES and node.target and len(node.args) == 1:
            return self._text_check(node, holds=holds)
        if isinstance(node, Literal) and node.kind in ("true", "false"):
            always = (node.kind == "true") == holds
            return _("this always holds") if always else _("this never holds")
        if isinstance(node, Select) and isinstance(node.operand, Name) and node.operand.name in self.bound:
            yes, no = adjectives().get(node.name, ("", ""))
            if yes:
                return yes if holds else no
        if isinstance(node, Name | Select | Index):
            return (_("%(thing)s holds") if holds else _("%(thing)s does not hold")) % {
                "thing": self.thing(node)
            }
        return self._quoted(node, holds=holds)

    def _operation(self, node: Operation, *, holds: bool) -> str:
        operator, operands = node.operator, node.operands
        if operator == "!":
            return self.clause(operands[0], holds=not holds)
        if operator in ("&&", "||"):
            joined = (operator == "&&") == holds
            said = [each for each in operands if not self._goes_without_saying(each, node)]
            parts = [self._part(each, operator, holds=holds) for each in said]
            return (_(" and ") if joined else _(" or ")).join(parts)
        if operator == "?:":
            words = {
                "when": self.clause(operands[0]),
                "then": self.clause(operands[1], holds=holds),
                "else": self.clause(operands[2], holds=holds),
            }
            return _("if %(when)s: %(then)s; else: %(else)s") % words
        if operator in _NEGATED or operator == "in":
            return self._relation(operator, *operands, holds=holds)
        return self._quoted(node, holds=holds)

    def _goes_without_saying(self, node: Node, row: Operation) -> bool:
        """`has(a.b)` and `a.b != null` beside something that says more of `a.b`: what is not there fails."""
        if row.operator != "&&":
            return False
        if isinstance(node, Operation) and node.operator == "!=" and _is(node.operands[1], "null"):
            thing = self._text(node.operands[0])
        elif isinstance(node, Select) and node.test:
            thing = f"{self._text(node.operand)}.{node.name}"
        else:
            return False
        place = row.operands.index(node)
        return any(self._mentions(each, thing) for each in row.operands[place + 1 :])

    def _mentions(self, node: Node, thing: str) -> bool:
        if isinstance(node, Select) and node.test:
            return False
        if self._text(node) == thing:
            return True
        if isinstance(node, Operation) and node.operator == "!=" and _is(node.operands[1], "null"):
            return False
        return not isinstance(node, Select | Index) and any(
            self._mentions(each, thing) for each in node.children
        )

    def _part(self, node: Node, above: str, *, holds: bool) -> str:
        """An operand of "and" or "or"; the other of the two gets brackets, or nobody knows what binds."""
        said = self.clause(node, holds=holds)
        mixed = isinstance(node, Operation) and node.operator in ("&&", "||", "?:") and node.operator != above
        return f"({said})" if mixed else said

    def _relation(self, operator: str, left: Node, right: Node, *, holds: bool) -> str:
        if operator == "in":
            words = {"thing": self.thing(left), "list": self._choices(right)}
            return (
                _("%(thing)s is among %(list)s") if holds else _("%(thing)s is not among %(list)s")
            ) % words
        operator = operator if holds else _NEGATED[operator]
        if (
            isinstance(right, Literal)
            and right.kind in ("true", "false", "null")
            and operator in ("==", "!=")
        ):
            positive = operator == "=="
            if right.kind == "null":
                return self._existence(left, known=not positive)
            return self.clause(left, holds=(right.kind == "true") == positive)
        if _is(right, "string") and self._text(right) in ('""', "''") and operator in ("==", "!="):
            return (_("%(thing)s is empty") if operator == "==" else _("%(thing)s is not empty")) % {
                "thing": self.thing(left)
            }
        words = {"left": self.thing(left), "right": self.thing(right)}
        return {
            "==": _("%(left)s is %(right)s"),
            "!=": _("%(left)s is not %(right)s"),
            ">=": _("%(left)s is at least %(right)s"),
            "<=": _("%(left)s is at most %(right)s"),
            ">": _("%(left)s is more than %(right)s"),
            "<": _("%(left)s is less than %(right)s"),
        }[operator] % words

    def _existence(self, node: Node, *, known: bool) -> str:
        if isinstance(node, Name) and node.name == "previous" and node.name not in self.bound:
            return _("there is an authorized version before") if known else _("there is no version before")
        words = {"thing": self.thing(node)}
        return (_("%(thing)s is known") if known else _("%(thing)s is not known")) % words

    def _text_check(self, node: Call, *, holds: bool) -> str:
        assert node.target is not None
        words = {"thing": self.thing(node.target), "text": self.thing(node.args[0])}
        yes = {
            "startsWith": _("%(thing)s begins with %(text)s"), "endsWith": _("%(thing)s ends with %(text)s"),
            "contains": _("%(thing)s contains %(text)s"), "matches": _("%(thing)s matches %(text)s"),
        }  # fmt: skip
        no = {
            "startsWith": _("%(thing)s does not begin with %(text)s"),
            "endsWith": _("%(thing)s does not end with %(text)s"),
            "contains": _("%(thing)s does not contain %(text)s"),
            "matches": _("%(thing)s does not match %(text)s"),
        }
        return (yes if holds else no)[node.function] % words

    # ---- all, exists ----

    def _comprehension(self, node: Comprehension, *, holds: bool) -> str:
        if node.macro not in ("all", "exists", "exists_one"):
            return self._quoted(node, holds=holds)
        over, conditions = node.over, list[tuple[str, Node]]()
        while isinstance(over, Comprehension) and over.macro == "filter":
            conditions.insert(0, (over.variable, over.body))
            over = over.over
        noun = self._noun(over)
        wanted = "".join(self._such(noun, variable, body) for variable, body in conditions)
        if node.macro == "all":
            said = self._about(noun, node.variable, node.body)
            words = {"noun": noun + wanted, "said": said}
            return (
                _("for every %(noun)s: %(said)s") if holds else _("not for every %(noun)s: %(said)s")
            ) % words
        wanted += self._such(noun, node.variable, node.body)
        words = {"noun": noun + wanted}
        if node.macro == "exists_one":
            return (
                _("there is exactly one %(noun)s") if holds else _("there is not exactly one %(noun)s")
            ) % words
        return (_("there is at least one %(noun)s") if holds else _("there is no %(noun)s")) % words

    def _such(self, noun: str, variable: str, body: Node) -> str:
        return _(" such that %(said)s") % {"said": self._about(noun, variable, body)}

    def _about(self, noun: str, variable: str, body: Node) -> str:
        """A clause about one of them, which is called "its …" where a property is meant."""
        before = self.bound.get(variable)
        self.bound[variable] = noun
        try:
            return self.clause(body)
        finally:
            if before is None:
                del self.bound[variable]
            else:
                self.bound[variable] = before

    def _noun(self, node: Node) -> str:
        """What one element of a list is called."""
        if isinstance(node, Name) and node.name not in self.bound:
            return singulars().get(node.name, node.name)
        if isinstance(node, Select) and node.name in ("metrics", "slices") and not node.test:
            words = {"one": singulars()[node.name], "of": self.thing(node.operand)}
            return _("%(one)s of %(of)s") % words
        return _("element of %(thing)s") % {"thing": self.thing(node)}

    # ---- things: what is compared ----

    def thing(self, node: Node) -> str:
        """A phrase for a value."""
        if isinstance(node, Literal):
            return f"“{node.text}”" if node.kind == "string" else node.text
        if isinstance(node, Name):
            return self._named(node.name)
        if isinstance(node, Select) and not node.test:
            return self._path(node.operand, node.name)
        if isinstance(node, Index) and isinstance(node.index, Literal):
            return self._path(node.operand, node.index.text)
        if isinstance(node, Call):
            return self._result(node)
        if isinstance(node, Operation) and node.operator in ("+", "-", "*", "/", "%"):
            return self._sum(node)
        return self._choices(node) if isinstance(node, Items) and not node.pairs else self._text(node)

    def _result(self, node: Call) -> str:
        """A size, or a value that is only taken for one of another type; other calls as they are written."""
        about = node.target or (node.args[0] if len(node.args) == 1 else None)
        if node.function == "size" and about is not None and len(node.children) == 1:
            return _("the number of %(things)s") % {"things": self._counted(about)}
        if node.function in ("double", "int", "uint", "string") and len(node.args) == 1 and not node.target:
            return self.thing(node.args[0])
        return self._text(node)

    def _sum(self, node: Operation) -> str:
        parts = [self.thing(each) for each in node.operands]
        if len(parts) == 1:
            return _("minus %(thing)s") % {"thing": parts[0]}
        loose = [isinstance(each, Operation) for each in node.operands]
        left, right = (f"({part})" if odd else part for part, odd in zip(parts, loose, strict=True))
        words = {"left": left, "right": right}
        return {
            "+": _("%(left)s plus %(right)s"), "-": _("%(left)s minus %(right)s"),
            "*": _("%(left)s times %(right)s"), "/": _("%(left)s divided by %(right)s"),
            "%": _("what is left of %(left)s divided by %(right)s"),
        }[node.operator] % words  # fmt: skip

    def _named(self, name: str) -> str:
        if name in self.bound:
            return _("this %(noun)s") % {"noun": self.bound[name].split(" ")[0]}
        return plurals().get(name, name)

    def _path(self, operand: Node, name: str) -> str:
        """`operand.name` as people say it: a metric, a metric of a slice, a property of something."""
        held_in = _root(operand)
        shown = _readable(name)
        if held_in == ("metrics",):
            return shown
        if held_in == ("previous", "metrics"):
            return _("the %(metric)s of the version before") % {"metric": shown}
        if held_in[:1] == ("slices",) and len(held_in) == 2:
            return _("%(metric)s for %(slice)s") % {"metric": name, "slice": held_in[1]}
        if held_in[:2] == ("previous", "slices") and len(held_in) == 3:
            words = {"metric": name, "slice": held_in[2]}
            return _("%(metric)s for %(slice)s of the version before") % words
        if isinstance(operand, Name) and operand.name in self.bound:
            return _("its %(property)s") % {"property": properties().get(name, shown)}
        if isinstance(operand, Name):
            return _("the %(property)s of %(thing)s") % {
                "property": shown,
                "thing": self._named(operand.name),
            }
        return _("the %(property)s of %(thing)s") % {"property": shown, "thing": self.thing(operand)}

    def _counted(self, node: Node) -> str:
        if isinstance(node, Comprehension) and node.macro == "filter":
            inner = self._noun(node.over)
            return self._counted(node.over) + self._such(inner, node.variable, node.body)
        if isinstance(node, Name) and node.name not in self.bound:
            return counted_names().get(node.name, node.name)
        return _("elements of %(thing)s") % {"thing": self.thing(node)}

    def _choices(self, node: Node) -> str:
        if isinstance(node, Items) and not node.pairs:
            return ", ".join(self.thing(each) for each in node.items) or _("nothing")
        return self.thing(node)

    def _quoted(self, node: Node, *, holds: bool) -> str:
        words = {"text": self._text(node)}
        return (_("`%(text)s` holds") if holds else _("`%(text)s` does not hold")) % words

    def _text(self, node: Node) -> str:
        return self.source[node.start : node.end]


def _root(node: Node) -> tuple[str, ...]:
    """`previous.slices["US"]` as its steps; empty for what is no such path."""
    if isinstance(node, Name):
        return (node.name,)
    if isinstance(node, Select) and not node.test:
        above = _root(node.operand)
        return (*above, node.name) if above else ()
    if isinstance(node, Index) and isinstance(node.index, Literal) and node.index.kind == "string":
        above = _root(node.operand)
        return (*above, node.index.text) if above else ()
    return ()


def _readable(name: str) -> str:
    """A name with spaces where it is plain; a metric keeps its own spelling."""
    return name.replace("_", " ") if re.fullmatch(r"[a-z]+(_[a-z]+)+", name) else name


def _is(node: Node, kind: str) -> bool:
    return isinstance(node, Literal) and node.kind == kind
