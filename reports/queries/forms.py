"""A finished report in the form that a reader wants to take along, the same for page and API."""

import io
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import Http404, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from reports.formats.archives import File, write_archive
from reports.formats.columnar import parquet_bytes
from reports.formats.comma import csv_bytes
from reports.formats.tables import DataTable, tables_of
from reports.formats.workbook import xlsx_bytes
from reports.models import Report
from reports.queries.files import opened
from reports.queries.packs import pack_bytes

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@dataclass(frozen=True, kw_only=True)
class Form:
    """`write` makes the bytes of a finished report; `label` says to a reader what they are."""

    label: Any
    suffix: str
    media: str
    write: Callable[[Report], bytes]


def data_of(report: Report) -> dict[str, Any]:
    """What the report says, as data. Raises Http404 while there is none, and if it is gone."""
    return dict(json.loads(_kept(report)))


def form_of(report: Report, name: str) -> HttpResponse:
    """The report in one of `FORMS`. Raises Http404 for another name, and while there is nothing to write."""
    form = FORMS.get(name)
    if form is None:
        raise Http404(_("A report has no form “%(name)s”.") % {"name": name})
    return _answer(form.write(report), form.media, report.file_name.removesuffix(".pdf") + form.suffix)


def table_of(report: Report, name: str) -> HttpResponse:
    """One table as CSV. Raises Http404 for a table that the report does not have."""
    for table in tables_of(data_of(report)):
        if table.name == name:
            stem = report.file_name.removesuffix(".pdf")
            return _answer(csv_bytes(table), "text/csv; charset=utf-8", f"{stem}-{name}.csv")
    raise Http404(_("This report has no table “%(name)s”.") % {"name": name})


def _answer(content: bytes, media: str, name: str) -> HttpResponse:
    return HttpResponse(
        content,
        content_type=media,
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "private, no-cache",
        },
    )


def _kept(report: Report) -> bytes:
    with opened(report, report.data_path) as file:
        return bytes(file.read())


def _each_table(write: Callable[[DataTable], bytes], suffix: str) -> Callable[[Report], bytes]:
    def whole(report: Report) -> bytes:
        data = data_of(report)
        files = ((f"{table.name}{suffix}", write(table)) for table in tables_of(data))
        return _archive(files, datetime.fromisoformat(data["as_of"]))

    return whole


def _archive(files: Iterable[File], moment: datetime) -> bytes:
    out = io.BytesIO()
    write_archive(out, files, moment)
    return out.getvalue()


FORMS: dict[str, Form] = {
    "xlsx": Form(
        label=gettext_lazy("Workbook (XLSX)"),
        suffix=".xlsx",
        media=XLSX,
        write=lambda report: xlsx_bytes(data_of(report)),
    ),
    "csv": Form(
        label=gettext_lazy("All tables as CSV (ZIP)"),
        suffix="-csv.zip",
        media="application/zip",
        write=_each_table(csv_bytes, ".csv"),
    ),
    "parquet": Form(
        label=gettext_lazy("All tables as Parquet (ZIP)"),
        suffix="-parquet.zip",
        media="application/zip",
        write=_each_table(parquet_bytes, ".parquet"),
    ),
    "json": Form(label=gettext_lazy("Data (JSON)"), suffix=".json", media="application/json", write=_kept),
    "pack": Form(
        label=gettext_lazy("Audit pack (ZIP)"),
        suffix="-pack.zip",
        media="application/zip",
        write=lambda report: pack_bytes(report, data_of(report)),
    ),
}
