"""The stack of a project: its components, canvas, maturity and ML Test Score. Managers change them."""

from collections.abc import Mapping
from typing import TypeVar
from urllib.parse import urlsplit

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from ledger.actions import Action
from lifecycle import rules
from lifecycle.actions import LifecycleAction
from lifecycle.definitions.stack import stack_catalogue
from lifecycle.errors import Invalid, Refused
from lifecycle.models import CanvasAnswer, MaturityLevel, Project, ScoreMark, StackPart, User
from lifecycle.services.steps import allow, change, ensure_active, locked, record
from lifecycle.services.texts import line, prose

T = TypeVar("T")
P = TypeVar("P", StackPart, CanvasAnswer, MaturityLevel, ScoreMark)
_EMPTY: dict[str, object] = {
    "requirements": "", "tool": "", "owner_id": None, "link": "", "note": "", "texts": {}
}  # fmt: skip
"""What a record that is not there yet would say."""
_SCHEMES = ("http", "https")


@transaction.atomic
def change_component(
    *, project: Project, component: str, actor: User, requirements: str = "", tool: str = "",
    owner: User | None = None, link: str = "", note: str = "",
) -> StackPart:  # fmt: skip
    """Say what a component must be able to do, which tool was chosen, who looks after it and where it is.

    `component` is a key of the catalogue. Raises `Invalid` for an unknown one, for texts that are too long
    and for a link that is not http or https; `Refused` (`no_change`, `not_member`).
    """
    project = _for_change(project, actor)
    _known(component, stack_catalogue().component_by_key, "component")
    wanted: dict[str, object] = {
        "requirements": prose(requirements, "requirements", needed=False),
        "tool": line(tool, "tool", most=200, needed=False),
        "owner_id": owner.pk if owner else None,
        "link": _link(link),
        "note": prose(note, "note", needed=False),
    }
    ensure_active(project)
    if owner is not None and not rules.can_take_part(owner, project):
        raise Refused("not_member", _("%(name)s can not take part in this project.") % {"name": owner})
    part = project.stack_parts.filter(component=component).first()
    part = part or StackPart(project=project, component=component)

    return _write(part, wanted, LifecycleAction.STACK_CHANGED, actor, component)


@transaction.atomic
def answer_canvas(*, project: Project, block: str, texts: Mapping[str, str], actor: User) -> CanvasAnswer:
    """Fill in a block of the canvas; `texts` by the keys of its questions, others become empty."""
    project = _for_change(project, actor)
    asked = _known(block, stack_catalogue().block_by_key, "block").questions
    keys = [each.key for each in asked]
    for key in texts:
        _known(key, dict.fromkeys(keys, key), key)
    said = {key: prose(texts.get(key, ""), key, needed=False) for key in keys}
    ensure_active(project)
    answer = project.canvas_answers.filter(block=block).first()
    answer = answer or CanvasAnswer(project=project, block=block)

    wanted: dict[str, object] = {"texts": {key: text for key, text in said.items() if text}}
    return _write(answer, wanted, LifecycleAction.CANVAS_CHANGED, actor, block)


@transaction.atomic
def assess_maturity(*, project: Project, scale: str, level: int, reason: str, actor: User) -> MaturityLevel:
    """Say at which level of a scale (from 0) a project stands, and why."""
    project = _for_change(project, actor)
    levels = _known(scale, stack_catalogue().scale_by_key, "scale").levels
    if not 0 <= level < len(levels):
        raise Invalid("unknown_level", _("The scale has no such level."), "level")
    reason = prose(reason, "reason")
    ensure_active(project)
    found = project.maturity_levels.filter(scale=scale).first()
    found = found or MaturityLevel(project=project, scale=scale)

    wanted: dict[str, object] = {"level": level, "reason": reason}
    return _write(found, wanted, LifecycleAction.MATURITY_ASSESSED, actor, scale)


@transaction.atomic
def mark_score_item(
    *, project: Project, item: str, value: str, reason: str, actor: User, link: str = ""
) -> ScoreMark:
    """Say how far one item of the ML Test Score is done, or leave it to the evidence, with a reason.

    A value above what the records show is possible; every page that counts it says so.
    """
    project = _for_change(project, actor)
    _known(item, stack_catalogue().item_by_key, "item")
    if value not in ScoreMark.Value.values:
        raise Invalid("unknown_value", _("There is no such value."), "value")
    wanted: dict[str, object] = {"value": value, "reason": prose(reason, "reason"), "link": _link(link)}
    ensure_active(project)
    mark = project.score_marks.filter(item=item).first() or ScoreMark(project=project, item=item)

    return _write(mark, wanted, LifecycleAction.TEST_SCORE_MARKED, actor, item)


def _for_change(project: Project, actor: User) -> Project:
    project = locked(project)
    allow(rules.can_manage_project(actor, project), _("Only a manager changes the stack."))
    return project


def _known(key: str, among: Mapping[str, T], where: str) -> T:
    if key not in among:
        raise Invalid("unknown_key", _("The catalogue has nothing of this name."), where)
    return among[key]


def _write(part: P, wanted: dict[str, object], action: Action, actor: User, which: str) -> P:
    """Set what differs, save, and record what was and what is."""
    held = {} if part._state.adding else {name: getattr(part, name) for name in wanted}
    after = {name: value for name, value in wanted.items() if value != held.get(name, _EMPTY.get(name))}
    before = {name: held[name] for name in after if name in held}
    if not after:
        raise Refused("no_change", _("Nothing would change."))

    for name, value in wanted.items():
        setattr(part, name, value)
    part.changed_by, part.changed_at = actor, timezone.now()
    part.save()
    record(action, part, actor=actor, project=part.project, key=which, **change(before, after))
    return part


def _link(text: str) -> str:
    """An address that a browser may follow: http or https with a host, else `Invalid`."""
    text = line(text, "link", most=500, needed=False)
    if not text:
        return ""
    try:
        parts = urlsplit(text)
        good = parts.scheme in _SCHEMES and bool(parts.hostname) and " " not in text
    except ValueError:
        good = False
    if not good:
        raise Invalid("bad_link", _("A link begins with http:// or https://."), "link")
    return f"{parts.scheme}{text[len(parts.scheme) :]}"
