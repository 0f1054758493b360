"""Everything that waits for the reader."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from lifecycle.queries.counts import counts_of
from lifecycle.queries.inbox import InboxItem, inbox_of
from lifecycle.views.acting import reader

A_PAGE = 100
_GLYPHS = {
    "task": "run", "handoff_accept": "handoff", "handoff_returned": "handoff", "handoff_offer": "handoff",
    "verify": "search", "exclusion": "na", "firing": "trigger", "risk": "warn", "sign": "pen",
}  # fmt: skip


class Row(NamedTuple):
    """An item with its glyph and the verb of its one action."""

    item: InboxItem
    glyph: str
    verb: str


class Group(NamedTuple):
    """Items that are equally urgent."""

    key: str
    name: str
    note: str
    state: str
    rows: list[Row]


@login_required
@require_safe
def inbox(request: HttpRequest) -> HttpResponse:
    """What waits for me, by the harm that waiting does. 10 queries for any number, 3 more for a deputy."""
    user = reader(request)
    items = inbox_of(user)
    counts = counts_of(user)
    request.counts_of_reader = counts  # type: ignore[attr-defined]  # the bar at the top need not ask again
    count = max(len(items), counts.inbox)
    items, more = items[:A_PAGE], count - len(items[:A_PAGE])
    context = {
        "groups": _groups(items),
        "title": ngettext("%d thing waits for you", "%d things wait for you", count) % count
        if count
        else _("Nothing waits for you"),
        "count": count,
        "more": more,
    }
    return render(request, "lifecycle/inbox.html", context)


def _groups(items: Iterable[InboxItem]) -> list[Group]:
    words = {
        "harm": (_("Harm is happening"), _("people or money may be affected now"), "bad"),
        "waiting": (_("Others wait for you"), _("work stands still until you answer"), "now"),
        "late": (_("Late"), _("your own work that is over its date"), "warn"),
        "later": (_("Can wait"), _("nothing stops before its date"), "wait"),
    }
    rows: dict[str, list[Row]] = {key: [] for key in words}
    for item in items:
        rows[item.urgency].append(Row(item, _GLYPHS.get(item.kind, "run"), _verb(item)))
    return [
        Group(key, name, note, state, sorted(rows[key], key=_age))
        for key, (name, note, state) in words.items()
        if rows[key]
    ]


def _age(row: Row) -> tuple[str, str, int]:
    """The oldest first: by due date, then by since when it waits."""
    item = row.item
    due = item.due_on.isoformat() if item.due_on else "9999"
    return due, item.since.isoformat() if item.since else "9999", item.pk


def _verb(item: InboxItem) -> str:
    if item.on_behalf_of is not None:
        return _("See")
    return {
        "handoff_accept": _("Check and accept"),
        "handoff_returned": _("Mend and offer"),
        "handoff_offer": _("Offer"),
        "verify": _("Verify"),
        "exclusion": _("Decide"),
        "firing": _("Decide"),
        "risk": _("Decide"),
        "sign": _("Read and sign"),
    }.get(item.kind) or _("Continue")
