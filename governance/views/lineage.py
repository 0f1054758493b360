"""What came of what, drawn and listed, in both directions from any record of a project."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from governance.queries.lineage import Lineage, lineage_of, without_shortcuts
from governance.queries.lineage_records import Link
from governance.views.access import project_for, reader
from lifecycle.figures import LineageGraph, LineageNode
from lifecycle.queries.iterations import current_iteration
from lifecycle.templatetags.states import look_of

_STATES = {"is-ok": "ok", "is-bad": "bad", "is-warn": "warn", "is-now": "now", "is-waived": "warn"}


@login_required
@require_safe
def project_lineage(request: HttpRequest, slug: str) -> HttpResponse:
    """The lineage of the record in the address (`?of=model:7`), of what is live without one. 18 queries."""
    project = project_for(reader(request), slug)
    key = request.GET.get("of", "")
    found = lineage_of(project, key)
    if found is None and key:
        raise Http404
    context = {
        "project": project,
        "iteration": current_iteration(project),
        "found": found,
        "title": _title(found),
        "graph": _graph(project.slug, found) if found else None,
        "rows": _rows(project.slug, found) if found else [],
        "asked": bool(key),
        "evidence_page": True,
    }
    return render(request, "governance/lineage.html", context)


def _title(found: Lineage | None) -> str:
    if found is None:
        return _("Nothing has a lineage yet")
    words = {"what": _name(found.focus), "up": len(found.upstream), "down": len(found.downstream)}
    if not found.upstream and not found.downstream:
        return _("%(what)s stands alone") % words
    return _("%(what)s came of %(up)d records, and %(down)d came of it") % words


def _name(link: Link) -> str:
    """A record as a sentence calls it."""
    return link.title if link.kind in ("model", "iteration", "gate") else f"{link.word} {link.title}"


def _address(slug: str, link: Link) -> str:
    return f"{reverse('governance:project-lineage', args=[slug])}?of={link.key}"


def _graph(slug: str, found: Lineage) -> LineageGraph:
    nodes = tuple(
        LineageNode(
            key=each.key, kind=each.word, title=each.title, sub=each.sub,
            url=each.url if each.key == found.focus.key else _address(slug, each),
            state=_STATES.get(look_of(each.state, each.machine).css, "idle"),
            focus=each.key == found.focus.key,
        )
        for each in found.links
    )  # fmt: skip
    return LineageGraph(
        nodes, without_shortcuts([(each.source, each.target) for each in found.edges]), _title(found)
    )


def _rows(slug: str, found: Lineage) -> list[tuple[str, Link, str, str]]:
    """(side, record, how it is joined, address of its own lineage), upstream first."""
    how: dict[str, str] = {}
    for edge in found.edges:  # towards the record in focus, one step at a time
        before, after = found.distance[edge.source], found.distance[edge.target]
        if after == before + 1:
            how.setdefault(edge.target if after > 0 else edge.source, edge.how)
    sides = [
        *[(_("Upstream"), each) for each in reversed(found.upstream)],
        (_("In focus"), found.focus),
        *[(_("Downstream"), each) for each in found.downstream],
    ]
    return [(side, each, how.get(each.key, ""), _address(slug, each)) for side, each in sides]
