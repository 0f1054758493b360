"""Trains a challenger on flights, as a team does that has never heard of Gatebook.

Runs among the peers, with MLflow's own client: train_flights.py PARQUET LAST_MONTH
"""

import sys

import mlflow
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

LAST_DAY = 23
ROWS = 20_000
NUMBERS = ["month", "weekday", "hour", "distance"]
WORDS = ["carrier", "origin"]

mlflow.sklearn.autolog()

path, last_month = sys.argv[1], int(sys.argv[2])
flights = pd.read_parquet(path, columns=[*NUMBERS, *WORDS, "day", "late"]).dropna()
flights = flights[flights["month"] <= last_month].astype({"late": int})
known, held_back = flights[flights["day"] <= LAST_DAY], flights[flights["day"] > LAST_DAY]
known = known.sample(min(ROWS, len(known)), random_state=13)

with mlflow.start_run(run_name=f"Logistic regression, months to {last_month}"):
    features = make_column_transformer(
        (StandardScaler(), NUMBERS), (OneHotEncoder(handle_unknown="ignore"), WORDS)
    )
    model = make_pipeline(features, LogisticRegression(max_iter=500)).fit(
        known[NUMBERS + WORDS], known["late"]
    )
    for step, (_, week) in enumerate(held_back.groupby("day")):
        chance = model.predict_proba(week[NUMBERS + WORDS])[:, 1]
        mlflow.log_metric("brier", brier_score_loss(week["late"], chance), step=step)
