"""The stack of a project: picture, canvas, maturity, test score; members read, managers change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_safe

from lifecycle.definitions.stack import stack_catalogue
from lifecycle.forms.stack import CanvasForm, ComponentForm, MaturityForm, ScoreForm
from lifecycle.models import Project
from lifecycle.queries.pages import people_of
from lifecycle.queries.score import ScoreView, score_of
from lifecycle.queries.stack import StackView, canvas_of, maturity_of, stack_of
from lifecycle.services import stack as services
from lifecycle.views.acting import carry_out, project_for, reader, rights_of

_editing = require_http_methods(["GET", "HEAD", "POST"])


@login_required
@require_safe
def project_stack(request: HttpRequest, slug: str) -> HttpResponse:
    """The nine components as picture and table. 6 queries."""
    user = reader(request)
    project = project_for(user, slug)
    stack = stack_of(project)
    context = {
        "project": project, "stack": stack, "manages": rights_of(user, project).manages,
        "title": _stack_title(stack), "source": _source(stack_catalogue().components.source),
    }  # fmt: skip
    return render(request, "lifecycle/stack/stack.html", context)


@login_required
@require_safe
def canvas(request: HttpRequest, slug: str) -> HttpResponse:
    """The eleven blocks of the canvas and the dilemmas. 6 queries."""
    user = reader(request)
    project = project_for(user, slug)
    blocks = canvas_of(project)
    filled = sum(bool(each.filled) for each in blocks)
    context = {
        "project": project, "blocks": blocks, "manages": rights_of(user, project).manages,
        "title": _("%(filled)d of %(all)d blocks of the canvas are filled in")
        % {"filled": filled, "all": len(blocks)},
        "source": _source(stack_catalogue().canvas.source),
    }  # fmt: skip
    return render(request, "lifecycle/stack/canvas.html", context)


@login_required
@require_safe
def maturity(request: HttpRequest, slug: str) -> HttpResponse:
    """Four scales of maturity as steps. 6 queries."""
    user = reader(request)
    project = project_for(user, slug)
    scales = maturity_of(project)
    known = sum(each.level is not None for each in scales)
    title = (
        ngettext(
            "The project stands on %d scale of maturity", "The project stands on %d scales of maturity", known
        )
        % known
        if known
        else _("Nobody has said yet how mature this is")
    )
    manages = rights_of(user, project).manages
    context = {"project": project, "scales": scales, "manages": manages, "title": title}
    return render(request, "lifecycle/stack/maturity.html", context)


@login_required
@require_safe
def test_score(request: HttpRequest, slug: str) -> HttpResponse:
    """The ML Test Score: 28 items, from evidence where evidence can tell. 14 queries."""
    user = reader(request)
    project = project_for(user, slug)
    score = score_of(project)
    manages = rights_of(user, project).manages
    context = {"project": project, "score": score, "manages": manages, "title": _score_title(score)}
    return render(request, "lifecycle/stack/test_score.html", context)


@login_required
@_editing
def component(request: HttpRequest, slug: str, key: str) -> HttpResponse:
    """Change a component of the stack. 7 queries to show."""
    user = reader(request)
    project = project_for(user, slug)
    wanted = _one(stack_catalogue().component_by_key, key)
    part = project.stack_parts.filter(component=key).first()
    names = ("requirements", "tool", "link", "note")
    start = {name: getattr(part, name) for name in names} | {"owner": part.owner_id} if part else {}
    return _edit(
        request, project, ComponentForm, initial=start, given={"people": people_of(project)},
        service=lambda said: services.change_component(project=project, component=key, actor=user, **said),
        title=wanted.name, why=wanted.asks, back=("project-stack", _("Stack")),
        done=_("The stack is changed."),
    )  # fmt: skip


@login_required
@_editing
def canvas_block(request: HttpRequest, slug: str, key: str) -> HttpResponse:
    """Fill in a block of the canvas. 6 queries to show."""
    user = reader(request)
    project = project_for(user, slug)
    block = _one(stack_catalogue().block_by_key, key)
    answer = project.canvas_answers.filter(block=key).first()
    return _edit(
        request, project, CanvasForm, initial=answer.texts if answer else {}, given={"block": block},
        service=lambda said: services.answer_canvas(project=project, block=key, texts=said, actor=user),
        title=block.name, why=block.area, back=("project-canvas", _("Canvas")),
        done=_("The canvas is changed."),
    )  # fmt: skip


@login_required
@_editing
def maturity_level(request: HttpRequest, slug: str, key: str) -> HttpResponse:
    """Say where the project stands on a scale. 6 queries to show."""
    user = reader(request)
    project = project_for(user, slug)
    scale = _one(stack_catalogue().scale_by_key, key)
    found = project.maturity_levels.filter(scale=key).first()
    start = {"level": found.level, "reason": found.reason} if found else {}
    return _edit(
        request, project, MaturityForm, initial=start, given={"scale": scale},
        service=lambda said: services.assess_maturity(project=project, scale=key, actor=user, **said),
        title=scale.name, why=_("Where does the project stand today, and how can one see it?"),
        back=("project-maturity", _("Maturity")), done=_("The level is recorded."),
    )  # fmt: skip


@login_required
@_editing
def score_item(request: HttpRequest, slug: str, key: str) -> HttpResponse:
    """Say what holds for an item of the test score. 15 queries to show."""
    user = reader(request)
    project = project_for(user, slug)
    item = _one(stack_catalogue().item_by_key, key)
    line = next(each for each in score_of(project).lines if each.item.key == key)
    mark = line.mark
    start = {"value": mark.value, "reason": mark.reason, "link": mark.link} if mark else {}
    return _edit(
        request, project, ScoreForm, initial=start, given={}, found=line.found, line=line,
        service=lambda said: services.mark_score_item(project=project, item=key, actor=user, **said),
        title=f"{item.key} {item.text}",
        why=_("What a person says counts before the evidence; the page shows both."),
        back=("project-test-score", _("Test score")), done=_("What you say is recorded."),
    )  # fmt: skip


def _edit(
    request: HttpRequest, project: Project, form_class: type[forms.Form], *, initial: dict[str, Any],
    given: dict[str, Any], service: Callable[[dict[str, Any]], Any], title: str, why: str,
    back: tuple[str, str], done: str, **more: Any,
) -> HttpResponse:  # fmt: skip
    """One page with one form, for managers; what was refused keeps what was typed."""
    manages = rights_of(reader(request), project).manages
    if not manages:
        raise PermissionDenied(_("Only a manager changes the stack."))
    home = reverse(f"lifecycle:{back[0]}", args=[project.slug])
    form = form_class(request.POST or None, initial=initial, **given)

    def page() -> HttpResponse:
        context = {
            "project": project,
            "form": form,
            "title": title,
            "why": why,
            "home": home,
            "home_name": back[1],
        }
        return render(request, "lifecycle/stack/edit.html", context | more)

    if request.method != "POST":
        return page()
    return carry_out(request, form, service, done=done, to=home, again=page, may=manages)


def _one(among: dict[str, Any], key: str) -> Any:
    if key not in among:
        raise Http404
    return among[key]


def _source(key: str) -> Any:
    return stack_catalogue().source(key)


def _stack_title(stack: StackView) -> str:
    if not stack.chosen:
        return _("No tool is chosen yet")
    if stack.chosen == len(stack.lines):
        return _("Every component has its tool")
    return _("%(chosen)d of %(all)d components have their tool") % {
        "chosen": stack.chosen, "all": len(stack.lines)
    }  # fmt: skip


def _score_title(score: ScoreView) -> str:
    weakest = ", ".join(section.name for section in score.weakest)
    return _("%(score)g of 7, held down by: %(names)s") % {"score": score.score, "names": weakest}
