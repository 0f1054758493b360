"""The page on which Pizzatron answers a store."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from ledger.errors import Invalid

UNPROCESSABLE = 422


@require_safe
@login_required
def pizzatron(request: HttpRequest) -> HttpResponse:
    """Ask for a store's promotions: `?store=IT-003&week=2026-03-02`. Without a store, only the question."""
    # Imported here: pandas and scikit-learn are for those who ask, not for all who know the address.
    from config.demo.recommendations import answer, choices  # noqa: PLC0415

    store, week = request.GET.get("store", ""), request.GET.get("week", "")
    context: dict[str, object] = {"store": store, "week": week}
    try:
        context["stores"], context["weeks"] = choices()
        if store:
            context["answer"] = answer(store=store, week=week)
    except Invalid as no:
        return render(request, "demo/pizzatron.html", {**context, "no": no}, status=UNPROCESSABLE)
    return render(request, "demo/pizzatron.html", context)
