"""The tasks of a project by phase, and what moves phases and iterations on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from django import forms
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST, require_safe

from lifecycle.forms.fields import PlainForm, ReasonForm
from lifecycle.forms.work import IterationForm
from lifecycle.models import PHASE_STATES, Iteration, Phase, Project, Task, User
from lifecycle.queries.iterations import iterations_of
from lifecycle.queries.pages_tasks import SORTS, TaskList, task_list
from lifecycle.services import iterations, phases
from lifecycle.sorting import Sorting
from lifecycle.views.acting import Offers, Rights, Tried, carry_out, project_for, reader, rights_of


class Step(NamedTuple):
    """What can be done with a phase or an iteration. `event` is the step of its state machine."""

    verb: Any
    form: type[forms.Form]
    call: Callable[..., object]
    done: Any
    event: str
    hint: Any = ""
    by: str = "manages"
    main: bool = False


PHASE_STEPS: dict[str, Step] = {
    "start": Step(
        gettext_lazy("Start the phase"), PlainForm, phases.start_phase, gettext_lazy("The phase has begun."),
        "start", gettext_lazy("Its tasks are dated from today."), main=True,
    ),
    "agree": Step(
        gettext_lazy("Agree the requirements"), PlainForm, phases.agree_requirements,
        gettext_lazy("The requirements are agreed; tasks may begin."), "agree_requirements",
        gettext_lazy("Their limits are then fixed before the first run."), main=True,
    ),
    "review": Step(
        gettext_lazy("Ask for the review"), PlainForm, phases.request_review,
        gettext_lazy("The phase is in review."), "request_review",
        gettext_lazy("Every mandatory task has to be verified."), by="works", main=True,
    ),
    "resume": Step(
        gettext_lazy("Go on"), PlainForm, phases.resume_phase, gettext_lazy("The phase goes on."), "resume",
        main=True,
    ),
    "conditions": Step(
        gettext_lazy("Close the conditions"), PlainForm, phases.close_conditions,
        gettext_lazy("The phase has passed."), "close_conditions", by="judges", main=True,
    ),
    "hold": Step(
        gettext_lazy("Put on hold"), ReasonForm,
        lambda **given: phases.decide_phase(outcome="hold", **given), gettext_lazy("The phase is on hold."),
        "hold", by="judges",
    ),
    "reopen": Step(
        gettext_lazy("Open the phase again"), ReasonForm, phases.reopen_phase,
        gettext_lazy("The phase is open again."), "reopen",
        gettext_lazy("The evidence of this and of later phases expires."),
    ),
}  # fmt: skip

ITERATION_STEPS: dict[str, Step] = {
    "complete": Step(
        gettext_lazy("Complete the iteration"), PlainForm, iterations.complete_iteration,
        gettext_lazy("The iteration is completed."), "complete",
    ),
    "stop": Step(
        gettext_lazy("Stop the iteration"), ReasonForm, iterations.stop_iteration,
        gettext_lazy("The iteration is stopped."), "stop",
        gettext_lazy("Its running phases stop, its open handoffs are cancelled."),
    ),
}  # fmt: skip


@login_required
@require_safe
def project_tasks(request: HttpRequest, slug: str) -> HttpResponse:
    """Phases and tasks of one iteration. 11 queries."""
    user = reader(request)
    return _page(request, user, project_for(user, slug))


@login_required
@require_POST
def open_iteration(request: HttpRequest, slug: str) -> HttpResponse:
    """Begin the next iteration."""
    user = reader(request)
    project = project_for(user, slug)
    form = IterationForm(request.POST, auto_id="id_open_%s", phases=_phases_of(project))
    return carry_out(
        request, form, lambda given: iterations.open_iteration(project=project, actor=user, **given),
        done=_("The iteration is open."), to=_address(project), may=rights_of(user, project).manages,
        again=lambda: _page(request, user, project, Tried("open", form)),
    )  # fmt: skip


@login_required
@require_POST
def move_iteration(request: HttpRequest, slug: str, number: int, act: str) -> HttpResponse:
    """Complete or stop an iteration."""
    user = reader(request)
    project = project_for(user, slug)
    iteration = get_object_or_404(project.iterations, number=number)
    step = _step(ITERATION_STEPS, act)
    form = step.form(request.POST, auto_id=f"id_{act}_%s")
    return carry_out(
        request, form, lambda given: step.call(iteration=iteration, actor=user, **given),
        done=str(step.done), to=_address(project, number), may=rights_of(user, project).manages,
        again=lambda: _page(request, user, project, Tried(act, form), iteration=iteration),
    )  # fmt: skip


@login_required
@require_POST
def move_phase(request: HttpRequest, slug: str, number: int, key: str, act: str) -> HttpResponse:
    """Take one step with a phase."""
    user = reader(request)
    project = project_for(user, slug)
    iteration = get_object_or_404(project.iterations, number=number)
    phase = get_object_or_404(iteration.phases, key=key)
    step, name = _step(PHASE_STEPS, act), f"{act}-{key}"
    form = step.form(request.POST, auto_id=f"id_{name}_%s")
    return carry_out(
        request, form, lambda given: step.call(phase=phase, actor=user, **given),
        done=str(step.done), to=_address(project, number), may=getattr(rights_of(user, project), step.by),
        again=lambda: _page(request, user, project, Tried(name, form), iteration=iteration),
    )  # fmt: skip


def _step(steps: dict[str, Step], act: str) -> Step:
    if act not in steps:
        raise Http404
    return steps[act]


def _address(project: Project, number: int | None = None) -> str:
    address = reverse("lifecycle:project-tasks", args=[project.slug])
    return f"{address}?iteration={number}" if number else address


def _phases_of(project: Project) -> list[tuple[str, str]]:
    return [(part["key"], part["name"]) for part in project.process_version.document["phases"]]


def _page(
    request: HttpRequest,
    user: User,
    project: Project,
    tried: Tried | None = None,
    iteration: Iteration | None = None,
) -> HttpResponse:
    found = list(iterations_of(project))
    rights, offers = rights_of(user, project), Offers(tried)
    shown = iteration or _chosen(found, request.GET.get("iteration", ""))
    picked = {name: request.GET.get(name, "")[:40] for name in ("phase", "owner", "state")}
    sorting = Sorting(request.GET, SORTS)
    tasks = task_list(shown, **picked, sorting=sorting) if shown else None
    context = {
        "project": project,
        "iteration": shown,
        "iterations": found,
        "tasks": tasks,
        "sorting": sorting,
        "title": _title(tasks),
        "picked": picked,
        "filtered": any(picked.values()),
        "states": [("open", _("Not done")), ("late", _("Late")), *Task.State.choices],
        "phase_offers": _phase_offers(offers, rights, tasks),
        "iteration_offers": _iteration_offers(offers, rights, shown),
        "open_offer": _open_offer(offers, rights, project, found),
        "offers": offers,
    }
    return render(request, "lifecycle/tasks.html", context)


def _chosen(found: list[Iteration], number: str) -> Iteration | None:
    if number:
        wanted = [each for each in found if str(each.number) == number]
        if not wanted:
            raise Http404
        return wanted[0]
    return found[0] if found else None


def _title(tasks: TaskList | None) -> str:
    if tasks is None:
        return _("No iteration has begun yet")
    work = tasks.work
    if not work.total:
        return _("No tasks yet")
    if work.done == work.total:
        return ngettext("The task is verified", "All %(n)d tasks are verified", work.total) % {
            "n": work.total
        }
    said = _("%(done)d of %(total)d tasks are verified") % {"done": work.done, "total": work.total}
    late = len(work.overdue)
    if not late:
        return said
    return said + ", " + ngettext("%d is late", "%d are late", late) % late


def _phase_offers(offers: Offers, rights: Rights, tasks: TaskList | None) -> dict[int, list[object]]:
    if tasks is None or tasks.work.iteration.state != Iteration.State.OPEN:
        return {}
    return {part.phase.pk: _of_phase(offers, rights, tasks, part.phase) for part in tasks.phases}


def _of_phase(offers: Offers, rights: Rights, tasks: TaskList, phase: Phase) -> list[object]:
    order = [part.phase for part in tasks.work.phases]
    before = order[order.index(phase) - 1] if order.index(phase) else None
    iteration, made = tasks.work.iteration, list[object]()
    for act, step in PHASE_STEPS.items():
        if not getattr(rights, step.by) or not PHASE_STATES.can(phase.state, step.event):
            continue
        if (
            act == "start"
            and before
            and before.state not in ("passed", "passed_with_conditions", "inherited")
        ):
            continue
        if act == "hold" and phase.state == Phase.State.NOT_STARTED:
            continue
        url = reverse("lifecycle:phase-act", args=[iteration.project.slug, iteration.number, phase.key, act])
        made.append(
            offers.add(
                f"{act}-{phase.key}",
                url,
                str(step.verb),
                step.form,
                hint=str(step.hint),
                folded=not step.main,
            )
        )
    return made


def _iteration_offers(offers: Offers, rights: Rights, iteration: Iteration | None) -> list[object]:
    if iteration is None or iteration.state != Iteration.State.OPEN or not rights.manages:
        return []
    slug = iteration.project.slug
    return [
        offers.add(
            act, reverse("lifecycle:iteration-act", args=[slug, iteration.number, act]), str(step.verb),
            step.form, hint=str(step.hint), folded=True,
        )
        for act, step in ITERATION_STEPS.items()
    ]  # fmt: skip


def _open_offer(offers: Offers, rights: Rights, project: Project, found: list[Iteration]) -> object:
    if not rights.manages or any(each.state == Iteration.State.OPEN for each in found):
        return None
    return offers.add(
        "open", reverse("lifecycle:iteration-open", args=[project.slug]), _("Open an iteration"),
        IterationForm, main=True, phases=_phases_of(project),
    )  # fmt: skip
