"""Files of a task: given, fetched, made evidence."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.files.storage import default_storage
from django.core.files.uploadhandler import FileUploadHandler, StopUpload
from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_POST, require_safe

from lifecycle.forms.comments import AttachmentForm
from lifecycle.forms.fields import PlainForm
from lifecycle.queries.comments import attachments_visible_to
from lifecycle.queries.tasks import tasks_visible_to
from lifecycle.services.attachments import add_attachment, is_intact
from lifecycle.services.evidence import attach_evidence
from lifecycle.views.acting import Tried, carry_out, reader, rights_of, seen
from lifecycle.views.task_page import show_task


class Limit(FileUploadHandler):
    """Breaks an upload off that grows beyond the limit, before it fills the disk; nothing arrives then.

    The rest of a request is small: Django bounds it by itself.
    """

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        if start + len(raw_data) > settings.GATEBOOK_ATTACHMENT_BYTES:
            raise StopUpload(connection_reset=False)
        return raw_data

    def file_complete(self, file_size: int) -> None:
        return None


@csrf_exempt  # for the handler, which has to be there before the body is read; `_receive` is protected
@login_required
@require_POST
def add(request: HttpRequest, pk: int) -> HttpResponse:
    """Give a file to a task."""
    request.upload_handlers.insert(0, Limit(request))
    return _receive(request, pk)


@csrf_protect
def _receive(request: HttpRequest, pk: int) -> HttpResponse:
    user = reader(request)
    task = seen(tasks_visible_to(user), pk)
    form = AttachmentForm(request.POST, request.FILES, auto_id="id_file_%s")
    most = settings.GATEBOOK_ATTACHMENT_BYTES
    if "file" not in request.FILES and int(request.META.get("CONTENT_LENGTH") or 0) > most:
        words = {"most": most // 1_000_000}
        form.fields["file"].error_messages["required"] = _("The file has more than %(most)d MB.") % words

    def service(given: dict[str, Any]) -> object:
        return add_attachment(task=task, file=given["file"], name=given["file"].name, actor=user)

    return carry_out(
        request, form, service, done=_("The file is kept, named by its digest."),
        to=f"{reverse('lifecycle:task', args=[pk])}#files",
        may=rights_of(user, task.phase.iteration.project).takes_part,
        again=lambda: show_task(request, user, task, Tried("file", form)),
    )  # fmt: skip


@login_required
@require_safe
@cache_control(private=True, no_cache=True)
def download(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The file, always as a download. 410 if its content is missing or not what it was."""
    attachment = seen(attachments_visible_to(reader(request)), pk)
    if not is_intact(attachment):
        context = {"attachment": attachment, "project": attachment.task.phase.iteration.project}
        return render(request, "lifecycle/comments/file_gone.html", context, status=410)
    response = FileResponse(
        default_storage.open(attachment.path), as_attachment=True, filename=attachment.name,
        content_type=attachment.media_type,
    )  # fmt: skip
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


@login_required
@require_POST
def prove(request: HttpRequest, pk: int) -> HttpResponse:
    """Attach the file's document to its task as evidence."""
    user = reader(request)
    attachment = seen(attachments_visible_to(user), pk)
    task, form = attachment.task, PlainForm(request.POST)
    return carry_out(
        request, form,
        lambda _given: attach_evidence(task=task, snapshot=attachment.snapshot, actor=user),
        done=_("The file is evidence of the task now."), to=reverse("lifecycle:task", args=[task.pk]),
        may=rights_of(user, task.phase.iteration.project).works,
        again=lambda: show_task(request, user, task, Tried("file-evidence", form)),
    )  # fmt: skip
