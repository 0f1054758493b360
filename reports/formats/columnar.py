"""Parquet: each table with the types that its values have."""

import io
from typing import TYPE_CHECKING, Any

from reports.formats.tables import DataTable, Value
from reports.papers.kinds import Kind

if TYPE_CHECKING:
    import pyarrow as pa


def parquet_bytes(table: DataTable) -> bytes:
    """One table; a column of numbers that holds a text anywhere is a column of texts."""
    import pandas as pd  # noqa: PLC0415  (weighs a second, and only this form needs it)
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    values = {column.key: [row[n] for row in table.rows] for n, column in enumerate(table.columns)}
    types = {column.key: _type(column.kind, values[column.key]) for column in table.columns}
    frame = pd.DataFrame({key: _fitting(types[key], found) for key, found in values.items()}, dtype=object)
    schema = pa.schema(list(types.items()), metadata={"caption": table.caption})
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pandas(frame, schema=schema, preserve_index=False), out)
    return out.getvalue()


def _type(kind: Kind, values: list[Value]) -> "pa.DataType":
    import pyarrow as pa  # noqa: PLC0415

    if kind is Kind.MOMENT:
        return pa.timestamp("us", tz="UTC")
    if kind is Kind.DAY:
        return pa.date32()
    if kind is Kind.NUMBER:
        there = [value for value in values if value is not None]
        if all(isinstance(value, int) for value in there):
            return pa.int64()
        if all(isinstance(value, int | float) for value in there):
            return pa.float64()
    return pa.string()


def _fitting(kind: "pa.DataType", values: list[Value]) -> list[Any]:
    import pyarrow as pa  # noqa: PLC0415

    if kind == pa.string():
        return [None if value is None else str(value) for value in values]
    return list(values)
