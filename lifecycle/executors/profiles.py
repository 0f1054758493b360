"""What a data set holds, column by column, before any rule is asked."""

from typing import Any

import numpy as np
import pandas as pd

from lifecycle.executors.columns import try_numbers

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
TOP_CATEGORIES = 20


def profile_column(column: "pd.Series[Any]") -> dict[str, Any]:
    """Rows, missing share and distinct values; numbers with range, mean and quantiles, texts with counts."""
    common = {
        "missing": int(column.isna().sum()),
        "missing_share": float(column.isna().mean()) if len(column) else None,
        "distinct": int(column.nunique()),
    }
    if pd.api.types.is_datetime64_any_dtype(column):
        there = column.dropna()
        ends = {"min": there.min().isoformat(), "max": there.max().isoformat()} if len(there) else {}
        return {"kind": "date", **common, **ends}
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        return {"kind": "number", **common, **_numbers(column)}
    counts = column.dropna().astype(str).value_counts()
    top = {
        str(name): int(count)
        for name, count in sorted(counts.items(), key=lambda item: (-item[1], str(item[0])))
    }
    return {
        "kind": "boolean" if pd.api.types.is_bool_dtype(column) else "text",
        **common,
        "categories": dict(list(top.items())[:TOP_CATEGORIES]),
    }


def _numbers(column: "pd.Series[Any]") -> dict[str, Any]:
    values, _ = try_numbers(column)
    finite = values[np.isfinite(values)]
    infinite = int(np.isinf(values).sum())
    if not finite.size:
        return {"infinite": infinite}
    quantiles = np.quantile(finite, QUANTILES)
    return {
        "infinite": infinite,
        "min": float(finite.min()),
        "max": float(finite.max()),
        "mean": float(finite.mean()),
        "std": float(finite.std()),
        "quantiles": {f"{share:g}": float(value) for share, value in zip(QUANTILES, quantiles, strict=True)},
    }
