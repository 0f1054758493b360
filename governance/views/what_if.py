"""What would have been decided by other criteria. Reads only: nothing is kept of what is tried."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from governance.errors import Invalid
from governance.forms.what_if import CriterionSet
from governance.services.what_if import WhatIf
from governance.services.what_if import what_if as tried
from governance.views.access import reader
from lifecycle.models import ProcessVersion, User
from lifecycle.rules import can_manage_processes


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def what_if(request: HttpRequest) -> HttpResponse:
    """Choose a process version and a gate, change its criteria, and see which decisions would differ.

    7 queries, whatever the number of cases.
    """
    user = reader(request)
    versions = list(_versions(user))
    version = _chosen(versions, request.GET.get("version", ""))
    gates = version.document.get("gates", []) if version else []
    gate = next((each for each in gates if each["key"] == request.GET.get("gate")), None) or next(
        iter(gates), None
    )
    rows = CriterionSet(
        request.POST if request.method == "POST" else None,
        initial=[_row(each) for each in gate["criteria"]] if gate else [],
        prefix="criteria",
    )
    found, no = None, ""
    if version is not None and gate is not None:
        found, no = _try(request, user, rows, gate, version)
    context = {
        "versions": versions, "version": version, "gates": gates, "gate": gate, "rows": rows, "found": found,
        "no": no, "headline": _headline(found),
    }  # fmt: skip
    return render(request, "governance/what_if.html", context, status=422 if no else 200)


def _try(
    request: HttpRequest, user: User, rows: Any, gate: dict[str, Any], version: ProcessVersion
) -> tuple[WhatIf | None, str]:
    criteria = [_row(each) for each in gate["criteria"]]
    if request.method == "POST":
        if not rows.is_valid():
            return None, _("Something in the criteria cannot be read.")
        criteria = [
            row.cleaned_data
            for row in rows
            if row.cleaned_data.get("expression") and row not in rows.deleted_forms
        ]
    try:
        return tried(user=user, key=gate["key"], criteria=criteria, process=version.process.key), ""
    except Invalid as wrong:
        return None, _named(wrong, criteria)


def _named(wrong: Invalid, criteria: list[dict[str, Any]]) -> str:
    """The refusal with the key of the criterion that it is about."""
    place = wrong.where.removeprefix("criteria[").partition("]")[0]
    return f"{criteria[int(place)]['key']}: {wrong}" if place.isdigit() else str(wrong)


def _row(criterion: dict[str, Any]) -> dict[str, Any]:
    return {
        "key": criterion["key"],
        "expression": criterion["expression"],
        "blocking": criterion.get("blocking", True),
    }


def _versions(user: User) -> Any:
    """Published versions; drafts too for those who may edit them."""
    found = ProcessVersion.objects.select_related("process").order_by("process__name", "-number")
    return found if can_manage_processes(user) else found.exclude(state=ProcessVersion.State.DRAFT)


def _chosen(versions: list[ProcessVersion], asked: str) -> ProcessVersion | None:
    if not asked:
        return next(iter(versions), None)
    found = next((each for each in versions if str(each.pk) == asked), None)
    if found is None:
        raise Http404
    return found


def _headline(found: WhatIf | None) -> str:
    if found is None:
        return _("Try other criteria on past decisions")
    if not found.cases:
        return _("There is no past decision to try this on")
    count = len(found.differing)
    if not count:
        return _("Not one of %(all)d past decisions would differ") % {"all": len(found.cases)}
    words = ngettext(
        "%(n)d of %(all)d past decisions would differ", "%(n)d of %(all)d past decisions would differ", count
    )
    return words % {"n": count, "all": len(found.cases)}
