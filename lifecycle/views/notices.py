"""What the reader was told, and how they want to be told."""

from __future__ import annotations

from collections.abc import Mapping

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import BooleanField, ExpressionWrapper, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from lifecycle.forms.notices import WaysForm
from lifecycle.models import Notice
from lifecycle.queries.notices import notices_of, ways_of
from lifecycle.services import notices as services
from lifecycle.sorting import Fields, Sorting, words
from lifecycle.views.acting import carry_out, reader, seen

A_PAGE = 50
SORTS: Mapping[str, Fields] = {"when": ["created_at"], "project": [words("project__name")], "kind": ["kind"]}
_READ = ExpressionWrapper(Q(read_at__isnull=False), BooleanField())  # news first, whatever the order
_GLYPHS = {
    "handoff": "handoff", "task": "run", "evidence": "search", "gate": "gate", "firing": "trigger",
    "trigger": "trigger", "event": "warn", "run": "run", "authorization": "lock", "risk": "warn",
    "mention": "person",
}  # fmt: skip
_BAD = (
    "handoff_overdue", "handoff_escalated", "task_overdue", "task_escalated", "run_failed",
    "authorization_stopped", "risk_expired", "event_reported",
)  # fmt: skip


@login_required
@require_safe
def notices(request: HttpRequest) -> HttpResponse:
    """What I was told, unread first. 6 queries for any number."""
    user = reader(request)
    sorting = Sorting(request.GET, SORTS, first_down=("when",))
    page = Paginator(sorting.query(notices_of(user), _READ), A_PAGE).get_page(request.GET.get("page"))
    rows = [(each, _glyph(each), _look(each)) for each in page]
    context = {
        "page": page,
        "sorting": sorting,
        "unread": [row for row in rows if row[0].read_at is None],
        "read": [row for row in rows if row[0].read_at is not None],
    }
    return render(request, "lifecycle/notices/list.html", context)


@login_required
@require_POST
def read(request: HttpRequest, pk: int) -> HttpResponse:
    """Mark one as read."""
    user = reader(request)
    services.mark_read(person=user, notice=seen(notices_of(user), pk))
    return redirect("lifecycle:notices")


@login_required
@require_POST
def read_all(request: HttpRequest) -> HttpResponse:
    """Mark all as read."""
    count = services.mark_all_read(person=reader(request))
    said = ngettext("%d notice is marked as read.", "%d notices are marked as read.", count) % count
    messages.success(request, said)
    return redirect("lifecycle:notices")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def settings(request: HttpRequest) -> HttpResponse:
    """How I am told, kind by kind."""
    user = reader(request)
    ways = {**services.DEFAULT_WAYS, **ways_of(user)}
    form = WaysForm(request.POST or None, ways=ways)
    if request.method != "POST":
        return _settings(request, form)
    return carry_out(
        request, form, lambda given: services.choose_ways(person=user, ways=given),
        done=_("This is how you are told from now on."), to=reverse("lifecycle:notice-settings"),
        again=lambda: _settings(request, form),
    )  # fmt: skip


def _settings(request: HttpRequest, form: WaysForm) -> HttpResponse:
    return render(request, "lifecycle/notices/settings.html", {"form": form})


def _glyph(notice: Notice) -> str:
    return _GLYPHS.get(notice.kind.partition("_")[0], "run")


def _look(notice: Notice) -> str:
    if notice.read_at is not None:
        return "idle"
    return "bad" if notice.kind in _BAD else "now"
