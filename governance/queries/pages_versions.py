"""What the evidence says of a model version: metrics, slices, intervals, and one version beside another."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.utils.translation import gettext as _

from governance.models import CriterionResult
from lifecycle.figures import Bullet
from lifecycle.models import Evidence, ModelVersion, Run

_COUNTS = (Evidence.State.ATTACHED, Evidence.State.VERIFIED, Evidence.State.EXPIRED)
_DIGEST_LENGTH = 16
MOST_PARAMETERS = 12


@dataclass(frozen=True)
class Record:
    """What one training or evaluation left behind."""

    kind: str
    run: Run
    content: dict[str, Any]

    def part(self, name: str) -> dict[str, Any]:
        """A mapping inside the record, empty if it has none of this name."""
        found = self.content.get(name)
        return found if isinstance(found, dict) else {}


@dataclass(frozen=True)
class SliceLine:
    """The main metric in one slice. `limit` is the slice's own, else the one for all rows."""

    name: str
    rows: int | None
    baseline: float | None
    observed: float
    limit: float | None
    bullet: Bullet | None

    @property
    def gap(self) -> float | None:
        """How far the value is from its limit; plus is the good side."""
        if self.limit is None or self.bullet is None:
            return None
        return self.observed - self.limit if self.bullet.at_least else self.limit - self.observed

    @property
    def margin(self) -> str:
        """The gap with its sign, as people read it."""
        return "" if self.gap is None else f"{self.gap:+.3f}".replace("-", "−")  # a minus

    @property
    def met(self) -> bool | None:
        return self.bullet.met if self.bullet else None


@dataclass(frozen=True)
class Beside:
    """One property of two versions. `kind` is text, number or digest."""

    name: str
    now: Any
    before: Any
    kind: str = "text"
    group: str = ""

    @property
    def changed(self) -> bool:
        return self.before not in (None, "") and self.now != self.before


@dataclass(frozen=True)
class VersionFacts:
    """A model version with the records that speak of it, trainings first, later ones override."""

    version: ModelVersion | None
    records: tuple[Record, ...]

    @cached_property
    def training(self) -> Record | None:
        return next((record for record in self.records if record.kind == Run.Kind.TRAINING), None)

    @cached_property
    def main_metric(self) -> str:
        """The metric that the records call their main one; empty without records."""
        named = [str(record.content.get("main_metric") or "") for record in self.records]
        return next((name for name in reversed(named) if name), "")

    @cached_property
    def metrics(self) -> dict[str, float]:
        found: dict[str, float] = {}
        for record in self.records:
            found.update(_numbers(record.part("metrics")))
        return found

    @cached_property
    def slices(self) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        for record in self.records:
            for name, values in record.part("slices").items():
                found.setdefault(name, {}).update(values)
        return found

    def interval(self, metric: str, slice_: str) -> tuple[float | None, float | None]:
        """The 95 % interval of a value; only the main metric has one."""
        if metric != self.main_metric:
            return None, None
        found = self.slices.get(slice_, {}).get("interval") if slice_ else self._overall_interval
        return _bound(found, "low"), _bound(found, "high")

    @property
    def _overall_interval(self) -> Any:
        found = [record.part("interval") for record in self.records if record.part("interval")]
        return found[-1] if found else None

    def slice_lines(self, limits: Mapping[str, CriterionResult], before: VersionFacts) -> list[SliceLine]:
        """The main metric by slice, the least margin first.

        `limits` holds the criteria on it by slice, the overall one under "".
        """
        metric, lines = self.main_metric, []
        for name, values in self.slices.items():
            observed = values.get(metric)
            if not isinstance(observed, int | float):
                continue
            asked = limits.get(name) or limits.get("")
            old = before.slices.get(name, {}).get(metric)
            bullet = None
            if asked is not None and asked.limit is not None:
                low, high = self.interval(metric, name)
                bullet = Bullet(asked.limit, asked.operator, observed, old, low, high)
            lines.append(
                SliceLine(
                    name=name.replace("=", " "),
                    rows=values.get("rows"),
                    baseline=values.get(f"baseline_{metric}"),
                    observed=observed,
                    limit=asked.limit if asked else None,
                    bullet=bullet,
                )
            )
        return sorted(lines, key=lambda line: (line.gap is None, line.gap, line.name))

    def beside(self, before: VersionFacts) -> list[Beside]:
        """One version beside another, a property a line: artifact, data, code, metrics, parameters."""
        return [
            *_artifact_lines(self, before),
            *_training_lines(self, before),
            *_metric_lines(self, before),
            *_parameter_lines(self, before),
        ]


def records_of(evidence: Iterable[Evidence], version: int | None) -> list[Record]:
    """The records of trainings and evaluations of a model version in this evidence. No query.

    Expects `snapshot__run` to be selected. What was rejected does not count.
    """
    found = [
        Record(item.snapshot.kind, item.snapshot.run, json.loads(item.snapshot.content).get("record") or {})
        for item in evidence
        if version is not None
        and item.snapshot.kind in (Run.Kind.TRAINING, Run.Kind.EVALUATION)
        and item.state in _COUNTS
        and item.snapshot.run is not None
        and item.snapshot.run.model_version_id == version
    ]
    return sorted(found, key=lambda record: record.kind == Run.Kind.EVALUATION)


def _artifact_lines(now: VersionFacts, before: VersionFacts) -> list[Beside]:
    this, last = now.version, before.version
    return [
        Beside(_("Model digest"), this.digest if this else "", last.digest if last else "", "digest"),
        Beside(_("Size"), _size(this), _size(last)),
        Beside(_("Made"), this.created_at if this else None, last.created_at if last else None, "time"),
    ]


def _training_lines(now: VersionFacts, before: VersionFacts) -> list[Beside]:
    def both(name: str, part: str, key: str, kind: str = "text") -> Beside:
        return Beside(name, _from(now.training, part, key), _from(before.training, part, key), kind)

    return [
        both(_("Training data"), "data", "uri"),
        both(_("Data digest"), "data", "sha256", "digest"),
        both(_("Training rows"), "split", "train_rows", "number"),
        Beside(_("Features"), _features(now.training), _features(before.training), "number"),
        both(_("Target"), "parameters", "target"),
        both(_("Estimator"), "parameters", "estimator"),
        both(_("Code"), "code", "commit", "digest"),
        both(_("scikit-learn"), "code", "scikit-learn"),
        both(_("Python"), "code", "python"),
    ]


def _metric_lines(now: VersionFacts, before: VersionFacts) -> list[Beside]:
    return [
        Beside(name, value, before.metrics.get(name), "number", _("Metrics"))
        for name, value in now.metrics.items()
    ]


def _parameter_lines(now: VersionFacts, before: VersionFacts) -> list[Beside]:
    """The parameters that differ; without an earlier version the first dozen of all."""
    shown = {"target", "estimator"}
    this = now.training.part("parameters") if now.training else {}
    last = before.training.part("parameters") if before.training else {}
    names = [name for name in {**this, **last} if name not in shown]
    if last:
        names = [name for name in names if this.get(name) != last.get(name)]
    return [
        Beside(name, _shown(this.get(name)), _shown(last.get(name)), "text", _("Parameters"))
        for name in names[:MOST_PARAMETERS]
    ]


def _from(record: Record | None, part: str, key: str) -> Any:
    return record.part(part).get(key) if record else None


def _features(record: Record | None) -> int | None:
    found = record.content.get("features") if record else None
    if isinstance(found, dict):
        return sum(len(part) if isinstance(part, list) else 1 for part in found.values())
    return len(found) if isinstance(found, list) else None


def _shown(value: Any) -> str:
    if value is None:
        return ""
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _size(version: ModelVersion | None) -> str:
    if version is None:
        return ""
    kilobytes = version.size / 1000
    return f"{kilobytes:.0f} kB" if kilobytes < 1000 else f"{kilobytes / 1000:.1f} MB"


def _bound(found: Any, side: str) -> float | None:
    value = found.get(side) if isinstance(found, dict) else None
    return float(value) if isinstance(value, int | float) else None


def _numbers(values: Mapping[str, Any]) -> dict[str, float]:
    return {
        name: float(value)
        for name, value in values.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
