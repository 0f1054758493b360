"""Reads data files: only below an allowed root, of bounded size, with errors that name the place."""

import csv
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from lifecycle.executors.errors import ExecutorError, Invalid
from lifecycle.executors.sources import check_columns, locate
from lifecycle.executors.specs import Condition, DataRef

MAX_BYTES = 512 * 1024**2
"""The largest file that is read; a run is meant for one machine's memory."""
MAX_CELLS = 100_000_000
"""The most cells (rows times columns) that are read; a small file can unpack to a large table."""
MIN_ROWS = 20
"""Fewer rows than this prove nothing about a model."""
_CHUNK = 1024**2


__all__ = ["Dataset", "check_columns", "check_rows", "file_digest", "keep_rows", "locate", "read"]


@dataclass(frozen=True)
class Dataset:
    """A table as read, with the digest of the file it came from."""

    uri: str
    sha256: str
    bytes: int
    frame: pd.DataFrame
    rows_in_file: int
    columns: tuple[str, ...]

    def to_record(self) -> dict[str, Any]:
        """What identifies the data in a run's record; `rows` counts after the row filter."""
        return {
            "uri": self.uri,
            "sha256": self.sha256,
            "bytes": self.bytes,
            "rows": len(self.frame),
            "rows_in_file": self.rows_in_file,
            "columns": list(self.columns),
        }


def file_digest(path: Path) -> str:
    """SHA-256 of a file, lowercase hex, read in chunks."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def read(
    ref: DataRef,
    *,
    root: Path,
    columns: Iterable[str] | None = None,
    where: str = "/data",
    max_bytes: int = MAX_BYTES,
) -> Dataset:
    """The rows of `ref` that its conditions keep; of `columns` only, when given.

    Raises Invalid for a file outside the root, missing, empty, too large, with another digest than
    expected or not parsable, and for an unknown column (naming the nearest).
    """
    path = locate(ref.uri, root, f"{where}/uri")
    size = path.stat().st_size
    if size > max_bytes:
        text = f"The file “{ref.uri}” has {size:,} bytes; at most {max_bytes:,} are read."
        raise Invalid("file_too_large", text, f"{where}/uri")
    digest = file_digest(path)
    if ref.sha256 and digest != ref.sha256:
        text = (
            f"The file “{ref.uri}” is not the one expected: its SHA-256 is {digest}, expected {ref.sha256}."
        )
        raise Invalid("digest_differs", text, f"{where}/sha256")
    known = _header(path, ref, where)
    wanted = [*columns] if columns is not None else known
    needed = list(dict.fromkeys([*wanted, *(condition.column for condition in ref.where)]))
    check_columns(needed, known, ref.uri, where)
    frame = _load(path, ref, needed, where)
    kept = keep_rows(frame, ref.where, f"{where}/where")
    return Dataset(ref.uri, digest, size, kept, len(frame), tuple(known))


def _header(path: Path, ref: DataRef, where: str) -> list[str]:
    names = _parquet_header(path, ref, where) if ref.format == "parquet" else _csv_header(path, ref, where)
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        text = f"“{ref.uri}” has the column name “{twice[0]}” {names.count(twice[0])} times."
        raise Invalid("duplicate_columns", text, f"{where}/uri")
    return names


def _csv_header(path: Path, ref: DataRef, where: str) -> list[str]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return next(csv.reader(file), [])
    except (UnicodeDecodeError, csv.Error) as error:
        raise Invalid("not_parsable", f"“{ref.uri}” is not CSV in UTF-8: {error}.", f"{where}/uri") from error


def _parquet_header(path: Path, ref: DataRef, where: str) -> list[str]:
    try:
        with pq.ParquetFile(path) as file:
            names, rows = list(file.schema_arrow.names), file.metadata.num_rows
    except (pa.ArrowException, OSError) as error:
        raise Invalid(
            "not_parsable", f"“{ref.uri}” is not a Parquet file: {error}", f"{where}/uri"
        ) from error
    _check_cells(rows, len(names), ref, where)
    return names


def _check_cells(rows: int, columns: int, ref: DataRef, where: str) -> None:
    if rows * columns > MAX_CELLS:
        text = f"“{ref.uri}” has {rows:,} rows of {columns} columns; at most {MAX_CELLS:,} cells are read."
        raise Invalid("file_too_large", text, f"{where}/uri")


def _load(path: Path, ref: DataRef, columns: list[str], where: str) -> pd.DataFrame:
    try:
        if ref.format == "parquet":
            return pd.read_parquet(path, columns=columns)
        frame = pd.read_csv(path, encoding="utf-8-sig")
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError, pa.ArrowException) as error:
        line = re.search(r"line (\d+)", str(error))
        place = f" at line {line.group(1)}" if line else ""
        reason = str(error).removeprefix("Error tokenizing data. C error: ").strip()
        raise Invalid(
            "not_parsable", f"“{ref.uri}” cannot be read{place}: {reason}", f"{where}/uri"
        ) from error
    except OSError as error:
        raise ExecutorError("read data", f"“{ref.uri}” cannot be read: {error}") from error
    if not isinstance(frame.index, pd.RangeIndex):  # pandas takes what is too much for row names
        text = f"“{ref.uri}” cannot be read at line 2: it has more fields than the header."
        raise Invalid("not_parsable", text, f"{where}/uri")
    _check_cells(len(frame), len(frame.columns), ref, where)
    return frame[columns]


def keep_rows(frame: pd.DataFrame, conditions: Iterable[Condition], where: str) -> pd.DataFrame:
    """The rows where all conditions hold, numbered anew; raises Invalid when one cannot be compared."""
    keep = np.ones(len(frame), dtype=bool)
    for position, condition in enumerate(conditions):
        try:
            keep &= _holds(frame[condition.column], condition)
        except (TypeError, ValueError) as error:
            text = f"“{condition.column}” cannot be compared with {condition.value!r}: {error}"
            raise Invalid("bad_condition", text, f"{where}/{position}") from error
    return frame.loc[keep].reset_index(drop=True)


def _holds(column: "pd.Series[Any]", condition: Condition) -> "np.ndarray[Any, np.dtype[np.bool_]]":
    value: Any = condition.value
    if pd.api.types.is_datetime64_any_dtype(column):
        value = [pd.Timestamp(item) for item in value] if isinstance(value, list) else pd.Timestamp(value)
    match condition.op:
        case "in":
            held = column.isin(value)
        case "not in":
            held = ~column.isin(value)
        case "==":
            held = column == value
        case "!=":
            held = column != value
        case "<":
            held = column < value
        case "<=":
            held = column <= value
        case ">":
            held = column > value
        case ">=":
            held = column >= value
    return (held.fillna(False) & column.notna()).to_numpy(dtype=bool)


def check_rows(dataset: Dataset, where: str = "/data") -> None:
    """Raises Invalid when the data are too few to say anything."""
    rows = len(dataset.frame)
    if dataset.rows_in_file < MIN_ROWS:
        count = f"{dataset.rows_in_file} row{'' if dataset.rows_in_file == 1 else 's'}"
        raise Invalid(
            "too_few_rows", f"“{dataset.uri}” has {count}; at least {MIN_ROWS} are needed.", f"{where}/uri"
        )
    if rows < MIN_ROWS:
        text = f"Only {rows} of {dataset.rows_in_file} rows pass the filter; at least {MIN_ROWS} are needed."
        raise Invalid("too_few_rows", text, f"{where}/where")
