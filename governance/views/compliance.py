"""Compliance: projects by frameworks, one project, one framework, one control, one record."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from governance.compliance.documents import ControlDocument
from governance.compliance.statuses import Status
from governance.forms.compliance import AssureForm, UseForm
from governance.forms.control_tasks import OpenTaskForm
from governance.forms.gates import ReasonForm
from governance.models import Assurance, ControlExclusion, ControlTask, Framework, FrameworkUse
from governance.queries.compliance import classification_of, document_of, uses_in_force
from governance.queries.control_tasks import is_gap, places_for, tasks_of_control, words_for
from governance.queries.pages_compliance import (
    ControlPage,
    control_page,
    controls_served,
    coverage_in,
    framework_page,
    matrix_for,
)
from governance.rules.gates import may_judge, may_manage
from governance.services.assurances import assure_control, end_assurance, exclude_control, include_control
from governance.services.compliance import look_at
from governance.services.frameworks import begin_use, end_use
from governance.views.access import allow, project_for, reader
from governance.views.refusals import carried_out
from lifecycle.forms.fields import PlainForm
from lifecycle.models import Project, User
from lifecycle.queries.iterations import current_iteration
from lifecycle.queries.projects import members_of, projects_visible_to
from lifecycle.rules.projects import takes_part


@login_required
@require_safe
def matrix(request: HttpRequest) -> HttpResponse:
    """Projects by frameworks: how much of each is met, what is broken, 25 a page. 8 queries."""
    search = request.GET.get("q", "").replace("\0", "")[:100]
    found = matrix_for(reader(request), search=search, page=request.GET.get("page"))
    context = {"matrix": found, "search": search}
    return render(request, "governance/compliance/matrix.html", context)


@login_required
@require_safe
def project_compliance(request: HttpRequest, slug: str) -> HttpResponse:
    """The frameworks of one project. 10 queries."""
    user = reader(request)
    return _project_page(request, project_for(user, slug), user)


@login_required
@require_POST
def look(request: HttpRequest, slug: str) -> HttpResponse:
    """Look at the records of a project now."""
    user = reader(request)
    home = project_for(user, slug)
    allow(may_judge(user, home))
    changed = len(look_at(project=home))
    messages.success(request, _("Looked at everything: %(n)d controls stand elsewhere.") % {"n": changed})
    return redirect("governance:project-compliance", slug)


@login_required
@require_POST
def use_begin(request: HttpRequest, slug: str) -> HttpResponse:
    """Measure the project by a framework from now on."""
    user = reader(request)
    home = project_for(user, slug)
    allow(may_manage(user, home))
    form = UseForm(request.POST, offered=_offered(home))
    if carried_out(form, lambda: begin_use(project=home, actor=user, **form.cleaned_data)):
        look_at(project=home)
        messages.success(request, _("The project is measured by it from now on."))
        return redirect("governance:project-compliance", slug)
    return _project_page(request, home, user, refused=form)


@login_required
@require_POST
def use_end(request: HttpRequest, slug: str, key: str) -> HttpResponse:
    """Measure the project by a framework no longer."""
    user = reader(request)
    home = project_for(user, slug)
    use = use_of(home, key)
    allow(may_manage(user, home))
    form = ReasonForm(request.POST, prefix="end")
    if carried_out(form, lambda: end_use(use=use, actor=user, **form.cleaned_data)):
        messages.success(request, _("Ended. What it came to stays on record."))
        return redirect("governance:project-compliance", slug)
    return _framework_page(request, use, user, refused=form)


@login_required
@require_safe
def framework(request: HttpRequest, slug: str, key: str) -> HttpResponse:
    """The controls of one framework in one project. 11 queries."""
    user = reader(request)
    return _framework_page(request, use_of(project_for(user, slug), key), user)


@login_required
@require_safe
def control(request: HttpRequest, slug: str, key: str, control_id: str) -> HttpResponse:
    """One control: its checks with the records behind them, what people said, what it was. 16 queries."""
    user = reader(request)
    use = use_of(project_for(user, slug), key)
    return show_control(request, use, control_of(use, control_id), user)


@login_required
@require_POST
def control_assure(request: HttpRequest, slug: str, key: str, control_id: str) -> HttpResponse:
    """Sign that a control is met where no record can tell."""
    user = reader(request)
    use = use_of(project_for(user, slug), key)
    allow(may_judge(user, use.project))
    found, form = control_of(use, control_id), AssureForm(request.POST)
    if carried_out(form, lambda: assure_control(use=use, control=found.id, actor=user, **form.cleaned_data)):
        look_at(project=use.project)
        messages.success(request, _("Signed."))
        return redirect("governance:control", slug, key, control_id)
    return show_control(request, use, found, user, refused=("assure", form))


@login_required
@require_POST
def control_exclude(request: HttpRequest, slug: str, key: str, control_id: str) -> HttpResponse:
    """Say that a control has no bearing on the project."""
    user = reader(request)
    use = use_of(project_for(user, slug), key)
    allow(may_manage(user, use.project))
    found, form = control_of(use, control_id), ReasonForm(request.POST, prefix="exclude")
    if carried_out(form, lambda: exclude_control(use=use, control=found.id, actor=user, **form.cleaned_data)):
        look_at(project=use.project)
        messages.success(request, _("It has no bearing here, as you say."))
        return redirect("governance:control", slug, key, control_id)
    return show_control(request, use, found, user, refused=("exclude", form))


@login_required
@require_POST
def exclusion_end(request: HttpRequest, pk: int) -> HttpResponse:
    """Take back that a control has no bearing."""
    user = reader(request)
    visible = ControlExclusion.objects.filter(project__in=projects_visible_to(user).values("pk"))
    exclusion = get_object_or_404(visible.select_related("project"), pk=pk)
    form = PlainForm(request.POST)
    if carried_out(form, lambda: include_control(exclusion=exclusion, actor=user)):
        look_at(project=exclusion.project)
        messages.success(request, _("It counts again."))
        return redirect(
            "governance:control", exclusion.project.slug, exclusion.framework_key, exclusion.control
        )
    use = use_of(exclusion.project, exclusion.framework_key)
    return show_control(request, use, control_of(use, exclusion.control), user, refused=("plain", form))


@login_required
@require_POST
def assurance_end(request: HttpRequest, pk: int) -> HttpResponse:
    """Take an assurance back."""
    user = reader(request)
    visible = Assurance.objects.filter(project__in=projects_visible_to(user).values("pk"))
    assurance = get_object_or_404(visible.select_related("project"), pk=pk)
    allow(may_judge(user, assurance.project))
    form = ReasonForm(request.POST, prefix="end")
    if carried_out(form, lambda: end_assurance(assurance=assurance, actor=user, **form.cleaned_data)):
        look_at(project=assurance.project)
        messages.success(request, _("Taken back."))
        return redirect(
            "governance:control", assurance.project.slug, assurance.framework_key, assurance.control
        )
    use = use_of(assurance.project, assurance.framework_key)
    return show_control(request, use, control_of(use, assurance.control), user, refused=("end", form))


@login_required
@require_safe
def record(request: HttpRequest, kind: str, pk: int) -> HttpResponse:
    """All controls that one record serves. 6 queries."""
    served = controls_served(reader(request), kind, pk)
    if not served:
        raise Http404
    context = {"served": served, "kind": kind, "pk": pk, "project": served[0].use.project}
    return render(request, "governance/compliance/record.html", context)


def use_of(home: Project, key: str) -> FrameworkUse:
    """The use of a framework in a project, 404 if it is not measured by it now."""
    return get_object_or_404(uses_in_force(home).select_related("project"), framework__key=key)


def control_of(use: FrameworkUse, control_id: str) -> ControlDocument:
    """The control of the framework with this id, else 404."""
    found = document_of(use.framework).control(control_id)
    if found is None:
        raise Http404
    return found


def workers(home: Project) -> list[User]:
    """Who can take a task in the project. 1 query."""
    return [place.user for place in members_of(home) if takes_part(place.user, place.role)]


def _offered(home: Project) -> QuerySet[Framework]:
    used = home.framework_uses.filter(ended_at__isnull=True).values("framework")
    return Framework.objects.filter(current=True).exclude(pk__in=used).order_by("title")


def _project_page(
    request: HttpRequest, home: Project, user: User, *, refused: UseForm | None = None
) -> HttpResponse:
    manages = may_manage(user, home)
    context = {
        "project": home,
        "iteration": current_iteration(home),
        "coverage": coverage_in(home),
        "classification": classification_of(home),
        "look": getattr(home, "compliance_look", None),
        "may_look": may_judge(user, home),
        "may_manage": manages,
        "use_form": refused or (UseForm(offered=_offered(home)) if manages else None),
    }
    return render(request, "governance/compliance/project.html", context, status=422 if refused else 200)


def _framework_page(
    request: HttpRequest, use: FrameworkUse, user: User, *, refused: ReasonForm | None = None
) -> HttpResponse:
    status = request.GET.get("status", "")
    chosen = status if status in Status.values else ""
    manages = may_manage(user, use.project)
    context = {
        "project": use.project,
        "iteration": current_iteration(use.project),
        "page": framework_page(use, status=chosen),
        "chosen": chosen,
        "manages": manages,
        "end_form": (refused or ReasonForm(prefix="end")) if manages else None,
    }
    return render(request, "governance/compliance/framework.html", context, status=422 if refused else 200)


def show_control(
    request: HttpRequest,
    use: FrameworkUse,
    found: ControlDocument,
    user: User,
    *,
    refused: tuple[str, object] | None = None,
) -> HttpResponse:
    """The page of a control; `refused` is the name of a form that was sent, and the form."""
    given: dict[str, object] = dict([refused]) if refused else {}
    home, page = use.project, control_page(use, found)
    judges, manages = may_judge(user, home), may_manage(user, home)
    context = {
        "project": home,
        "iteration": current_iteration(home),
        "page": page,
        "judges": judges,
        "refused_form": given.get("close") or given.get("plain"),
        "assure_form": given.get("assure") or (AssureForm() if judges else None),
        "exclude_form": given.get("exclude") or (ReasonForm(prefix="exclude") if manages else None),
        "end_form": given.get("end") or (ReasonForm(prefix="end") if judges else None),
        **_gap(page, user, given, manages=manages),
    }
    return render(request, "governance/compliance/control.html", context, status=422 if refused else 200)


def _gap(page: ControlPage, user: User, given: dict[str, object], *, manages: bool) -> dict[str, object]:
    """The task of the gap, those before it, and what the reader may do about it. 1 query, 3 for managers."""
    listed = tasks_of_control(page.use, page.control.id)
    first = next((each for each in listed if each.state == ControlTask.State.OPEN), None)
    told: dict[str, object] = {"gap_task": first, "past_tasks": [each for each in listed if each != first]}
    if first is not None:
        owns = first.task.owner_id == user.pk
        return told | {
            "gap_words": words_for(first, page.status),
            "may_close": not is_gap(page.status) and (owns or manages),
            "drop_form": given.get("drop") or (ReasonForm(prefix="drop") if manages else None),
        }
    if not manages or not page.is_gap:
        return told
    home = page.use.project
    places = places_for(home, page.control)
    if not (places.usual or places.others or places.phases):
        return told | {"no_place": True}
    form = given.get("task") or OpenTaskForm(people=workers(home), places=places)
    return told | {"task_form": form}
