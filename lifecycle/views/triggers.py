"""Triggers of a project, what they saw, and what people decide about it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from lifecycle.forms.fields import PlainForm, ReasonForm
from lifecycle.models import Firing, Project, Trigger, User
from lifecycle.queries.history import history_of
from lifecycle.queries.iterations import current_iteration
from lifecycle.queries.pages import firings_visible_to, triggers_visible_to
from lifecycle.services import triggers as services
from lifecycle.sorting import Fields, Sorting, words
from lifecycle.views.acting import Offers, Tried, carry_out, project_for, reader, rights_of, seen

A_PAGE = 25
SORTS: Mapping[str, Fields] = {
    "seen": [words("summary")],
    "state": ["state"],
    "by": [words("decided_by__name")],
    "when": ["fired_at"],
}
TRIGGER_SORTS: Mapping[str, Callable[[Trigger], Any]] = {
    "trigger": lambda trigger: trigger.name,
    "then": lambda trigger: str(trigger.get_action_display()),
    "on": lambda trigger: not trigger.enabled,
}


@login_required
@require_safe
def project_triggers(request: HttpRequest, slug: str) -> HttpResponse:
    """All triggers and the firings of a project. 8 queries."""
    user = reader(request)
    return _page(request, user, project_for(user, slug))


@login_required
@require_POST
def fire(request: HttpRequest, pk: int) -> HttpResponse:
    """Fire a trigger by hand."""
    user = reader(request)
    trigger = seen(triggers_visible_to(user), pk)
    project = trigger.project
    form = ReasonForm(request.POST, auto_id=f"id_fire-{pk}_%s")
    return carry_out(
        request, form, lambda given: services.fire_manually(trigger=trigger, actor=user, **given),
        done=_("The trigger has fired."), to=lambda made: reverse("lifecycle:firing", args=[made.pk]),
        may=rights_of(user, project).manages,
        again=lambda: _page(request, user, project, Tried(f"fire-{pk}", form)),
    )  # fmt: skip


@login_required
@require_POST
def switch(request: HttpRequest, pk: int) -> HttpResponse:
    """Switch a trigger on or off."""
    user = reader(request)
    trigger = seen(triggers_visible_to(user), pk)
    form, enabled = PlainForm(request.POST), request.POST.get("enabled") == "1"
    return carry_out(
        request, form, lambda _given: services.change_trigger(trigger=trigger, actor=user, enabled=enabled),
        done=_("The trigger is on.") if enabled else _("The trigger is off."),
        to=reverse("lifecycle:project-triggers", args=[trigger.project.slug]),
        may=rights_of(user, trigger.project).manages,
        again=lambda: _page(request, user, trigger.project, Tried(f"switch-{pk}", form)),
    )  # fmt: skip


@login_required
@require_safe
def firing(request: HttpRequest, pk: int) -> HttpResponse:
    """One firing: what was seen, what came of it. 5 queries."""
    user = reader(request)
    return _firing_page(request, user, seen(firings_visible_to(user), pk))


@login_required
@require_POST
def decide(request: HttpRequest, pk: int, act: str) -> HttpResponse:
    """Start what a waiting firing asks for, or reject it."""
    user = reader(request)
    found = seen(firings_visible_to(user), pk)
    if act not in ("start", "reject"):
        raise Http404
    form_class = PlainForm if act == "start" else ReasonForm
    form = form_class(request.POST, auto_id=f"id_{act}_%s")

    def service(given: dict[str, Any]) -> object:
        if act == "start":
            return services.start_firing(firing=found, actor=user)
        return services.reject_firing(firing=found, actor=user, **given)

    return carry_out(
        request, form, service,
        done=_("What the firing asks for has begun.") if act == "start" else _("The firing is rejected."),
        to=reverse("lifecycle:firing", args=[pk]), may=rights_of(user, found.trigger.project).manages,
        again=lambda: _firing_page(request, user, seen(firings_visible_to(user), pk), Tried(act, form)),
    )  # fmt: skip


def _page(request: HttpRequest, user: User, project: Project, tried: Tried | None = None) -> HttpResponse:
    rights, offers = rights_of(user, project), Offers(tried)
    trigger_sorting = Sorting(request.GET, TRIGGER_SORTS, param="triggers")
    triggers = trigger_sorting.rows(project.triggers.order_by("key", "pk"))
    firings = firings_visible_to(user).filter(trigger__project=project)
    sorting = Sorting(request.GET, SORTS, first_down=("when",))
    page = Paginator(sorting.query(firings), A_PAGE).get_page(request.GET.get("page"))
    waiting = firings.filter(state=Firing.State.WAITING).count()
    context = {
        "project": project,
        "iteration": current_iteration(project),
        "rows": [(each, _fire_offer(offers, each) if rights.manages else None) for each in triggers],
        "page": page,
        "sorting": sorting,
        "trigger_sorting": trigger_sorting,
        "may_switch": rights.manages,
        "title": ngettext("%d firing waits for a decision", "%d firings wait for a decision", waiting)
        % waiting
        if waiting
        else _("No firing waits for a decision"),
        "offers": offers,
    }
    return render(request, "lifecycle/triggers.html", context)


def _fire_offer(offers: Offers, trigger: Trigger) -> object:
    if not trigger.enabled:
        return None
    hint = _("Its action starts at once: %s.") % trigger.get_action_display()
    return offers.add(
        f"fire-{trigger.pk}", reverse("lifecycle:trigger-fire", args=[trigger.pk]), _("Fire by hand"),
        ReasonForm, folded=True, hint=hint,
    )  # fmt: skip


def _firing_page(request: HttpRequest, user: User, found: Firing, tried: Tried | None = None) -> HttpResponse:
    project, offers = found.trigger.project, Offers(tried)
    made = []
    if found.state == Firing.State.WAITING and rights_of(user, project).manages:
        hint = _("This is done at once: %s.") % found.trigger.get_action_display()
        made = [
            offers.add(
                "start", reverse("lifecycle:firing-act", args=[found.pk, "start"]), _("Start it"), PlainForm,
                main=True, hint=hint,
            ),
            offers.add(
                "reject", reverse("lifecycle:firing-act", args=[found.pk, "reject"]), _("Reject it"),
                ReasonForm, folded=True,
            ),
        ]  # fmt: skip
    context = {
        "project": project,
        "firing": found,
        "iteration": getattr(found, "iteration", None),
        "observed": json.dumps(found.observed, indent=2, ensure_ascii=False),
        "made": made,
        "offers": offers,
        "history": history_of(found),
    }
    return render(request, "lifecycle/firing.html", context)
