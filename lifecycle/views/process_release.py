"""From a draft to a published version: begin, compare, publish, retire; the schema and the CEL check."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from lifecycle.definitions import (
    GATE_VARIABLES,
    TRIGGER_VARIABLES,
    ProcessDocument,
    catalogue,
    difference,
    json_schema,
    problem_of,
    stored,
)
from lifecycle.definitions.cel_words import words_of
from lifecycle.definitions.event_fields import EVENT_FIELDS, missing_field
from lifecycle.errors import Refused
from lifecycle.forms.process_drafts import NewDraftForm
from lifecycle.forms.process_fields import params_in
from lifecycle.models import ProcessVersion
from lifecycle.queries.process_pages import change_groups, last_published, versions
from lifecycle.rules import can_manage_processes
from lifecycle.services import process_edits, processes
from lifecycle.services.process_edits import Unfit
from lifecycle.views.acting import reader
from lifecycle.views.process_drafts import editable

_VARIABLES = {"gate": GATE_VARIABLES, "trigger": TRIGGER_VARIABLES}
_LONGEST = 2000


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Begin a draft with CRISP-ML(Q), with any version, or with a YAML file."""
    if not can_manage_processes(reader(request)):
        raise PermissionDenied(_("Only process owners and administrators draft a process."))
    found = versions()
    bases = [("catalogue", _("CRISP-ML(Q) as it comes with Gatebook")), ("file", _("A YAML file"))]
    bases[1:1] = [(str(each.pk), f"{each} ({each.get_state_display()})") for each in found]
    if request.method != "POST":
        form = NewDraftForm(bases=bases, initial={"base": request.GET.get("base", "catalogue")})
        return render(request, "lifecycle/process_drafts/new.html", {"form": form})
    form = NewDraftForm(request.POST, request.FILES, bases=bases)
    if form.is_valid():
        given = form.cleaned_data
        try:
            version = process_edits.draft_from(
                document=given.get("document") or _base(given["base"]), key=given["key"], name=given["name"],
                actor=reader(request),
            )  # fmt: skip
        except Unfit as no:
            form.take(no.problems)
        else:
            messages.success(request, _("%(version)s is a draft now.") % {"version": version})
            return redirect("lifecycle:process-draft", version.pk)
    return render(request, "lifecycle/process_drafts/new.html", {"form": form}, status=422)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def publish(request: HttpRequest, pk: int) -> HttpResponse:
    """Show what will be in force, in words, and publish it."""
    version, no = editable(request, pk), None
    if request.method == "POST":
        try:
            processes.publish_process(
                version=version, actor=reader(request), seen=request.POST.get("seen", "")
            )
        except Refused as refused:
            no = refused
            version.refresh_from_db()
        else:
            messages.success(request, _("%(version)s is published.") % {"version": version})
            return redirect("lifecycle:process-version", pk)
    elif version.state != ProcessVersion.State.DRAFT:
        return redirect("lifecycle:process-version", pk)
    before = last_published(version)
    changes = difference(stored(before.document), stored(version.document)) if before else []
    context = {
        "version": version, "before": before, "groups": change_groups(changes), "changed": len(changes),
        "no": no,
    }  # fmt: skip
    return render(request, "lifecycle/process_drafts/publish.html", context, status=422 if no else 200)


@login_required
@require_POST
def retire(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a published version out of use for new projects."""
    version = editable(request, pk)
    try:
        processes.retire_process(version=version, actor=reader(request))
    except Refused as no:
        messages.error(request, no.text)
    else:
        messages.success(
            request, _("%(version)s is retired: no project begins with it.") % {"version": version}
        )
    return redirect("lifecycle:process-version", pk)


@login_required
@require_safe
def compare(request: HttpRequest) -> HttpResponse:
    """What changed between two versions, in words, by part. 5 queries."""
    found = versions()
    old, new = (_chosen(found, request.GET.get(name, "")) for name in ("old", "new"))
    context: dict[str, Any] = {"versions": found, "old": old, "new": new}
    if old and new:
        changes = difference(stored(old.document), stored(new.document))
        context |= {"groups": change_groups(changes), "changed": len(changes)}
    return render(request, "lifecycle/process_drafts/difference.html", context)


@login_required
@require_safe
def schema(request: HttpRequest) -> HttpResponse:
    """The JSON Schema of a process document."""
    return JsonResponse(
        json_schema(), content_type="application/schema+json", json_dumps_params={"indent": 2}
    )


@login_required
@require_POST
def check_expression(request: HttpRequest) -> HttpResponse:
    """Say at once whether CEL can be read and what it may look at; htmx asks while somebody types."""
    kind = request.GET.get("kind", "")
    if kind not in _VARIABLES:
        raise Http404
    name = request.headers.get("HX-Trigger-Name") or "expression"
    expression = request.POST.get(name, "").replace("\r\n", "\n").strip()
    wrong = problem_of(expression, _VARIABLES[kind]) if 0 < len(expression) <= _LONGEST else None
    if kind == "trigger" and expression and not wrong and request.POST.get("kind") in EVENT_FIELDS:
        wrong = missing_field(expression, request.POST["kind"], params_in(request.POST.get("params", "")))
    if len(expression) > _LONGEST:
        wrong = _("At most %(most)d characters are possible here.") % {"most": _LONGEST}
    context = {
        "expression": expression, "wrong": wrong, "variables": sorted(_VARIABLES[kind]),
        "words": words_of(expression) if expression and not wrong else "",
    }  # fmt: skip
    return render(request, "lifecycle/process_drafts/_checked.html", context)


def compare_url(old: ProcessVersion, new: ProcessVersion) -> str:
    """The address of the difference between two versions."""
    return f"{reverse('lifecycle:process-difference')}?old={old.pk}&new={new.pk}"


def _base(name: str) -> ProcessDocument:
    if name == "catalogue":
        return catalogue()
    return stored(get_object_or_404(ProcessVersion, pk=int(name)).document)


def _chosen(found: list[ProcessVersion], pk: str) -> ProcessVersion | None:
    if not pk:
        return None
    version = next((each for each in found if str(each.pk) == pk), None)
    if version is None:
        raise Http404
    return version
