"""How the models of a project do in use."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from lifecycle.queries.iterations import current_iteration
from lifecycle.queries.pages_monitoring import Monitoring, monitoring
from lifecycle.views.acting import project_for, reader


@login_required
@require_safe
def project_monitoring(request: HttpRequest, slug: str) -> HttpResponse:
    """The windows of each model over time, and one of them in detail. 6 queries."""
    project = project_for(reader(request), slug)
    wanted = request.GET.get("run", "")
    seen = monitoring(project, run=int(wanted) if wanted.isascii() and wanted.isdigit() else None)
    context = {
        "project": project,
        "iteration": current_iteration(project),
        "seen": seen,
        "title": _title(seen),
    }
    return render(request, "lifecycle/monitoring.html", context)


def _title(seen: Monitoring) -> str:
    """What the chosen window says, in a sentence."""
    if seen.window is None:
        return _("Nothing has been monitored yet")
    over = seen.window.over
    broken = [line for line in seen.window.view.metrics if line.holds is False]
    if broken:
        words = ngettext("%s is outside its limit", "%s are outside their limits", len(broken))
        return words % ", ".join(line.name for line in broken)
    if over:
        return ngettext("%(n)d feature drifts: %(names)s", "%(n)d features drift: %(names)s", len(over)) % {
            "n": len(over),
            "names": ", ".join(over[:4]),
        }
    return _("All is steady")
