"""Frameworks and checks as documents: strict, frozen, and refused with the place of what is wrong."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Annotated, Any, Literal

from django.utils.translation import gettext as _
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from governance.errors import Invalid
from lifecycle.definitions import problem_of
from lifecycle.definitions.text import read_yaml
from lifecycle.shapes import fault_words

MOST_CONTROLS = 5000
CHECK_VARIABLES = frozenset({"it", "project", "classification"})
"""What the expressions of a check may look at: the record that is judged, and what stands above it."""

Token = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,99}$")]
Id = Annotated[str, StringConstraints(pattern=r"^\w[\w.-]*$", max_length=100)]
Line = Annotated[str, StringConstraints(min_length=1, max_length=600, pattern=r"^\S(.*\S)?$")]
CheckKey = Annotated[str, StringConstraints(pattern=r"^K[0-9]{2}$")]
Expression = Annotated[str, StringConstraints(min_length=1, max_length=2000)]


class Part(BaseModel):
    """Base of all parts. Unknown fields are refused, values cannot change after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Empty(StrEnum):
    """What a check says when there is nothing to judge."""

    NOT_STARTED = "not_started"
    MET = "met"


class Judgement(Part):
    """How records of one kind are judged, each by itself; `about` names the kind.

    With `key` only the record of that key is looked at. `counts` says which are, `holds` which are as they
    should be, `waits` which are not there yet, `waived` which stand by a waiver. What does none of this
    breaks the check.
    """

    about: Token
    key: Annotated[str, StringConstraints(max_length=60)] = ""
    counts: Expression = "true"
    holds: Expression
    waits: Expression = "false"
    waived: Expression = "false"
    empty: Empty = Empty.NOT_STARTED

    @property
    def expressions(self) -> Iterator[tuple[str, str]]:
        """Each expression with the name of its field."""
        for name in ("counts", "holds", "waits", "waived"):
            yield name, getattr(self, name)


class CheckDocument(Part):
    """One check by name. Without a judgement no record can tell: a person has to vouch for it."""

    id: CheckKey
    title: Line
    reads: tuple[Literal["R", "M", "S", "H", "D", "L"], ...]
    judges: Judgement | None = None


class ControlDocument(Part):
    """One thing that a framework asks for, with the checks whose records answer it.

    `parent` names the control that this one adds to. `withdrawn` says that who issued it asks for it no
    longer. `oscal` holds what a catalog said beyond these fields, so that it can be written again.
    """

    id: Id
    label: Line
    title: Line
    checks: tuple[str, ...] = ()
    judges: Judgement | None = None
    evidence: tuple[str, ...] = ()
    duty_of: tuple[Literal["provider", "deployer"], ...] = ()
    timeline: str = ""
    today: str = ""
    same_as: dict[str, Any] | tuple[str, ...] | str = ""
    tasks: tuple[str, ...] = ()
    prose: str = ""
    parent: str = ""
    withdrawn: str = ""
    oscal: dict[str, Any] = {}


class GroupDocument(Part):
    """Controls that a framework lists under one heading; `parent` is the heading above it."""

    id: Id
    title: Line
    controls: tuple[ControlDocument, ...] = ()
    parent: str = ""
    oscal: dict[str, Any] = {}


class FrameworkDocument(Part):
    """A framework in one version: a law, a standard, guidance, or an organization's own policy."""

    key: Token
    title: Line
    version: Annotated[str, StringConstraints(min_length=1, max_length=60)]
    kind: Literal["law", "standard", "guidance", "process", "policy"]
    as_of: str
    source: Line
    timelines: dict[str, dict[str, dt.date]] = {}
    groups: tuple[GroupDocument, ...] = Field(min_length=1)
    oscal: dict[str, Any] = {}

    @property
    def controls(self) -> Iterator[ControlDocument]:
        """All controls in their order."""
        for group in self.groups:
            yield from group.controls

    def control(self, key: str) -> ControlDocument | None:
        """The control with this id, None if there is none."""
        return next((each for each in self.controls if each.id == key), None)


def read_framework(text: str | bytes, known_checks: Iterable[str]) -> FrameworkDocument:
    """A framework from YAML; raises `Invalid` with the place, as `parse_framework` does."""
    return parse_framework(read_yaml(text), known_checks)


def parse_framework(data: object, known_checks: Iterable[str]) -> FrameworkDocument:
    """A checked framework from plain data.

    Raises `Invalid` whose `where` names the first wrong place: unknown or missing fields, an id that is there
    twice, a check that does not exist, a timeline that is not defined, an expression that cannot be read.
    """
    try:
        document = FrameworkDocument.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "framework"
        raise Invalid("shape", f"{where}: {fault_words(first)}", where) from error
    _refuse_faults(document, frozenset(known_checks))
    return document


def _refuse_faults(document: FrameworkDocument, known: frozenset[str]) -> None:
    _refuse_odd_groups(document)
    seen: set[str] = set()
    controls = list(document.controls)
    if not controls:
        raise Invalid("empty", _("A framework has at least one control."), "groups")
    if len(controls) > MOST_CONTROLS:
        text = _("A framework has at most %(most)d controls.") % {"most": MOST_CONTROLS}
        raise Invalid("too_many", text, "groups")
    for control in controls:
        where = f"controls.{control.id}"
        if control.id in seen:
            raise Invalid("twice", _("The control “%(id)s” is there twice.") % {"id": control.id}, where)
        # What a control adds to stands before it, so that none can lie in itself.
        if control.parent and control.parent not in seen:
            words = {"id": control.id, "parent": control.parent}
            text = _("The control “%(id)s” adds to “%(parent)s”, which does not stand before it.") % words
            raise Invalid("control_unknown", text, f"{where}.parent")
        seen.add(control.id)
        for check in control.checks:
            if check not in known:
                words = {"id": control.id, "check": check}
                text = _("The control “%(id)s” asks for the check “%(check)s”, which does not exist.")
                raise Invalid("check_unknown", text % words, f"{where}.checks")
        if control.timeline and control.timeline not in document.timelines:
            text = _("The timeline “%(name)s” is not defined.") % {"name": control.timeline}
            raise Invalid("timeline_unknown", text, f"{where}.timeline")
        if control.judges is not None:
            refuse_unreadable(control.judges, f"{where}.judges")


def _refuse_odd_groups(document: FrameworkDocument) -> None:
    seen: set[str] = set()
    for group in document.groups:
        where = f"groups.{group.id}"
        # The controls of a group that is there twice are named by themselves.
        if group.parent and group.parent not in seen:
            words = {"id": group.id, "parent": group.parent}
            text = _("The group “%(id)s” lies in “%(parent)s”, which does not stand before it.") % words
            raise Invalid("group_unknown", text, f"{where}.parent")
        seen.add(group.id)


def refuse_unreadable(judgement: Judgement, where: str) -> None:
    """Raise `Invalid` for the first expression that does not parse or looks at what is not there."""
    for name, expression in judgement.expressions:
        if problem := problem_of(expression, CHECK_VARIABLES):
            raise Invalid("expression", f"{where}.{name}: {problem}", f"{where}.{name}")
