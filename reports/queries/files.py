"""The file of a report as it is given away, the same for page and API."""

import base64

from django.core.files import File
from django.core.files.storage import default_storage
from django.http import FileResponse, Http404
from django.utils.translation import gettext as _

from reports.models import Report


def opened(report: Report, name: str) -> "File[bytes]":
    """One of the files kept with a report. Raises Http404 while there is none, and if it is gone."""
    if report.state != Report.State.FINISHED or not name:
        raise Http404(_("This report is not made yet."))
    try:
        return default_storage.open(name)
    except FileNotFoundError as gone:
        raise Http404(_("The file of this report is no longer there.")) from gone


def file_of(report: Report) -> FileResponse:
    """The PDF with its name and digest. Raises Http404 while there is none, and if it is gone."""
    file = opened(report, report.path)
    response = FileResponse(
        file, as_attachment=True, filename=report.file_name, content_type="application/pdf"
    )
    digest = base64.b64encode(bytes.fromhex(report.digest)).decode()
    response["Repr-Digest"] = f"sha-256=:{digest}:"  # RFC 9530
    response["ETag"] = f'"{report.digest}"'
    response["Cache-Control"] = "private, no-cache"
    return response
