"""Keep a list with its filters, and forget it again."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from ledger.errors import GatebookError
from lifecycle.forms.stack import ViewForm
from lifecycle.models import SavedView
from lifecycle.services.saved_views import PAGES, remove_view, save_view
from lifecycle.views.acting import reader


@login_required
@require_POST
def save(request: HttpRequest) -> HttpResponse:
    """Keep a view and return to it. What is refused is said on the list that it came from."""
    form = ViewForm(request.POST)
    if not form.is_valid():
        messages.error(request, " ".join(str(each) for errors in form.errors.values() for each in errors))
        return redirect(_home(request))
    try:
        view = save_view(user=reader(request), **form.cleaned_data)
    except GatebookError as no:
        messages.error(request, str(no))
        return redirect(_home(request))
    messages.success(request, _("The view is kept; it stands beside the filters."))
    return redirect(view.url)


@login_required
@require_POST
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Forget a view of one's own; others' are not found."""
    view = get_object_or_404(SavedView, pk=pk, user=reader(request))
    page = view.page
    remove_view(view=view, user=reader(request))
    messages.success(request, _("The view is removed."))
    return redirect(page)


def _home(request: HttpRequest) -> str:
    """The list that was meant, or the first page: never another site."""
    page = request.POST.get("page", "")
    return page if PAGES.fullmatch(page) else "/"
