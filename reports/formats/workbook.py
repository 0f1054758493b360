"""A workbook (XLSX): first a sheet with verdict and answers, then one for each table."""

import io
import re
from datetime import date, datetime
from typing import Any

from reports.formats.tables import DataTable, Value, tables_of
from reports.papers.kinds import Kind

SHEET_NAME = 31  # characters that the format allows
CELL = 32_767  # characters that it allows in a cell
ROWS = 1_048_576
EXACT = 2**53  # from here on a number of the format is no longer exact
_FORBIDDEN = re.compile(r"[\[\]:*?/\\']")
# Nothing that a text says is taken for a formula, an address or a number.
_AS_TEXT = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
_WIDTHS = {Kind.MOMENT: 20, Kind.DAY: 12, Kind.NUMBER: 12, Kind.DIGEST: 66, Kind.STATE: 18}


def xlsx_bytes(data: dict[str, Any]) -> bytes:
    """The whole report. Rows beyond the format's million are left out, and the sheet's last row says so."""
    import xlsxwriter  # noqa: PLC0415  (only whoever asks for a workbook needs it)

    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"constant_memory": True, "in_memory": True, **_AS_TEXT})
    made = _naive(datetime.fromisoformat(data["as_of"]))
    book.set_properties({"title": data["title"], "subject": data["name"], "created": made})
    looks = {
        "head": book.add_format({"bold": True, "bottom": 1}),
        Kind.MOMENT: book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}),
        Kind.DAY: book.add_format({"num_format": "yyyy-mm-dd"}),
    }
    used: set[str] = set()
    _summary(book.add_worksheet(_sheet_name("report", used)), data, looks)
    for table in tables_of(data):
        _sheet(book.add_worksheet(_sheet_name(table.name, used)), table, looks)
    book.close()
    return out.getvalue()


def _summary(sheet: Any, data: dict[str, Any], looks: dict[Any, Any]) -> None:
    sheet.set_column(0, 0, 40)
    sheet.set_column(1, 2, 60)
    lines: list[tuple[str, ...]] = [
        (data["title"], data["name"]),
        ("as of, UTC", data["as_of"]),
        ("report", data["report"]),
        *[(str(name), str(value)) for name, value in data["facts"]],
        ("verdict", data["verdict"]["sentence"]),
        *[(each["question"], each["why"], each["mark"]["word"]) for each in data["answers"]],
    ]
    for number, line in enumerate(lines):
        for column, text in enumerate(line):
            sheet.write_string(number, column, text[:CELL], looks["head"] if not number else None)


def _sheet(sheet: Any, table: DataTable, looks: dict[Any, Any]) -> None:
    for number, column in enumerate(table.columns):
        sheet.set_column(number, number, _WIDTHS.get(column.kind, 28))
        sheet.write_string(0, number, column.title, looks["head"])
    sheet.freeze_panes(1, 0)
    fits = table.rows[: ROWS - 2]
    for line, row in enumerate(fits, start=1):
        for number, value in enumerate(row):
            _write(sheet, line, number, value, looks)
    if len(fits) < len(table.rows):
        sheet.write_string(ROWS - 1, 0, f"{len(table.rows) - len(fits)} more rows: see the CSV")


def _write(sheet: Any, line: int, column: int, value: Value, looks: dict[Any, Any]) -> None:
    if value is None:
        return
    if isinstance(value, datetime):
        sheet.write_datetime(line, column, _naive(value), looks[Kind.MOMENT])
    elif isinstance(value, date):
        sheet.write_datetime(line, column, value, looks[Kind.DAY])
    elif isinstance(value, int | float) and abs(value) < EXACT:
        sheet.write_number(line, column, value)
    else:
        sheet.write_string(line, column, str(value)[:CELL])


def _naive(moment: datetime) -> datetime:
    """The format knows no zones; all moments are UTC, and the titles say so."""
    return moment.replace(tzinfo=None)


def _sheet_name(name: str, used: set[str]) -> str:
    base = _FORBIDDEN.sub(" ", name)[:SHEET_NAME] or "table"
    found, number = base, 2
    while found.lower() in used:
        found = f"{base[: SHEET_NAME - 4]} {number}"
        number += 1
    used.add(found.lower())
    return found
