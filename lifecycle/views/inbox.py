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

from lifecycle.queries.counts import Counts, unread_of
from lifecycle.queries.inbox import InboxItem, read_inbox
from lifecycle.views.acting import reader

A_PAGE = 50
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
    items, uncounted = read_inbox(user)
    count = len(items)
    # The bar at the top need not ask again.
    request.counts_of_reader = Counts(count, unread_of(user), uncounted)  # type: ignore[attr-defined]
    context = {
        "groups": _groups(items[:A_PAGE]),
        "title": _title(count, uncounted=uncounted),
        "count": count,
        "more": count - len(items[:A_PAGE]),
    }
    return render(request, "lifecycle/inbox.html", context)


def _title(count: int, *, uncounted: bool) -> str:
    if not count:
        return _("Nothing waits for you")
    if uncounted:
        return _("More than %d things wait for you") % count
    return ngettext("%d thing waits for you", "%d things wait for you", count) % count


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
