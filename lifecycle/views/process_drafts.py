"""A draft of a process in the browser: its outline, and a form for each part that is saved as one change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from lifecycle.definitions import ProcessDocument, difference, parse, problems_in, stored
from lifecycle.errors import Refused
from lifecycle.forms.process_drafts import PartForm, place_in_words
from lifecycle.models import ProcessVersion, User
from lifecycle.process_parts import HEAD, KINDS, PartKind
from lifecycle.queries.process_pages import change_groups, counts, last_published, part_groups
from lifecycle.rules import can_manage_processes
from lifecycle.services import process_edits
from lifecycle.services.process_edits import Overtaken, Unfit
from lifecycle.views.acting import reader


@login_required
@require_safe
def draft(request: HttpRequest, pk: int) -> HttpResponse:
    """What a draft holds, and what is different from the version in force. 4 queries."""
    version = editable(request, pk)
    if version.state != ProcessVersion.State.DRAFT:
        return redirect("lifecycle:process-version", pk)
    doc, before = stored(version.document), last_published(version)
    changes = difference(stored(before.document), doc) if before else []
    context = {
        "version": version, "doc": doc, "counts": counts(doc), "before": before,
        "groups": change_groups(changes), "changed": len(changes),
    }  # fmt: skip
    return render(request, "lifecycle/process_drafts/draft.html", context)


@login_required
@require_safe
def part(request: HttpRequest, pk: int, part: str) -> HttpResponse:
    """One list of a draft, by phase, each item with what can be done to it. 3 queries."""
    return _list(request, editable(request, pk), _kind(part))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def change(request: HttpRequest, pk: int, part: str, key: str | None = None) -> HttpResponse:
    """Add a part, or change the one with this key."""
    version, kind = editable(request, pk), _kind(part)
    item = _item(version, part, key) if key is not None else None
    doc = stored(version.document)
    if request.method != "POST":
        if version.state != ProcessVersion.State.DRAFT:
            return redirect("lifecycle:process-version", pk)
        form = PartForm(kind, doc, item=item, seen=version.digest, phase=_phase(doc, request))
        return _form(request, version, kind, form, key)

    form = PartForm(kind, doc, request.POST, item=item, seen=version.digest)
    if not form.is_valid():
        return _form(request, version, kind, form, key, status=422)
    data, user, seen = form.found(), reader(request), form.cleaned_data["seen"]
    return _saved(
        request, version, kind, form, key, lambda: _save(version, kind, form, key, data, seen, user)
    )


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def head(request: HttpRequest, pk: int) -> HttpResponse:
    """Name and summary of the process."""
    version = editable(request, pk)
    doc, given = stored(version.document), request.POST if request.method == "POST" else None
    form = PartForm(HEAD, doc, given, item=version.document | {"key": ""}, seen=version.digest)
    if given is None:
        if version.state != ProcessVersion.State.DRAFT:
            return redirect("lifecycle:process-version", pk)
        return _form(request, version, HEAD, form, "")
    if not form.is_valid():
        return _form(request, version, HEAD, form, "", status=422)
    data, user, seen = form.found(), reader(request), form.cleaned_data["seen"]
    return _saved(
        request, version, HEAD, form, "",
        lambda: process_edits.save_head(version=version, data=data, seen=seen, actor=user),
    )  # fmt: skip


@login_required
@require_POST
def move(request: HttpRequest, pk: int, part: str) -> HttpResponse:
    """Let an item change places with the one before (`up`) or after it (`down`)."""
    version, kind = editable(request, pk), _kind(part)
    way, _colon, key = request.POST.get("move", "").partition(":")
    if way not in ("up", "down"):
        raise Http404
    try:
        process_edits.move_part(
            version=version, part=kind.name, key=key, down=way == "down", seen=request.POST.get("seen", ""),
            actor=reader(request),
        )  # fmt: skip
    except Overtaken as no:
        return _list(request, version, kind, no, no.changes)
    except Refused as no:
        return _list(request, version, kind, no)
    except Unfit as no:
        return _list(request, version, kind, no)
    return redirect(f"{reverse('lifecycle:process-draft-part', args=[pk, kind.name])}#{kind.name}-{key}")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def retire(request: HttpRequest, pk: int, part: str, key: str) -> HttpResponse:
    """Show what goes with a part, then take it out."""
    version, kind = editable(request, pk), _kind(part)
    _item(version, kind.name, key)
    no: Refused | None = None
    if request.method == "POST":
        try:
            process_edits.retire_part(
                version=version,
                part=kind.name,
                key=key,
                seen=request.POST.get("seen", ""),
                actor=reader(request),
            )
        except Refused as refused:
            no = refused
            version.refresh_from_db()
        except Unfit:
            pass  # the page says what would be wrong
        else:
            messages.success(request, _("%(part)s is taken out.") % {"part": f"{kind.one} {key}"})
            return redirect("lifecycle:process-draft-part", pk, kind.name)
    elif version.state != ProcessVersion.State.DRAFT:
        return redirect("lifecycle:process-version", pk)
    return _retiring(request, version, kind, key, no)


def editable(request: HttpRequest, pk: int) -> ProcessVersion:
    """The version, if the reader may edit processes; PermissionDenied else. 1 query."""
    if not can_manage_processes(reader(request)):
        raise PermissionDenied(_("Only process owners and administrators change a draft."))
    return get_object_or_404(ProcessVersion.objects.select_related("process", "created_by"), pk=pk)


def _kind(part: str) -> PartKind:
    if part not in KINDS:
        raise Http404
    return KINDS[part]


def _item(version: ProcessVersion, part: str, key: str) -> dict[str, Any]:
    """A part as the document has it, with what it holds by default."""
    whole = stored(version.document).model_dump(mode="json")
    found = [item for item in whole[part] if process_edits.key_of(part, item) == key]
    if not found:
        raise Http404
    return dict(found[0])


def _phase(doc: ProcessDocument, request: HttpRequest) -> str:
    asked = request.GET.get("phase", "")
    return asked if asked in {phase.key for phase in doc.phases} else ""


def _save(
    version: ProcessVersion, kind: PartKind, form: PartForm, key: str | None, data: dict[str, Any], seen: str,
    user: User,
) -> ProcessVersion:  # fmt: skip
    if kind.name == "phases" and key is None:
        return process_edits.add_phase(
            version=version, data=data, first=form.first_task(), seen=seen, actor=user
        )
    return process_edits.save_part(version=version, part=kind.name, key=key, data=data, seen=seen, actor=user)


def _saved(
    request: HttpRequest, version: ProcessVersion, kind: PartKind, form: PartForm, key: str | None,
    call: Callable[[], ProcessVersion],
) -> HttpResponse:  # fmt: skip
    """Call the service and go back to the list; what it refuses stands in the form, all typed kept."""
    try:
        call()
    except Unfit as no:
        form.take(no.problems, no.place, no.document)
        return _form(request, version, kind, form, key, status=422)
    except Overtaken as no:
        now = request.POST.copy()
        now["seen"] = no.digest
        form.data = now
        return _form(request, version, kind, form, key, status=422, no=no, changes=no.changes)
    except Refused as no:
        return _form(request, version, kind, form, key, status=422, no=no)
    messages.success(request, _("The draft is changed."))
    if kind is HEAD:
        return redirect("lifecycle:process-draft", version.pk)
    name = key or form.found()[process_edits.key_field(kind.name)]
    address = reverse("lifecycle:process-draft-part", args=[version.pk, kind.name])
    return redirect(f"{address}#{kind.name}-{name}")


def _form(
    request: HttpRequest, version: ProcessVersion, kind: PartKind, form: PartForm, key: str | None, *,
    status: int = 200, no: Refused | None = None, changes: list[str] | None = None,
) -> HttpResponse:  # fmt: skip
    context = {
        "version": version, "kind": kind, "form": form, "key": key, "no": no, "changes": changes or [],
        "wrong": _wrong(form), "adding": key is None,
    }  # fmt: skip
    return render(request, "lifecycle/process_drafts/form.html", context, status=status)


def _wrong(form: PartForm) -> int:
    if not form.is_bound:
        return 0
    rows = [row for _entry, found in form.sets for row in found.forms]
    return sum(len(errors) for each in (form, *rows) for errors in each.errors.values())


def _list(
    request: HttpRequest,
    version: ProcessVersion,
    kind: PartKind,
    no: object = None,
    changes: list[str] | None = None,
) -> HttpResponse:
    if no is not None:
        version.refresh_from_db()
    elif version.state != ProcessVersion.State.DRAFT:
        return redirect("lifecycle:process-version", version.pk)
    doc = stored(version.document)
    context = {
        "version": version, "kind": kind, "groups": part_groups(doc, kind), "counts": counts(doc), "no": no,
        "changes": changes or [],
    }  # fmt: skip
    return render(request, "lifecycle/process_drafts/part.html", context, status=422 if no else 200)


def _retiring(
    request: HttpRequest, version: ProcessVersion, kind: PartKind, key: str, no: Refused | None
) -> HttpResponse:
    try:
        after = process_edits.without_part(version.document, kind.name, key)
        problems = problems_in(after)
    except Unfit as unfit:
        after, problems = version.document, unfit.problems
    changes = [] if problems else difference(stored(version.document), parse(after))
    context = {
        "version": version, "kind": kind, "key": key, "no": no, "groups": change_groups(changes),
        "changed": len(changes),
        "problems": [(place_in_words(after, each.where), each.text) for each in problems],
        "changes": no.changes if isinstance(no, Overtaken) else [],
    }  # fmt: skip
    status = 422 if request.method == "POST" else 200
    return render(request, "lifecycle/process_drafts/retire.html", context, status=status)
