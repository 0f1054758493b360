"""The ledger as far as the reader sees it: entries, one entry with its proof, the last verification."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from ledger.actions import known_actions
from ledger.publishing import latest_checkpoint
from ledger.queries import head
from lifecycle.rules import sees_everything
from lifecycle.sorting import Sorting
from lifecycle.views.acting import reader
from reports.models import Verification
from reports.queries.ledger_pages import (
    Filters,
    entries_visible_to,
    leaf_text,
    proof_of,
    shown,
    slice_of,
    visible_projects,
)
from reports.services.verifications import request_verification

LARGEST_INDEX = 2**63 - 1


@login_required
@require_safe
def entries(request: HttpRequest) -> HttpResponse:
    """Entries, newest first, by project, action, actor and record. 8 queries."""
    user = reader(request)
    filters = Filters.read(request.GET.dict())
    sorting = Sorting(request.GET, {"entry": ["index"]})  # newest first is the list's own order
    shown_entries = filters.apply(entries_visible_to(user))
    upwards = sorting.value == "entry"
    found = slice_of(shown_entries, request.GET.get("cursor", ""), oldest_first=upwards)
    context = _verification(sees_everything(user)) | {
        "head": head(),
        "checkpoint": latest_checkpoint(),
        "filters": filters,
        "sorting": sorting,
        "found": found,
        "projects": visible_projects(user),
        "actions": sorted(known_actions()),
        "sees_all": sees_everything(user),
    }
    return render(request, "ledger/entries.html", context)


@login_required
@require_safe
def entry(request: HttpRequest, index: int) -> HttpResponse:
    """One entry: what it says, what is hashed, and why it is in the tree. 6 queries."""
    found = get_object_or_404(entries_visible_to(reader(request)), pk=min(index, LARGEST_INDEX))
    newest = latest_checkpoint()
    covered = newest is not None and found.index < newest.size
    context = {"shown": shown(found, head()), "head": head(), "covered": covered}
    return render(request, "ledger/entry.html", context)


@login_required
@require_safe
def proof(request: HttpRequest, index: int) -> JsonResponse:
    """What somebody needs to prove an entry elsewhere (RFC 9162, 2.1.3). 5 queries."""
    found = get_object_or_404(entries_visible_to(reader(request)), pk=min(index, LARGEST_INDEX))
    given = proof_of(found, head())
    answer = {
        "leaf": leaf_text(found),
        "leaf_hash": found.leaf_hash,
        "leaf_index": found.index,
        "tree_size": given.head.size,
        "root_hash": given.head.root,
        "inclusion_path": list(given.path),
    }
    response = JsonResponse(answer, json_dumps_params={"indent": 2, "ensure_ascii": False})
    response["Content-Disposition"] = f'attachment; filename="entry-{found.index}-proof.json"'
    return response


@login_required
@require_POST
def verify(request: HttpRequest) -> HttpResponse:
    """Ask for the ledger to be recomputed in the background."""
    request_verification(actor=reader(request))
    messages.success(request, _("The ledger is being verified."))
    return redirect("reports:ledger")


@login_required
@require_safe
def verification(request: HttpRequest) -> HttpResponse:
    """The result of the last verification alone, which asks again while one is under way. 4 queries."""
    context = _verification(sees_everything(reader(request))) | {"head": head()}
    return render(request, "ledger/_verification.html", context)


def _verification(allowed: bool) -> dict[str, Any]:  # noqa: FBT001 - who may see it
    done = Verification.objects.filter(state=Verification.State.DONE).order_by("-finished_at").first()
    waiting = allowed and Verification.objects.filter(state=Verification.State.QUEUED).exists()
    return {"last": done, "under_way": waiting, "may_verify": allowed}
