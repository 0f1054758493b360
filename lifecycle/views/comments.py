"""Comments: said on the page of a record, withdrawn there. Without script the browser comes back to it."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from ledger.errors import Invalid, Refused
from lifecycle.comment_subjects import Place, place_of
from lifecycle.forms.comments import CommentForm
from lifecycle.queries.comments import comments_visible_to
from lifecycle.rules import can_take_part
from lifecycle.services.comments import add_comment, withdraw_comment
from lifecycle.templatetags.comments import thread
from lifecycle.views.acting import place, reader, seen


@login_required
@require_POST
def add(request: HttpRequest, kind: str, pk: int) -> HttpResponse:
    """Say something about a record."""
    user = reader(request)
    where = place_of(user, kind, pk)
    if not can_take_part(user, where.project):
        raise PermissionDenied(_("You do not work in this project."))
    form = CommentForm(request.POST, auto_id="id_comment_%s")
    if form.is_valid():
        try:
            add_comment(
                subject=where.record, project=where.project, text=form.cleaned_data["text"], url=where.url,
                actor=user,
            )  # fmt: skip
        except Invalid as no:
            place(form, no)
        else:
            return _answer(request, where, _("Your comment stands below."))
    return _refused(request, where, form)


@login_required
@require_POST
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """Mark a comment as withdrawn."""
    user = reader(request)
    comment = seen(comments_visible_to(user), pk)
    where = place_of(user, comment.subject_type, int(comment.subject_id))
    form = CommentForm(auto_id="id_comment_%s")
    try:
        withdraw_comment(comment=comment, actor=user)
    except Refused as no:
        form = CommentForm({}, auto_id="id_comment_%s")
        form.full_clean()
        form.errors.clear()
        form.add_error(None, no.text)
        return _refused(request, where, form)
    return _answer(request, where, _("The comment is withdrawn."))


def _answer(request: HttpRequest, where: Place, done: str) -> HttpResponse:
    if request.headers.get("HX-Request"):
        context = thread(request, where.record, where.project)
        return render(request, "lifecycle/comments/_thread.html", context)
    messages.success(request, done)
    return redirect(f"{where.url}#comments")


def _refused(request: HttpRequest, where: Place, form: CommentForm) -> HttpResponse:
    """The thread with what was typed and why it was not taken, alone on its page without script."""
    context = thread(request, where.record, where.project, form)
    if request.headers.get("HX-Request"):
        return render(request, "lifecycle/comments/_thread.html", context, status=422)
    more = {"project": where.project, "record": where.record, "url": where.url}
    return render(request, "lifecycle/comments/page.html", context | more, status=422)
