"""Reading what Evidently writes: the JSON of a snapshot (0.7), of a report and of a test suite (before 0.7).

What is not one of these layouts is refused, with what is unknown about it. Metrics of any type are kept;
those about drift become features with a verdict, which monitoring pages and triggers read.
"""

import datetime as dt
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import rfc8785
from django.utils.translation import gettext as _

from lifecycle.errors import Invalid
from lifecycle.intake.canonical import canonical

Json = dict[str, Any]
MOST_ITEMS = 5_000
_SCORES = {
    "RMSE": "rmse", "MAE": "mae", "MAPE": "mape", "R2Score": "r2", "MeanError": "bias",
    "Accuracy": "accuracy", "Precision": "precision", "Recall": "recall", "F1Score": "f1",
    "RocAuc": "roc_auc", "LogLoss": "log_loss",
}  # fmt: skip
_OLD_SCORES = {
    "rmse": "rmse", "mean_abs_error": "mae", "mean_abs_perc_error": "mape", "r2_score": "r2",
    "mean_error": "bias", "accuracy": "accuracy", "precision": "precision", "recall": "recall", "f1": "f1",
    "roc_auc": "roc_auc", "log_loss": "log_loss",
}  # fmt: skip
_STATUS = {"SUCCESS": "pass", "FAIL": "fail", "WARNING": "warning", "ERROR": "error", "SKIPPED": "skip"}


def read_evidently(document: object) -> Json:
    """Everything of a monitoring run (`OutsideRun`) that the document says; `external_id` is its digest.

    `finished_at` is there where the layout has a time. Raises `Invalid("unknown_layout")`, saying what.
    """
    layout = _layout(document)
    assert isinstance(document, dict)
    found = _Found()
    if layout == "snapshot":
        _read_snapshot(document, found)
    else:
        _read_old(document, found)
    return found.run(document, layout)


def _layout(document: object) -> str:
    if not isinstance(document, dict):
        raise _unknown(_("it is no JSON object"))
    metrics, tests = document.get("metrics"), document.get("tests")
    if "metric_results" in document or "widgets" in document:
        raise _unknown(_("it is the full form (dump_dict); send what json() or save_json() gives"))
    if isinstance(metrics, list):
        return _layout_of_metrics(document, metrics)
    if isinstance(tests, list) and isinstance(document.get("summary"), dict):
        for at, each in enumerate(tests):
            if not isinstance(each, dict) or not {"name", "status"} <= set(each):
                raise _unknown(_("this is no test: %(keys)s") % {"keys": _keys(each)}, f"/tests/{at}")
        return "suite"
    raise _unknown(_("its keys are %(keys)s") % {"keys": _keys(document)})


def _layout_of_metrics(document: Json, metrics: list[Any]) -> str:
    new = "version" not in document and "timestamp" not in document
    needed = {"metric_name", "value"} if new else {"metric", "result"}
    for at, each in enumerate(metrics):
        if not isinstance(each, dict) or not needed <= set(each):
            raise _unknown(_("this is no metric: %(keys)s") % {"keys": _keys(each)}, f"/metrics/{at}")
    extra = set(document) - ({"metrics", "tests"} if new else {"version", "metrics", "timestamp", "metadata"})
    if extra:
        raise _unknown(_("it also has %(keys)s") % {"keys": ", ".join(sorted(map(str, extra)))[:200]})
    return "snapshot" if new else "report"


def _unknown(what: str, where: str = "") -> Invalid:
    text = _(
        "This is no layout of Evidently that is known (snapshot of 0.7, report or test suite before): "
        "%(what)s."
    )
    return Invalid("unknown_layout", text % {"what": what}, where)


def _keys(value: object) -> str:
    return ", ".join(map(str, list(value)[:20]))[:300] if isinstance(value, dict) else repr(value)[:80]


class _Found:
    """What has been read so far."""

    def __init__(self) -> None:
        self.metrics: Json = {}
        self.reference: Json = {}
        self.features: dict[str, Json] = {}
        self.checks: list[Json] = []
        self.rows: Json = {}
        self.share: float | None = None
        self.limit = 0.5
        self.drift: bool | None = None

    def number(self, name: str, value: object) -> None:
        """Keep a metric of any name, if it is a number."""
        name = _line(name, 250)
        if isinstance(value, str) and value in ("NaN", "Infinity", "-Infinity"):
            self.metrics[name] = value
        elif (number := _number(value)) is not None:
            self.metrics[name] = number

    def feature(
        self, column: object, method: object, value: object, threshold: object, drift: object
    ) -> None:
        """Keep how a column moved."""
        name, score = _line(column, 250), _number(value)
        if not name:
            return
        limit, words = _number(threshold), _line(method, 200)
        if not isinstance(drift, bool) and score is not None and limit is not None:
            drift = score < limit if "p_value" in words else score >= limit
        verdict = "unknown" if not isinstance(drift, bool) else "drift" if drift else "ok"
        kept: Json = {"verdict": verdict, "method": words}
        if score is not None:
            kept["p_value" if "p_value" in words else "statistic"] = score
        if limit is not None:
            kept["threshold"] = limit
        if words.upper().startswith("PSI") and score is not None:
            kept["psi"] = score
        self.features[name] = kept

    def check(self, name: object, status: object, text: object, column: object = "") -> None:
        said = _STATUS.get(str(status).upper(), "error")
        self.checks.append(
            {
                "name": _line(name, 500) or "test", "status": said, "text": _line(text, 2_000),
                "column": _line(column, 500),
            }
        )  # fmt: skip

    def findings(self) -> Iterator[Json]:
        for name, feature in self.features.items():
            if feature["verdict"] == "drift":
                said = {"name": name, "method": feature["method"] or "?"}
                yield {
                    "code": "feature_drift", "severity": "drift", "feature": name,
                    "text": _("“%(name)s” has drifted by %(method)s.") % said,
                }  # fmt: skip
        for check in self.checks:
            if check["status"] in ("fail", "error") and not self._says_drift(check):
                words = check["text"] or check["name"]
                yield {"code": "test_failed", "severity": "bad", "text": words, "feature": check["column"]}

    def _says_drift(self, check: Json) -> bool:
        feature = self.features.get(check["column"])
        return feature is not None and feature["verdict"] == "drift"

    def run(self, document: Json, layout: str) -> Json:
        drifted = [name for name, each in self.features.items() if each["verdict"] == "drift"]
        share = self.share
        if share is None and self.features:
            share = len(drifted) / len(self.features)
        findings = list(self.findings())[:2_000]
        failed = any(each["status"] in ("fail", "error") for each in self.checks)
        whole = self.drift if self.drift is not None else share is not None and share >= self.limit
        verdict = "drift" if whole else "warning" if failed or findings else "ok"
        outcome: Json = {
            "verdict": verdict, "findings": findings, "checks": self.checks, "features": self.features,
            "metrics_reference": {
                name: value for name, value in self.reference.items() if name in self.metrics
            },
        }  # fmt: skip
        if share is not None:
            outcome["share_drifted"] = min(max(share, 0.0), 1.0)
        if self.rows:
            outcome["rows"] = self.rows
        main = next((name for name in _SCORES.values() if name in self.metrics), "")
        if main:
            outcome["main_metric"] = main
        run: Json = {
            "external_id": _digest(document), "kind": "MON", "metrics": self.metrics, "outcome": outcome,
            "detail": {"evidently": {"layout": layout, "version": _line(document.get("version"), 40)}},
        }  # fmt: skip
        if moment := _moment(document.get("timestamp")):
            run["finished_at"] = moment
        return run


def _read_snapshot(document: Json, found: _Found) -> None:
    judged: dict[str, bool] = {}
    tests = document.get("tests") or []
    for at, test in enumerate(tests[:MOST_ITEMS]):
        if not isinstance(test, dict) or "status" not in test:
            raise _unknown(_("this is no test: %(keys)s") % {"keys": _keys(test)}, f"/tests/{at}")
        config = test.get("metric_config") or {}
        column = (config.get("params") or {}).get("column") or ""
        found.check(test.get("name"), test["status"], test.get("description"), column)
        if test.get("id") == "drift" and test["status"] in ("SUCCESS", "FAIL"):
            judged[str(config.get("metric_id"))] = test["status"] == "FAIL"
    for metric in document["metrics"][:MOST_ITEMS]:
        _read_metric(metric, found, judged)


def _read_metric(metric: Json, found: _Found, judged: dict[str, bool]) -> None:
    name, value = str(metric["metric_name"]), metric["value"]
    config = metric.get("config") or {}
    kind = str(config.get("type", "")).rpartition(":")[2] or name.partition("(")[0]
    column = config.get("column")
    if kind == "ValueDrift":
        found.feature(
            column, config.get("method"), value, config.get("threshold"), judged.get(str(metric.get("id")))
        )
    elif kind == "DriftedColumnsCount" and isinstance(value, dict):
        found.share = _number(value.get("share"))
        found.limit = _number(config.get("drift_share")) or found.limit
    elif kind == "RowCount" and (rows := _number(value)) is not None:
        found.rows["current"] = int(rows)
    plain = _SCORES.get(kind)
    if plain and column is None and plain not in found.metrics:
        found.number(plain, value.get("mean") if isinstance(value, dict) else value)
    if isinstance(value, dict):
        for key, inner in list(value.items())[:200]:
            if isinstance(inner, dict):
                for deeper, last in list(inner.items())[:200]:
                    found.number(f"{name}.{key}.{deeper}", last)
            else:
                found.number(f"{name}.{key}", inner)
    else:
        found.number(name, value)


def _read_old(document: Json, found: _Found) -> None:
    for metric in (document.get("metrics") or [])[:MOST_ITEMS]:
        result = metric["result"] if isinstance(metric["result"], dict) else {}
        _read_old_metric(str(metric["metric"]), result, found)
    for test in (document.get("tests") or [])[:MOST_ITEMS]:
        parameters = test.get("parameters") if isinstance(test.get("parameters"), dict) else {}
        column = parameters.get("column_name") or ""
        found.check(test["name"], test["status"], test.get("description"), column)
        features = parameters.get("features")
        if isinstance(features, dict):
            for name, each in features.items():
                if isinstance(each, dict):
                    found.feature(
                        name, each.get("stattest"), each.get("score"), each.get("threshold"),
                        each.get("detected"),
                    )  # fmt: skip
        elif column and "score" in parameters:
            found.feature(
                column, parameters.get("stattest"), parameters["score"], parameters.get("threshold"),
                parameters.get("detected"),
            )  # fmt: skip


def _read_old_metric(name: str, result: Json, found: _Found) -> None:
    if isinstance(result.get("dataset_drift"), bool):
        found.drift, found.share = result["dataset_drift"], _number(result.get("share_of_drifted_columns"))
    columns = result.get("drift_by_columns")
    moved = (
        list(columns.values()) if isinstance(columns, dict) else [result] if "drift_score" in result else []
    )
    for each in moved:
        if isinstance(each, dict):
            found.feature(
                each.get("column_name"), each.get("stattest_name"), each.get("drift_score"),
                each.get("stattest_threshold"), each.get("drift_detected"),
            )  # fmt: skip
    current, reference = result.get("current"), result.get("reference")
    for values, numbers in ((current, found.metrics), (reference, found.reference)):
        if not isinstance(values, dict):
            continue
        for theirs, ours in _OLD_SCORES.items():
            if (number := _number(values.get(theirs))) is not None and name.endswith("QualityMetric"):
                numbers.setdefault(ours, number)
    for key, value in list(result.items())[:500]:
        found.number(f"{name}.{key}", value)
    if isinstance(current, dict):
        for key, value in list(current.items())[:500]:
            found.number(f"{name}.current.{key}", value)


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    number = float(value) if abs(value) < 2**1000 else None
    return number if number == number and number not in (float("inf"), float("-inf")) else None  # noqa: PLR0124


def _line(value: object, most: int) -> str:
    text = "" if value is None else str(value)
    return "".join(each if each.isprintable() else " " for each in text[:most]).strip()


def _digest(document: Json) -> str:
    try:
        return sha256(canonical(document)).hexdigest()
    except (rfc8785.CanonicalizationError, UnicodeEncodeError) as error:
        text = _("The document can not be kept as JSON: %(why)s") % {"why": error}
        raise Invalid("not_json", text) from error


def _moment(value: object) -> str | None:
    """The time of an old layout, which names no zone: it is taken for UTC."""
    if not isinstance(value, str):
        return None
    try:
        moment = dt.datetime.fromisoformat(value)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)).isoformat()
