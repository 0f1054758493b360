"""The quality measures of a run's record, as words and numbers for its page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _


@dataclass(frozen=True)
class Study:
    """Trainings of one specification that differ in one thing, and the main metric of each."""

    title: str
    what: str
    metric: str
    note: str
    runs: list[tuple[str, float | None]]
    left_out: int


def quality_lines(quality: Mapping[str, Any]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Each of the six measures with what was measured; nothing if the run measured none."""
    titles = {
        "performance": _("Performance"), "robustness": _("Robustness"), "scalability": _("Scalability"),
        "explainability": _("Explainability"), "model_complexity": _("Model complexity"),
        "resource_demand": _("Resource demand"),
    }  # fmt: skip
    return [(title, _lines(name, quality[name])) for name, title in titles.items() if name in quality]


def _lines(name: str, facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    if name == "robustness":
        return _robustness(facts)
    if name == "performance":
        keys = ["value", "low", "high", "baseline", "seed_mean", "seed_std", "fold_mean", "fold_std"]
        main = str(facts.get("metric") or "")
        named = [(main if key == "value" else key.replace("_", " "), facts.get(key)) for key in keys]
    else:
        named = [(key.replace("_", " "), value) for key, value in facts.items()]
    return [(label, _text(value)) for label, value in named if value is not None and value != []]


def _robustness(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for kind, words in (("noise", _("noise %g")), ("missing", _("missing %g"))):
        found += [
            (words % each["level"], _("worse by %s") % _text(each["drop"]))
            for each in facts.get(kind) or []
            if each.get("drop") is not None
        ]
    period = facts.get("period") or {}
    if period.get("drop") is not None:
        found.append((_("later period"), _("worse by %s") % _text(period["drop"])))
    return found


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return ", ".join(str(each) for each in value) if isinstance(value, list) else str(value)


def studies_of(record: Mapping[str, Any]) -> list[Study]:
    """Seed study and cross-validation, where they were made."""
    found = []
    for key, title, what in (
        ("seed_study", _("Seed study"), "seed"),
        ("cross_validation", _("Cross-validation"), "fold"),
    ):
        part = record.get(key)
        if not isinstance(part, dict) or not part.get("runs"):
            continue
        spread = {"mean": _text(part.get("mean")), "std": _text(part.get("std"))}
        found.append(
            Study(
                title=title,
                what=_("Seed") if what == "seed" else _("Fold"),
                metric=str(part.get("metric") or ""),
                note=_("mean %(mean)s, standard deviation %(std)s") % spread,
                runs=[(str(run.get(what)), run.get("value")) for run in part["runs"]],
                left_out=int(part.get("left_out") or 0),
            )
        )
    return found
