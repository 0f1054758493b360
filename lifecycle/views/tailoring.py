"""What a project does differently from its process, and its move to another version of it."""

from __future__ import annotations

from collections.abc import Callable

from django import forms
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from lifecycle.forms.fields import PlainForm, ReasonForm
from lifecycle.forms.tailoring import ExclusionForm, ExtraRiskForm, ExtraTaskForm, MoveForm
from lifecycle.models import Exclusion, ProcessVersion, Project, User
from lifecycle.queries.process_pages import change_groups, versions
from lifecycle.queries.tailoring import Tailoring, tailoring_of
from lifecycle.services import moving, risks, tailoring
from lifecycle.views.acting import Offers, Rights, Tried, carry_out, project_for, reader, rights_of

_DONE = {
    "add-task": gettext_lazy("The task is added."),
    "add-risk": gettext_lazy("The risk is added."),
    "exclude": gettext_lazy("Your request waits for a second person."),
    "approve": gettext_lazy("The task does not apply."),
    "decline": gettext_lazy("The task applies."), "withdraw": gettext_lazy("The request is withdrawn."),
}  # fmt: skip


@login_required
@require_safe
def project_tailoring(request: HttpRequest, slug: str) -> HttpResponse:
    """Extra tasks and risks, and tasks that do not apply. 9 queries."""
    user = reader(request)
    return _page(request, user, project_for(user, slug))


@login_required
@require_POST
def tailor(request: HttpRequest, slug: str, act: str) -> HttpResponse:
    """Add a task or a risk, or ask that a task does not apply."""
    user = reader(request)
    project = project_for(user, slug)
    found, rights = tailoring_of(project), rights_of(user, project)
    auto_id = f"id_{act}_%s"
    form: forms.Form
    call: Callable[..., object]
    if act == "add-task":
        form = ExtraTaskForm(request.POST, auto_id=auto_id, phases=found.phases, roles=_roles(found))
        call, may = tailoring.add_task, rights.manages
    elif act == "add-risk":
        form = ExtraRiskForm(request.POST, auto_id=auto_id, tasks=found.open_tasks)
        call, may = risks.add_risk, rights.works
    elif act == "exclude":
        form = ExclusionForm(request.POST, auto_id=auto_id, tasks=found.excludable)
        call, may = tailoring.request_exclusion, rights.works
    else:
        raise Http404
    return carry_out(
        request, form, lambda given: call(actor=user, **given), done=str(_DONE[act]), to=_address(project),
        may=may, again=lambda: _page(request, user, project, Tried(act, form)),
    )  # fmt: skip


@login_required
@require_POST
def decide(request: HttpRequest, slug: str, pk: int, act: str) -> HttpResponse:
    """Approve, decline or withdraw a request that a task does not apply."""
    user = reader(request)
    project = project_for(user, slug)
    asked = Exclusion.objects.filter(task__phase__iteration__project=project).select_related("task")
    exclusion = get_object_or_404(asked, pk=pk)
    rights, name = rights_of(user, project), f"{act}-{pk}"
    calls: dict[str, tuple[type[forms.Form], Callable[..., object], bool]] = {
        "approve": (PlainForm, tailoring.approve_exclusion, rights.judges),
        "decline": (ReasonForm, tailoring.decline_exclusion, rights.judges),
        "withdraw": (PlainForm, tailoring.withdraw_exclusion, rights.works),
    }
    if act not in calls:
        raise Http404
    kind, call, may = calls[act]
    form = kind(request.POST, auto_id=f"id_{name}_%s")
    return carry_out(
        request, form, lambda given: call(exclusion=exclusion, actor=user, **given), done=str(_DONE[act]),
        to=_address(project), may=may, again=lambda: _page(request, user, project, Tried(name, form)),
    )  # fmt: skip


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def project_move(request: HttpRequest, slug: str) -> HttpResponse:
    """Choose another version, see what the move would change, then move."""
    user = reader(request)
    project = project_for(user, slug)
    rights, published = rights_of(user, project), ProcessVersion.State.PUBLISHED
    found = [each for each in versions() if each.state == published and each.pk != project.process_version_id]
    version = _chosen(found, request.POST.get("to") or request.GET.get("to", ""))
    if request.method != "POST":
        form = MoveForm(initial={"seen": project.process_version_id})
        return _move_page(request, project, rights, found, version, form)
    form = MoveForm(request.POST)
    if version is None:
        form.add_error(None, _("Choose the version to move to."))
    return carry_out(
        request, form,
        lambda given: moving.move_project(project=project, version=version or _none(), actor=user, **given),
        done=_("The next iteration follows %(version)s.") % {"version": version}, to=_address(project),
        may=rights.manages, again=lambda: _move_page(request, project, rights, found, version, form),
    )  # fmt: skip


def _none() -> ProcessVersion:
    raise Http404


def _chosen(found: list[ProcessVersion], pk: str) -> ProcessVersion | None:
    return next((each for each in found if str(each.pk) == pk), None)


def _address(project: Project) -> str:
    return reverse("lifecycle:project-tailoring", args=[project.slug])


def _roles(found: Tailoring) -> list[tuple[str, str]]:
    parts = found.iteration.process_version.document["roles"] if found.iteration else []
    return [(part["code"], part["name"]) for part in parts]


def _move_page(
    request: HttpRequest, project: Project, rights: Rights, found: list[ProcessVersion],
    version: ProcessVersion | None, form: MoveForm,
) -> HttpResponse:  # fmt: skip
    plan = moving.plan_move(project, version) if version else None
    context = {
        "project": project, "versions": found, "version": version, "plan": plan, "form": form,
        "groups": change_groups(plan.changes) if plan else [], "may": rights.manages,
    }  # fmt: skip
    return render(request, "lifecycle/tailoring/move.html", context)


def _page(request: HttpRequest, user: User, project: Project, tried: Tried | None = None) -> HttpResponse:
    found, rights, offers = tailoring_of(project), rights_of(user, project), Offers(tried)
    context: dict[str, object] = {
        "project": project, "iteration": found.iteration, "found": found, "may_move": rights.manages,
        "add_task": None, "add_risk": None, "exclude": None,
        "waiting": [(each, _decisions(offers, rights, user, project, each)) for each in found.waiting],
        "offers": offers,
    }  # fmt: skip
    if found.iteration:
        context |= _additions(offers, rights, project, found)
    return render(request, "lifecycle/tailoring/tailoring.html", context)


def _additions(offers: Offers, rights: Rights, project: Project, found: Tailoring) -> dict[str, object]:
    made: dict[str, object] = {}
    if rights.manages and found.phases:
        made["add_task"] = offers.add(
            "add-task", _act(project, "add-task"), _("Add a task"), ExtraTaskForm, folded=True,
            phases=found.phases, roles=_roles(found),
        )  # fmt: skip
    if rights.works:
        made["add_risk"] = offers.add(
            "add-risk", _act(project, "add-risk"), _("Add a risk"), ExtraRiskForm, folded=True,
            tasks=found.open_tasks,
        )  # fmt: skip
    if rights.works and found.excludable:
        made["exclude"] = offers.add(
            "exclude", _act(project, "exclude"), _("Ask that a task does not apply"), ExclusionForm,
            folded=True, tasks=found.excludable,
            hint=_("A second person approves. Until then the task stays as it is."),
        )  # fmt: skip
    return made


def _decisions(
    offers: Offers, rights: Rights, user: User, project: Project, exclusion: Exclusion
) -> list[object]:
    def offer(act: str, verb: str, *, main: bool = False) -> object:
        url = reverse("lifecycle:tailoring-decide", args=[project.slug, exclusion.pk, act])
        form = ReasonForm if act == "decline" else PlainForm
        return offers.add(f"{act}-{exclusion.pk}", url, verb, form, main=main, folded=act == "decline")

    mine = exclusion.requested_by_id == user.pk
    if rights.judges and not mine:
        return [offer("approve", _("Approve"), main=True), offer("decline", _("Decline"))]
    return [offer("withdraw", _("Withdraw"))] if mine and rights.works else []


def _act(project: Project, act: str) -> str:
    return reverse("lifecycle:tailoring-act", args=[project.slug, act])
