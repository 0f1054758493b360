"""Compares a month of flights with the months before it, by Evidently, and prints its report as JSON.

Runs among the peers: watch_flights.py PARQUET MONTH REFERENCE_UNTIL
"""

import sys

import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataDriftPreset

ROWS = 20_000
NUMBERS = ["hour", "distance", "sched_dep_minutes"]
WORDS = ["carrier", "origin"]

path, month, until = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
flights = pd.read_parquet(path, columns=[*NUMBERS, *WORDS, "month"])
columns = DataDefinition(numerical_columns=NUMBERS, categorical_columns=WORDS)


def part(rows: pd.DataFrame) -> Dataset:
    """A sample of the rows, as Evidently takes it."""
    kept = rows.sample(min(ROWS, len(rows)), random_state=13)[NUMBERS + WORDS]
    return Dataset.from_pandas(kept, data_definition=columns)


report = Report([DataDriftPreset(method="psi")], include_tests=True)
found = report.run(part(flights[flights["month"] == month]), part(flights[flights["month"] <= until]))
sys.stdout.write(found.json())
