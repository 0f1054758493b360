"""CSV: UTF-8, a line of titles, moments in UTC; a text that looks like a formula stays a text."""

import csv
import io

from lifecycle.spreadsheets import cell
from reports.formats.tables import DataTable, Value


def csv_bytes(table: DataTable) -> bytes:
    """One table. Numbers keep all their digits."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([cell(column.key) for column in table.columns])
    writer.writerows([_plain(value) for value in row] for row in table.rows)
    return out.getvalue().encode()


def _plain(value: Value) -> object:
    return value if isinstance(value, float) else cell(value)
