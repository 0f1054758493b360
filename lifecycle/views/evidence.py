"""The evidence of a project with the state of its sources; one snapshot, and its frozen bytes."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from lifecycle.models import SourceState
from lifecycle.queries.evidence import evidence_list, snapshot_page, snapshots_visible_to, source_counts
from lifecycle.queries.iterations import current_iteration
from lifecycle.services.sources import ask_for_check
from lifecycle.views.acting import project_for, reader, rights_of, seen

A_PAGE = 25
KINDS = ("DVR", "TRN", "EVR", "DPR", "MON", "REV", "DOC")


@login_required
@require_safe
def project_evidence(request: HttpRequest, slug: str) -> HttpResponse:
    """All evidence of a project with what became of its source. 9 queries."""
    user = reader(request)
    project = project_for(user, slug)
    source, kind = request.GET.get("source", ""), request.GET.get("kind", "")
    source = source if source in (*SourceState.values, "differs") else ""
    kind = kind if kind in KINDS else ""
    counts = source_counts(project)
    listed = evidence_list(project, source=source, kind=kind)
    context = {
        "project": project,
        "iteration": current_iteration(project),
        "page": Paginator(listed, A_PAGE).get_page(request.GET.get("page")),
        "counts": counts,
        "differing": counts[SourceState.CHANGED] + counts[SourceState.GONE],
        "source": source,
        "kind": kind,
        "kinds": KINDS,
        "sources": [("", _("Any source")), ("differs", _("Changed or gone")), *SourceState.choices],
        "title": _title(counts),
        "may_check": rights_of(user, project).takes_part,
    }
    return render(request, "lifecycle/evidence/list.html", context)


@login_required
@require_POST
def check(request: HttpRequest, slug: str) -> HttpResponse:
    """Have every source of a project looked at now, in the background."""
    user = reader(request)
    project = project_for(user, slug)
    ask_for_check(project=project, actor=user)
    return redirect("lifecycle:project-evidence", slug)


@login_required
@require_safe
def snapshot(request: HttpRequest, pk: int) -> HttpResponse:
    """What was frozen, what its source says now, and who rests on it. 9 queries."""
    found = seen(snapshots_visible_to(reader(request)), pk)
    context = {
        "project": found.project,
        "iteration": found.run.iteration if found.run else None,
        "snapshot": found,
        "page": snapshot_page(found),
        "title": _snapshot_title(found.source_state),
        "evidence_page": True,
    }
    return render(request, "lifecycle/evidence/snapshot.html", context)


@login_required
@require_safe
def content(request: HttpRequest, pk: int) -> HttpResponse:
    """The frozen bytes, whose SHA-256 is the digest. 3 queries."""
    found = seen(snapshots_visible_to(reader(request)), pk)
    answer = HttpResponse(found.content.encode(), content_type="application/json")
    answer["Content-Disposition"] = f'attachment; filename="{found.digest}.json"'
    return answer


def _title(counts: dict[str, int]) -> str:
    changed, gone, total = counts[SourceState.CHANGED], counts[SourceState.GONE], sum(counts.values())
    if not total:
        return _("No evidence yet")
    if not changed + gone:
        return _("Every source still says what was frozen")
    return ngettext(
        "%(n)d piece of evidence no longer matches its source",
        "%(n)d pieces of evidence no longer match their source",
        changed + gone,
    ) % {"n": changed + gone}


def _snapshot_title(state: str) -> str:
    titles = {
        SourceState.CHANGED: _("The source has changed since this was frozen"),
        SourceState.GONE: _("The source of this evidence is gone"),
        SourceState.RESTORED: _("The source is again what was frozen"),
    }
    return titles.get(SourceState(state), _("The source is what was frozen"))
