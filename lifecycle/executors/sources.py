"""A first look at the data that a specification names, before anything is recorded: cheap, header only."""

import csv
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from lifecycle.executors.errors import Invalid, nearest
from lifecycle.executors.monitoring_specs import MonitoringSpec
from lifecycle.executors.specs import DataRef, EvaluationSpec, Part, TimeSplit, TrainingSpec
from lifecycle.executors.validation_specs import ValidationSpec


def locate(uri: str, root: Path, where: str = "/data/uri") -> Path:
    """The file behind `uri`, a relative path or `file://` URI below `root`; raises Invalid.

    Links are followed before the check, so that neither `..` nor a link leads out of the root.
    """
    parts = urlsplit(uri)
    if parts.scheme not in ("", "file") or parts.netloc not in ("", "localhost"):
        raise Invalid(
            "scheme_not_allowed", f"“{uri}”: only files can be read, no “{parts.scheme}” address.", where
        )
    if "\0" in uri:
        raise Invalid("bad_uri", "The address of the data contains a null character.", where)
    plain = unquote(parts.path) if parts.scheme == "file" else uri
    allowed = root.resolve()
    path = (allowed / plain).resolve()
    if not path.is_relative_to(allowed):
        raise Invalid("outside_root", f"“{uri}” lies outside the folder that data may be read from.", where)
    if not path.exists():
        raise Invalid("file_missing", f"There is no file “{uri}”.", where)
    if not path.is_file():
        raise Invalid("not_a_file", f"“{uri}” is not a file.", where)
    if path.stat().st_size == 0:
        raise Invalid("file_empty", f"The file “{uri}” has 0 bytes.", where)
    return path


def check_columns(wanted: Any, known: Any, uri: str, where: str) -> None:
    """Raises Invalid naming the first wanted column that is not known, and the nearest that is."""
    names = list(known)
    for name in wanted:
        if name not in names:
            raise Invalid("unknown_column", f"“{uri}” has no column “{name}”. {nearest(name, names)}", where)


def look_ahead(spec: Part, root: Path) -> None:
    """Raises Invalid for a file that is not there or has not the columns that the run will ask for.

    What cannot be told by the header (a file of another format, say) is left to the run.
    """
    if not root.is_dir():
        return
    for ref, columns, where in _asked(spec):
        path = locate(ref.uri, root, f"{where}/uri")
        names = _names(path, ref.format)
        if names is not None:
            check_columns([*columns, *(each.column for each in ref.where)], names, ref.uri, where)


def _names(path: Path, form: str) -> list[str] | None:
    try:
        if form == "csv":
            with path.open(encoding="utf-8-sig", newline="") as file:
                return next(csv.reader(file), [])
        import pyarrow.parquet as pq  # noqa: PLC0415  # most requests never need it

        return list(pq.read_schema(path).names)
    except (OSError, ValueError, csv.Error):  # Arrow's errors are ValueErrors
        return None


def _asked(spec: Part) -> list[tuple[DataRef, list[str], str]]:
    if isinstance(spec, TrainingSpec):
        at = [spec.split.column] if isinstance(spec.split, TimeSplit) else []
        return [(spec.data, [*spec.features.all, *_judged(spec), *at], "/data")]
    if isinstance(spec, EvaluationSpec):
        features = spec.inputs.features.all if spec.inputs else ()
        return [(spec.data, [*features, *_judged(spec)], "/data")]
    if isinstance(spec, MonitoringSpec):
        columns = [*spec.features.all, *_judged(spec), *(cut.column for cut in spec.segments)]
        timed = [spec.window.column] if spec.window else []
        return [(spec.reference, columns, "/reference"), (spec.current, [*columns, *timed], "/current")]
    if isinstance(spec, ValidationSpec):
        others = [
            (part.data, list(part.on), f"/disjoint/{number}/data")
            for number, part in enumerate(spec.disjoint)
        ]
        return [(spec.data, [], "/data"), *others]
    return []


def _judged(spec: Any) -> list[str]:
    """The columns that judging needs beyond the features."""
    return [
        *([spec.target] if spec.target else []),
        *(cut.column for cut in spec.slices),
        *(spec.baseline.columns if spec.baseline else ()),
        *(spec.ranking.columns if spec.ranking else ()),
    ]
