"""Triggers defined and changed by managers, and what they would have done on past events."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from ledger.errors import Invalid
from lifecycle.definitions import cron_problem
from lifecycle.definitions.event_fields import EVENT_FIELDS, missing_field
from lifecycle.definitions.expressions import TRIGGER_VARIABLES, problem_of
from lifecycle.forms.trigger_edit import NewTriggerForm, TriggerForm, lines_and_rest
from lifecycle.models import Project, Trigger
from lifecycle.queries.pages import triggers_visible_to
from lifecycle.services import triggers as services
from lifecycle.services.dry_run import FIRES, MERGED, MOST_EVENTS, QUIET, UNREADABLE, dry_run
from lifecycle.views.acting import carry_out, place, project_for, reader, rights_of, seen

A_PAGE = 50
_NEXT_TIMES = 3
_DRAFTED = ("condition", "params", "cooldown_hours", "consecutive")
_LOOKS = {FIRES: "now", MERGED: "idle", UNREADABLE: "warn", QUIET: "na"}


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a trigger; others than managers read it. 5 queries."""
    user = reader(request)
    trigger = seen(triggers_visible_to(user), pk)
    manages = rights_of(user, trigger.project).manages
    if request.method != "POST":
        return _page(request, trigger.project, _form_of(trigger), trigger, manages=manages)
    form = _form_of(trigger, request.POST)
    return carry_out(
        request, form, lambda given: services.change_trigger(trigger=trigger, actor=user, **given),
        done=_("The trigger is changed."), may=manages,
        to=reverse("lifecycle:project-triggers", args=[trigger.project.slug]),
        again=lambda: _page(request, trigger.project, form, trigger, manages=True),
    )  # fmt: skip


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest, slug: str) -> HttpResponse:
    """Define a trigger of the project's own. 5 queries."""
    user = reader(request)
    project = project_for(user, slug)
    manages = rights_of(user, project).manages
    if not manages:
        raise PermissionDenied(_("Only a manager defines triggers."))
    given: dict[str, Any] = {"phases": _phases(project), "asks": _asks(project)}
    if request.method != "POST":
        start = {
            "cooldown_hours": 24,
            "mode": Trigger.Mode.ASK,
            "action": Trigger.Action.NOTIFY,
            "kind": "drift",
        }
        return _page(request, project, NewTriggerForm(initial=start, **given), None, manages=True)
    form = NewTriggerForm(request.POST, **given)
    return carry_out(
        request, form, lambda values: services.define_trigger(project=project, actor=user, **values),
        done=_("The trigger is defined, and on."), may=manages,
        to=lambda made: reverse("lifecycle:trigger-dry-run", args=[made.pk]),
        again=lambda: _page(request, project, form, None, manages=True),
    )  # fmt: skip


@login_required
@require_POST
def check(request: HttpRequest, slug: str) -> HttpResponse:
    """Say at once what is wrong with a condition, or when a cron line is due next. 2 queries."""
    user = reader(request)
    project = project_for(user, slug)
    if not rights_of(user, project).manages:
        raise PermissionDenied(_("Only a manager changes triggers."))
    asked = request.headers.get("HX-Trigger-Name") or "condition"
    form = TriggerForm(request.POST)
    form.is_valid()
    params = form.cleaned_data.get("params", {})
    said = (
        _said_of_schedule(request.POST.get("schedule", "").strip(), params)
        if asked == "schedule"
        else _said_of_condition(request.POST.get("condition", ""), request.POST.get("kind", ""), params)
    )
    return render(request, "lifecycle/triggers_edit/_said.html", said)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def dry(request: HttpRequest, pk: int) -> HttpResponse:
    """What the trigger, or the draft sent, would have done on past events; writes nothing. 7 queries."""
    user = reader(request)
    trigger = seen(triggers_visible_to(user), pk)
    manages = rights_of(user, trigger.project).manages
    draft = request.method == "POST"
    if not draft:
        form = _form_of(trigger)
        try:
            return _dry_page(request, trigger, form, _now_of(trigger), manages=manages, draft=False)
        except Invalid as no:  # it was written when other words were known
            messages.error(request, str(no))
            return redirect("lifecycle:project-triggers", trigger.project.slug)
    if not manages:
        raise PermissionDenied(_("Only a manager drafts triggers."))
    form = _form_of(trigger, request.POST)
    if form.is_valid():
        given = {name: form.cleaned_data[name] for name in _DRAFTED}
        try:
            return _dry_page(request, trigger, form, given, manages=True, draft=True)
        except Invalid as no:
            place(form, no)
    page = _page(request, trigger.project, form, trigger, manages=True)
    page.status_code = 422
    return page


def _now_of(trigger: Trigger) -> dict[str, Any]:
    return {
        "condition": trigger.condition, "params": trigger.params, "cooldown_hours": trigger.cooldown_hours,
        "consecutive": trigger.consecutive,
    }  # fmt: skip


def _dry_page(
    request: HttpRequest, trigger: Trigger, form: TriggerForm, given: dict[str, Any], *, manages: bool,
    draft: bool,
) -> HttpResponse:  # fmt: skip
    results = dry_run(project=trigger.project, kind=trigger.kind, **given)
    counts = Counter(each.outcome for each in results)
    acting = counts[FIRES] + counts[UNREADABLE]
    context = {
        "project": trigger.project,
        "trigger": trigger,
        "form": form if draft else None,
        "given": given,
        "draft": draft,
        "manages": manages,
        "page": Paginator(results, A_PAGE if not draft else MOST_EVENTS).get_page(request.GET.get("page")),
        "looks": _LOOKS,
        "word_of": _words(),
        "counts": [(_words()[name], counts[name], _LOOKS[name]) for name in _LOOKS],
        "title": ngettext("It would have fired once", "It would have fired %d times", acting) % acting
        if acting > 1
        else (_("It would have fired once") if acting else _("It would not have fired")),
        "most": MOST_EVENTS,
    }
    return render(request, "lifecycle/triggers_edit/dry_run.html", context)


def _words() -> dict[str, str]:
    return {
        FIRES: _("Would fire"), MERGED: _("Merged: still quiet"), UNREADABLE: _("Could not be read"),
        QUIET: _("Nothing"),
    }  # fmt: skip


def _form_of(trigger: Trigger, sent: Any = None) -> TriggerForm:
    plain, rest = lines_and_rest(trigger.params)
    fields = (
        "name", "condition", "schedule", "cooldown_hours", "consecutive", "mode", "action", "target_phase",
        "enabled",
    )  # fmt: skip
    start = {name: getattr(trigger, name) for name in fields}
    return TriggerForm(
        sent, initial={**start, "params": plain}, phases=_phases(trigger.project), kind=trigger.kind,
        asks=_asks(trigger.project), kept=rest,
    )  # fmt: skip


def _phases(project: Project) -> list[tuple[str, str]]:
    return [(phase["key"], phase["name"]) for phase in project.process_version.document["phases"]]


def _asks(project: Project) -> str:
    return reverse("lifecycle:trigger-check", args=[project.slug])


def _page(
    request: HttpRequest, project: Project, form: TriggerForm, trigger: Trigger | None, *, manages: bool
) -> HttpResponse:
    values = form.data if form.is_bound else form.initial
    kind = trigger.kind if trigger is not None else str(values.get("kind", ""))
    params = trigger.params if trigger is not None else {}
    context = {
        "project": project,
        "trigger": trigger,
        "form": form,
        "kind": kind,
        "manages": manages,
        "kept": sorted(form.kept),
        "condition_said": _said_of_condition(str(values.get("condition", "")), kind, params)
        if not form.is_bound
        else {},
        "schedule_said": _said_of_schedule(str(values.get("schedule", "")), params)
        if not form.is_bound
        else {},
        "fields_known": sorted(EVENT_FIELDS.get(kind, ())),
        "title": _("Change trigger %s") % trigger.key if trigger else _("A new trigger"),
    }
    return render(request, "lifecycle/triggers_edit/form.html", context)


def _said_of_condition(condition: str, kind: str, params: Any) -> dict[str, Any]:
    """For the line below the condition: wrong, or fine, or what it may look at."""
    text = condition.replace("\r\n", "\n").strip()
    wrong = problem_of(text, TRIGGER_VARIABLES) if text else None
    return {
        "asked": "condition",
        "text": text,
        "wrong": wrong or (missing_field(text, kind, params) if text else None),
        "known": sorted(EVENT_FIELDS.get(kind, ())),
    }


def _said_of_schedule(line: str, params: Any) -> dict[str, Any]:
    """For the line below the cron line: wrong, or the next three times."""
    wrong = cron_problem(line) if line else None
    times: list[datetime] = []
    if line and not wrong:
        probe, moment = Trigger(schedule=line, params=dict(params)), timezone.now()
        for _number in range(_NEXT_TIMES):
            moment = services.next_due(probe, moment)
            times.append(moment)
    return {"asked": "schedule", "text": line, "wrong": wrong, "times": times}
