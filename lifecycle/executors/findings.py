"""What a monitoring run found, as codes for programs and sentences for people."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from lifecycle.executors.monitoring_specs import DriftLimits


@dataclass(frozen=True)
class Finding:
    """One thing found. `decides` says whether it alone makes the verdict of the run `drift`."""

    code: str
    severity: Literal["warning", "drift"]
    subject: str
    text: str
    decides: bool = False


def feature_findings(name: str, found: dict[str, Any], limits: DriftLimits) -> list[Finding]:
    """What is worth saying about one feature."""
    findings = [*_state(name, found)]
    if (found["psi"] or 0) >= limits.psi_warning:
        drifted = found["psi"] >= limits.psi_drift
        limit = limits.psi_drift if drifted else limits.psi_warning
        text = f"“{name}” moved: its population stability index is {found['psi']:.3g}, limit {limit:g}."
        findings.append(Finding("feature_drift", "drift" if drifted else "warning", name, text))
    findings += _tests(name, found, limits)
    if found.get("unseen_share", 0) > limits.unseen_share:
        some = ", ".join(f"“{item}”" for item in found["unseen_categories"][:3])
        text = (
            f"“{name}” holds {found['unseen']} values ({found['unseen_share']:.1%}) that the reference"
            f" does not know, such as {some}; limit {limits.unseen_share:.1%}."
        )
        findings.append(Finding("unseen_categories", "drift", name, text))
    return [*findings, *_quality(name, found, limits)]


def _state(name: str, found: dict[str, Any]) -> list[Finding]:
    if found["state"] == "empty":
        text = f"“{name}” has no value in the whole window."
        return [Finding("feature_empty", "drift", name, text)]
    if found["state"] == "constant":
        text = f"“{name}” holds one and the same value in the whole window."
        return [Finding("feature_constant", "warning", name, text)]
    return []


def _tests(name: str, found: dict[str, Any], limits: DriftLimits) -> list[Finding]:
    findings = []
    statistic, p_value, js = found["statistic"], found["p_value"], found["js"]
    if limits.js_distance is not None and js is not None and js >= limits.js_distance:
        text = f"“{name}” moved: its Jensen-Shannon distance is {js:.3g}, limit {limits.js_distance:g}."
        findings.append(Finding("feature_drift", "drift", name, text))
    ks_limit = limits.ks_statistic if found["kind"] == "numeric" else None
    if ks_limit is not None and statistic is not None and statistic >= ks_limit:
        text = f"“{name}”: the Kolmogorov-Smirnov statistic is {statistic:.3g}, limit {ks_limit:g}."
        findings.append(Finding("feature_drift", "drift", name, text))
    if limits.p_value is not None and p_value is not None and p_value < limits.p_value:
        text = f"“{name}”: equal distributions are improbable (p = {p_value:.2g}, limit {limits.p_value:g})."
        findings.append(Finding("feature_drift", "drift", name, text))
    return findings


def _quality(name: str, found: dict[str, Any], limits: DriftLimits) -> list[Finding]:
    findings = []
    more = found["missing_current"] - found["missing_reference"]
    if more > limits.missing_increase:
        text = f"“{name}” is missing in {found['missing_current']:.1%} of rows, {more:.1%} more than before."
        findings.append(Finding("more_missing", "warning", name, text))
    if found.get("out_of_range_share", 0) > limits.out_of_range_share:
        low, high = found["reference_range"]
        text = f"“{name}” lies outside {low:g} to {high:g} in {found['out_of_range_share']:.1%} of rows."
        findings.append(Finding("out_of_range", "warning", name, text))
    if found.get("type_violations", 0):
        text = f"“{name}” holds {found['type_violations']} values that are no numbers."
        findings.append(Finding("type_violation", "warning", name, text))
    return findings


def window_findings(window: dict[str, Any]) -> list[Finding]:
    """Why the window was not scored."""
    return [Finding(f"window_{window['state']}", "warning", "window", window["text"])]


def segment_findings(segments: dict[str, dict[str, Any]], limits: DriftLimits) -> list[Finding]:
    """Segments that drifted, and those that the reference does not know."""
    findings = []
    for name, found in segments.items():
        if found["state"] == "new":
            text = f"{name} is not in the reference: {found['rows']} rows cannot be compared."
            findings.append(Finding("segment_new", "warning", name, text))
        elif found["verdict"] == "drift":
            findings.append(
                Finding("segment_drift", "drift", name, _moved(name, found, limits), decides=True)
            )
    return findings


def _moved(name: str, found: dict[str, Any], limits: DriftLimits) -> str:
    parts = []
    if found["drifted"] and found["share_drifted"] >= limits.share_drifted:
        names = ", ".join(found["drifted"])
        share = f"{found['share_drifted']:.0%}, limit {limits.share_drifted:.0%}"
        parts.append(
            f"{len(found['drifted'])} of {len(found['features'])} features drifted ({names}): {share}"
        )
    prediction = found["prediction"]
    if prediction and prediction["verdict"] == "drift":
        parts.append(f"the predictions moved, index {prediction['psi']:.3g}, limit {limits.psi_drift:g}")
    return f"In {name} {'; '.join(parts)}."


def overall_findings(
    limits: DriftLimits,
    drifted: Sequence[str],
    features: int,
    prediction: dict[str, Any] | None,
    metric_limits: Sequence[dict[str, Any]],
) -> list[Finding]:
    """What decides the verdict: many drifted features, drifted predictions, metrics beyond limits."""
    findings = []
    if drifted and len(drifted) / features >= limits.share_drifted:
        names = ", ".join(drifted)
        text = (
            f"{len(drifted)} of {features} features drifted ({names}): {len(drifted) / features:.0%},"
            f" limit {limits.share_drifted:.0%}."
        )
        findings.append(Finding("share_drifted", "drift", "features", text, decides=True))
    if prediction and prediction["verdict"] != "ok":
        drift = prediction["verdict"] == "drift"
        limit = limits.psi_drift if drift else limits.psi_warning
        psi = prediction["psi"]
        text = f"The predictions moved: their population stability index is {psi:.3g}, limit {limit:g}."
        severity: Literal["warning", "drift"] = "drift" if drift else "warning"
        findings.append(Finding("prediction_drift", severity, "prediction", text, decides=drift))
    for item in metric_limits:
        if not item["holds"]:
            measured = item["value"] is not None
            code = "metric_limit" if measured else "metric_not_measured"
            subject = item["metric"] + (f"[{item['slice']}]" if item["slice"] else "")
            severity = "drift" if measured else "warning"
            findings.append(Finding(code, severity, subject, item["text"], decides=measured))
    return findings
