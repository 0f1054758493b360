"""The gates of a project: the list, sending a phase to review, asking for a decision."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from governance.errors import Invalid, Refused
from governance.forms.gates import OpenGateForm
from governance.models import Gate
from governance.queries.pages_gates import SORTS, gate_definition, gates_by_iteration
from governance.rules.gates import may_ask
from governance.services.gates import open_gate
from governance.views.access import project_for, reader
from governance.views.refusals import carried_out
from lifecycle.models import Iteration, Phase, Project, User
from lifecycle.queries.iterations import current_iteration
from lifecycle.services.phases import request_review
from lifecycle.sorting import Sorting


@login_required
@require_safe
def project_gates(request: HttpRequest, slug: str) -> HttpResponse:
    """Every gate that was asked for, by iteration, and what can be asked for next. 7 queries."""
    user = reader(request)
    return _list(request, project_for(user, slug), user)


@login_required
@require_POST
def phase_review(request: HttpRequest, slug: str, key: str) -> HttpResponse:
    """Send a phase of the open iteration to its review."""
    user = reader(request)
    home = project_for(user, slug)
    open_phases = Phase.objects.filter(iteration__project=home, iteration__state=Iteration.State.OPEN)
    phase = get_object_or_404(open_phases, key=key)
    try:
        request_review(phase=phase, actor=user)
    except (Refused, Invalid) as no:
        return _list(request, home, user, refused=key, no=str(no), status=422)
    messages.success(request, _("%s is in review. Its gate can be opened now.") % phase)
    return redirect("governance:project-gates", home.slug)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def gate_open(request: HttpRequest, slug: str, key: str) -> HttpResponse:
    """Ask for a decision: the form, and what it sends."""
    user = reader(request)
    home = project_for(user, slug)
    iteration = current_iteration(home)
    definition = gate_definition(iteration, key) if iteration else None
    if iteration is None or definition is None:
        raise Http404
    if not may_ask(user, home):
        raise PermissionDenied(_("Only people who work on this project can ask for a decision."))
    form = OpenGateForm(
        request.POST or None,
        versions=home.model_versions.order_by("-number"),
        authorizes=definition.authorizes,
        initial={"environment": "production"} if definition.authorizes else None,
    )
    opened: list[Gate] = []
    if request.method == "POST" and carried_out(
        form, lambda: opened.append(open_gate(iteration=iteration, key=key, actor=user, **_asked(form)))
    ):
        messages.success(request, _("The gate is open. Have its criteria evaluated."))
        return redirect("governance:gate", opened[0].pk)
    context = {
        "project": home,
        "iteration": iteration,
        "definition": definition,
        "phase": iteration.phases.filter(key=definition.between[0]).first(),
        "form": form,
    }
    return render(
        request, "governance/gate_open.html", context, status=422 if request.method == "POST" else 200
    )


def _asked(form: OpenGateForm) -> dict[str, Any]:
    given = form.cleaned_data
    return {name: given[name] or empty for name, empty in (("model_version", None), ("environment", ""))} | {
        "scope": given["scope"] or {}
    }


def _list(
    request: HttpRequest, home: Project, user: User, *, refused: str = "", no: str = "", status: int = 200
) -> HttpResponse:
    """The list, with the refusal of a review in the row of its phase."""
    sorting = Sorting(request.GET, SORTS, first_down=("date",))
    groups = gates_by_iteration(home, sorting)
    gates = [gate for group in groups for gate in group.gates]
    context = {
        "project": home,
        "iteration": groups[0].iteration if groups else None,
        "groups": groups,
        "sorting": sorting,
        "open_gates": [gate for gate in gates if gate.state == Gate.State.OPEN],
        "gate_count": sum(gate.state == Gate.State.OPEN for gate in gates) or None,
        "passed": sum(gate.state == Gate.State.PASSED for gate in gates),
        "total": len(gates),
        "may_ask": may_ask(user, home),
        "refused": refused,
        "no": no,
    }
    return render(request, "governance/gates.html", context, status=status)
