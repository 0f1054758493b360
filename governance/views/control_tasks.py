"""Tasks for gaps: opened from a control, closed when it is met, dropped with a reason."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from governance.forms.control_tasks import OpenTaskForm
from governance.forms.gates import ReasonForm
from governance.models import ControlTask
from governance.queries.control_tasks import control_tasks_visible_to, places_for
from governance.rules.gates import may_manage
from governance.services.control_tasks import close_control_task, drop_control_task, open_control_task
from governance.views.access import allow, project_for, reader
from governance.views.compliance import control_of, show_control, use_of, workers
from governance.views.refusals import carried_out
from lifecycle.forms.fields import PlainForm
from lifecycle.models import User


@login_required
@require_POST
def task_open(request: HttpRequest, slug: str, key: str, control_id: str) -> HttpResponse:
    """Have the gap of a control closed by somebody until a day."""
    user = reader(request)
    use = use_of(project_for(user, slug), key)
    allow(may_manage(user, use.project))
    found = control_of(use, control_id)
    places = places_for(use.project, found)
    form = OpenTaskForm(request.POST, people=workers(use.project), places=places)

    def act() -> object:
        return open_control_task(use=use, control=found.id, actor=user, **form.cleaned_data)

    if carried_out(form, act):
        messages.success(request, _("The task is open, and in its owner's inbox."))
        return redirect("governance:control", slug, key, control_id)
    return show_control(request, use, found, user, refused=("task", form))


@login_required
@require_POST
def task_act(request: HttpRequest, pk: int, act: str) -> HttpResponse:
    """Close or drop it."""
    user = reader(request)
    found = get_object_or_404(control_tasks_visible_to(user), pk=pk)
    if act == "close":
        return _close(request, found, user)
    if act != "drop":
        raise Http404
    allow(may_manage(user, found.project))
    form = ReasonForm(request.POST, prefix="drop")
    if carried_out(form, lambda: drop_control_task(control_task=found, actor=user, **form.cleaned_data)):
        messages.success(request, _("The task is there for this control no longer."))
        return _back(found)
    return _again(request, found, user, ("drop", form))


def _close(request: HttpRequest, found: ControlTask, user: User) -> HttpResponse:
    form = PlainForm(request.POST)
    if carried_out(form, lambda: close_control_task(control_task=found, actor=user)):
        messages.success(request, _("Closed."))
        return _back(found)
    return _again(request, found, user, ("close", form))


def _again(request: HttpRequest, found: ControlTask, user: User, refused: tuple[str, object]) -> HttpResponse:
    use = use_of(found.project, found.framework_key)
    return show_control(request, use, control_of(use, found.control), user, refused=refused)


def _back(found: ControlTask) -> HttpResponse:
    """To the control; to the project's compliance where the framework is out of use."""
    slug = found.project.slug
    used = found.project.framework_uses.filter(ended_at__isnull=True, framework__key=found.framework_key)
    if used.exists():
        return redirect("governance:control", slug, found.framework_key, found.control)
    return redirect("governance:project-compliance", slug)
