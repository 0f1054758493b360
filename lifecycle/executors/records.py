"""Turns results into plain JSON-able values that can be hashed and stored as evidence."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

DIGITS = 12
"""Significant digits that are kept: beyond them lies noise of the order of summation."""


def plain_number(value: float) -> float | int | None:
    """`value` with 12 significant digits; None for what JSON does not know (NaN, infinity)."""
    if not math.isfinite(value):
        return None
    rounded = float(f"{value:.{DIGITS}g}")
    return 0.0 if rounded == 0 else rounded


def to_plain(value: Any) -> Any:
    """Dataclasses, numpy and pandas values as dict, list, str, int, float, bool or None.

    Raises TypeError for a type that has no plain form, rather than storing its `repr`.
    """
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        return plain_number(float(value))
    if isinstance(value, datetime | date | pd.Timestamp):
        return value.isoformat()
    return _plain_container(value)


def _plain_container(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return [to_plain(item) for item in value.tolist()]
    if isinstance(value, Sequence):
        return [to_plain(item) for item in value]
    if isinstance(value, Path):
        return value.name
    raise TypeError(f"A record cannot hold a {type(value).__name__}.")
