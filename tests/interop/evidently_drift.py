"""Run by the peers' Python: what Evidently says about the drift of the columns of two CSV files, as JSON.

python evidently_drift.py REFERENCE.csv CURRENT.csv '{"size": ["num", "psi"], ...}'
"""

import json
import sys
import warnings

import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.metrics import ValueDrift

warnings.simplefilter("ignore")
reference, current = pd.read_csv(sys.argv[1]), pd.read_csv(sys.argv[2])
asked = json.loads(sys.argv[3])
definition = DataDefinition(
    numerical_columns=[name for name, kind in asked["columns"].items() if kind == "num"],
    categorical_columns=[name for name, kind in asked["columns"].items() if kind == "cat"],
)
found = {}
for column, method in asked["metrics"]:
    report = Report([ValueDrift(column=column, method=method)])
    result = report.run(
        Dataset.from_pandas(current, data_definition=definition),
        Dataset.from_pandas(reference, data_definition=definition),
    )
    found[f"{column}:{method}"] = float(result.dict()["metrics"][0]["value"])
json.dump(found, sys.stdout)
