"""A new project, and who belongs to one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from lifecycle.forms.fields import PlainForm
from lifecycle.forms.projects import MemberForm, ProjectForm, RolesForm
from lifecycle.models import Membership, Project, User
from lifecycle.queries.iterations import current_iteration
from lifecycle.queries.pages_projects import everybody_else, published_versions
from lifecycle.queries.projects import members_of
from lifecycle.rules import can_create_projects
from lifecycle.services import projects as services
from lifecycle.sorting import Sorting
from lifecycle.views.acting import Offer, Offers, Tried, carry_out, project_for, reader, rights_of


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def project_new(request: HttpRequest) -> HttpResponse:
    """Begin a project; whoever does is its manager. 3 queries."""
    user = reader(request)
    if not can_create_projects(user):
        raise PermissionDenied(_("You may not create projects."))
    versions = published_versions()
    if request.method != "POST":
        return _new_page(request, ProjectForm(versions=versions))
    form = ProjectForm(request.POST, versions=versions)
    return carry_out(
        request, form, lambda given: services.create_project(actor=user, **given),
        done=_("The project is created. Add its people, then open the first iteration."),
        to=lambda made: reverse("lifecycle:project-people", args=[made.slug]),
        again=lambda: _new_page(request, form),
    )  # fmt: skip


def _new_page(request: HttpRequest, form: ProjectForm) -> HttpResponse:
    return render(request, "lifecycle/project_new.html", {"form": form})


@login_required
@require_safe
def project_people(request: HttpRequest, slug: str) -> HttpResponse:
    """Who belongs to a project and as what. 7 queries."""
    user = reader(request)
    return _page(request, user, project_for(user, slug))


@login_required
@require_POST
def add_member(request: HttpRequest, slug: str) -> HttpResponse:
    """Let a person into the project."""
    user = reader(request)
    project = project_for(user, slug)
    form = MemberForm(
        request.POST, auto_id="id_add_%s", people=everybody_else(project), roles=roles_of(project)
    )
    return carry_out(
        request, form, lambda given: services.add_member(project=project, actor=user, **given),
        done=_("The person belongs to the project now."), to=_address(project),
        may=rights_of(user, project).manages, again=lambda: _page(request, user, project, Tried("add", form)),
    )  # fmt: skip


@login_required
@require_POST
def change_member(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Give a member other roles."""
    user = reader(request)
    project = project_for(user, slug)
    member = _member(project, pk)
    form = RolesForm(request.POST, auto_id=f"id_change-{pk}_%s", roles=roles_of(project))
    return carry_out(
        request, form,
        lambda given: services.change_member(project=project, user=member.user, actor=user, **given),
        done=_("The roles are changed."), to=_address(project), may=rights_of(user, project).manages,
        again=lambda: _page(request, user, project, Tried(f"change-{pk}", form)),
    )  # fmt: skip


@login_required
@require_POST
def remove_member(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """End a membership."""
    user = reader(request)
    project = project_for(user, slug)
    member, form = _member(project, pk), PlainForm(request.POST)
    return carry_out(
        request, form,
        lambda _given: services.remove_member(project=project, user=member.user, actor=user),
        done=_("The membership has ended."), to=_address(project), may=rights_of(user, project).manages,
        again=lambda: _page(request, user, project, Tried(f"remove-{pk}", form)),
    )  # fmt: skip


def roles_of(project: Project) -> list[tuple[str, str]]:
    """The roles of the project's process, code and name."""
    parts = project.process_version.document.get("roles", [])
    return [(part["code"], f"{part['code']} {part['name']}") for part in parts]


SORTS: Mapping[str, Callable[[Membership], Any]] = {
    "person": lambda member: member.user.name,
    "role": lambda member: str(member.get_role_display()),
    "process": lambda member: tuple(member.crisp_roles) or None,
    "since": lambda member: member.joined_at,
}


def _member(project: Project, pk: int) -> Membership:
    return get_object_or_404(project.memberships.select_related("user"), pk=pk, left_at__isnull=True)


def _address(project: Project) -> str:
    return reverse("lifecycle:project-people", args=[project.slug])


def _page(request: HttpRequest, user: User, project: Project, tried: Tried | None = None) -> HttpResponse:
    rights, offers = rights_of(user, project), Offers(tried)
    members = list(members_of(project, former=True))
    sorting = Sorting(request.GET, SORTS)
    present = sorting.rows(each for each in members if each.left_at is None)
    roles = roles_of(project)
    add_offer = None
    if rights.manages:
        add_offer = offers.add(
            "add", reverse("lifecycle:member-add", args=[project.slug]), _("Add to the project"), MemberForm,
            main=True, people=everybody_else(project), roles=roles,
        )  # fmt: skip
    context = {
        "project": project,
        "iteration": current_iteration(project),
        "sorting": sorting,
        "rows": [
            (each, _row_offers(offers, project, each, roles) if rights.manages else []) for each in present
        ],
        "former": [each for each in members if each.left_at is not None],
        "title": ngettext("%d person works here", "%d people work here", len(present)) % len(present),
        "add_offer": add_offer,
        "offers": offers,
    }
    return render(request, "lifecycle/people.html", context)


def _row_offers(
    offers: Offers, project: Project, member: Membership, roles: list[tuple[str, str]]
) -> list[Offer]:
    start: dict[str, Any] = {"role": member.role, "crisp_roles": member.crisp_roles}
    return [
        offers.add(
            f"change-{member.pk}", reverse("lifecycle:member-change", args=[project.slug, member.pk]),
            _("Change roles"), RolesForm, folded=True, initial=start, roles=roles,
        ),
        offers.add(
            f"remove-{member.pk}", reverse("lifecycle:member-remove", args=[project.slug, member.pk]),
            _("Remove from the project"), PlainForm, folded=True,
            hint=_("What the person did stays. Open tasks keep their owner until you assign them."),
        ),
    ]  # fmt: skip
