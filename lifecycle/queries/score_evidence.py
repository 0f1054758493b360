"""What the records say of items of the ML Test Score.

Half a point is for what people did and documented, a whole point for what runs by itself, again and again:
a run that a schedule or trigger started, or a limit that a gate checks at every promotion.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ledger.models import Entry
from lifecycle.models import Evidence, Project, Requirement, Run

HALF, WHOLE = 0.5, 1.0
_LAST = 60
_DEPLOYED = "deployment.recorded"  # the word of the app above; the ledger is read by it
_WINDOWS = 3


class Found(NamedTuple):
    """What the evidence says: points (0, 0.5 or 1), why, and where to look."""

    points: float
    text: str
    url: str


Row = dict[str, Any]


@dataclass(frozen=True)
class Facts:
    """What was read once for all items. Runs by kind, newest first."""

    project: Project
    runs: dict[str, list[Row]]
    deployments: list[Row]
    verified: Evidence | None
    required: list[Requirement]

    def run_url(self, row: Row) -> str:
        return reverse("lifecycle:run", args=[row["pk"]])


def evidence_for(project: Project) -> dict[str, Found]:
    """What the records of a project say, by the catalogue's names of facts. 7 queries."""
    facts = _facts(project)
    found = {name: look(facts) for name, look in _LOOKS.items()}
    return {name: each for name, each in found.items() if each is not None}


def _facts(project: Project) -> Facts:
    wanted = {
        "DVR": ["spec__columns", "record__violations"],
        "TRN": [
            "spec_digest", "record__model_sha256", "record__importances", "record__parameters",
            "record__data__sha256",
        ],
        "EVR": ["record__metrics", "record__main_metric", "record__limits", "record__slices"],
        "MON": ["record__share_drifted", "record__metrics", "model_version_id"],
        "DPR": ["record__fallback", "record__seconds"],
    }  # fmt: skip
    runs = {
        kind: list(
            Run.objects.filter(project=project, kind=kind, state=Run.State.FINISHED)
            .order_by("-created_at", "-pk")
            .values("pk", "started_by_id", *fields)[: 5 if kind == "EVR" else _LAST]
        )
        for kind, fields in wanted.items()
    }
    entries = Entry.objects.filter(project=project.slug, action=_DEPLOYED).select_related("payload")
    deployments = [
        {**entry.payload.content.get("detail", {}), "index": entry.index}
        for entry in entries.order_by("-index")[:_LAST]
    ]
    verified = (
        Evidence.objects.filter(
            task__phase__iteration__project=project, snapshot__kind="TRN", state=Evidence.State.VERIFIED
        )
        .order_by("-verified_at", "-pk")
        .first()
    )
    required = Requirement.objects.filter(project=project, blocking=True)
    required = required.exclude(Q(state=Requirement.State.DRAFT) | Q(state=Requirement.State.SUPERSEDED))
    return Facts(project, runs, deployments, verified, list(required))


def _by_whom(row: Row) -> float:
    """A whole point for a run that no person started."""
    return WHOLE if row["started_by_id"] is None else HALF


def _data_schema(facts: Facts) -> Found | None:
    for row in facts.runs["DVR"]:
        if columns := row["spec__columns"]:
            text = ngettext(
                "A data validation checked %d column.", "A data validation checked %d columns.", len(columns)
            )
            return Found(_by_whom(row), text % len(columns), facts.run_url(row))
    return None


def _features_useful(facts: Facts) -> Found | None:
    row = next((row for row in facts.runs["TRN"] if row["record__importances"]), None)
    if row is None:
        return None
    useless = [str(each["feature"]) for each in row["record__importances"] if (each.get("mean") or 0) <= 0]
    if useless:
        text = _("The newest training found no use of %(names)s.") % {"names": ", ".join(useless)}
        return Found(0.0, text, facts.run_url(row))
    return Found(
        WHOLE, _("Every training measures it; each feature of the newest one was of use."), facts.run_url(row)
    )


def _spec_reviewed(facts: Facts) -> Found | None:
    if facts.verified is None:
        return None
    url = reverse("lifecycle:task", args=[facts.verified.task_id])
    return Found(WHOLE, _("A frozen training was verified by a second person; no task is done without."), url)


def _parameters_tried(facts: Facts) -> Found | None:
    tried: dict[str, set[str]] = defaultdict(set)
    for row in facts.runs["TRN"]:
        given = row["record__parameters"] or {}
        chosen = {name: value for name, value in given.items() if name.startswith(("estimator", "params"))}
        if chosen:
            same = f"{row['record__data__sha256']} {given.get('target')}"
            tried[same].add(repr(sorted(chosen.items())))
    most = max((len(each) for each in tried.values()), default=0)
    if most < 2:
        return None
    text = _("%(count)d settings were trained on the same data.") % {"count": most}
    return Found(HALF, text, reverse("lifecycle:project-runs", args=[facts.project.slug]))


def _ageing_followed(facts: Facts) -> Found | None:
    windows: dict[int, list[Row]] = defaultdict(list)
    for row in facts.runs["MON"]:
        if row["record__metrics"] and row["model_version_id"]:
            windows[row["model_version_id"]].append(row)
    longest = max(windows.values(), key=len, default=[])
    if len(longest) < _WINDOWS:
        return None
    text = _("The quality of one model was followed over %(count)d windows.") % {"count": len(longest)}
    return Found(
        min(map(_by_whom, longest)), text, reverse("lifecycle:project-monitoring", args=[facts.project.slug])
    )


def _baseline_beaten(facts: Facts) -> Found | None:
    for row in facts.runs["EVR"]:
        name = f"{row['record__main_metric']}_vs_baseline"
        gain = (row["record__metrics"] or {}).get(name)
        if not isinstance(gain, int | float):
            continue
        if gain <= 0:
            return Found(
                0.0, _("The newest evaluation did not beat the simple baseline."), facts.run_url(row)
            )
        gated = any(each.metric == name for each in facts.required)
        text = _("The newest evaluation beat the simple baseline by %(gain).3g.") % {"gain": gain}
        return Found(WHOLE if gated else HALF, text, facts.run_url(row))
    return None


def _slices_hold(facts: Facts) -> Found | None:
    for row in facts.runs["EVR"]:
        if not row["record__slices"]:
            continue
        limits = [each for each in row["record__limits"] or [] if each.get("slice")]
        missed = [str(each["slice"]) for each in limits if each.get("holds") is False]
        if missed:
            text = _("The newest evaluation missed a limit on %(names)s.") % {"names": ", ".join(missed)}
            return Found(0.0, text, facts.run_url(row))
        gated = any(each.slice for each in facts.required)
        count = len(row["record__slices"])
        text = ngettext(
            "The newest evaluation looked at %d slice.", "The newest evaluation looked at %d slices.", count
        )
        return Found(WHOLE if gated else HALF, text % count, facts.run_url(row))
    return None


def _training_reproduced(facts: Facts) -> Found | None:
    made: dict[str, list[Row]] = defaultdict(list)
    for row in facts.runs["TRN"]:
        if row["spec_digest"] and row["record__model_sha256"]:
            made[row["spec_digest"]].append(row)
    again = next((rows for rows in made.values() if len(rows) > 1), None)
    if again is None:
        return None
    if len({row["record__model_sha256"] for row in again}) > 1:
        return Found(0.0, _("The same specification gave different models."), facts.run_url(again[0]))
    text = _("%(count)d trainings of the same specification gave the same model, bit by bit.") % {
        "count": len(again)
    }
    return Found(WHOLE, text, facts.run_url(again[0]))


def _gate_before_serving(facts: Facts) -> Found | None:
    if not facts.deployments:
        return None
    last = facts.deployments[0]
    url = reverse("lifecycle:project-runs", args=[facts.project.slug])
    if last.get("break_glass") or not last.get("authorization"):
        return Found(0.0, _("The newest deployment passed the gate by."), url)
    return Found(WHOLE, _("The newest deployment stood under the authorization of a gate."), url)


def _tried_before_production(facts: Facts) -> Found | None:
    before: set[str] = set()
    tried: bool | None = None
    for each in reversed(facts.deployments):
        if each.get("environment") == "production":
            tried = str(each.get("model")) in before
        else:
            before.add(str(each.get("model")))
    if not tried:
        return None
    url = reverse("lifecycle:project-runs", args=[facts.project.slug])
    return Found(HALF, _("The newest model in production served another environment first."), url)


def _rolled_back(facts: Facts) -> Found | None:
    url = reverse("lifecycle:project-runs", args=[facts.project.slug])
    drill = next((row for row in facts.runs["DPR"] if row["record__fallback"]), None)
    if drill is not None:
        return Found(HALF, _("The fallback was rehearsed."), facts.run_url(drill))
    seen: dict[str, list[str]] = defaultdict(list)
    for each in reversed(facts.deployments):
        models = seen[str(each.get("environment"))]
        if str(each.get("model")) in models[:-1]:
            return Found(HALF, _("An earlier model was put back into service."), url)
        models.append(str(each.get("model")))
    return None


def _inputs_watched(facts: Facts) -> Found | None:
    row = next((row for row in facts.runs["MON"] if row["record__share_drifted"] is not None), None)
    if row is None:
        return None
    return Found(
        _by_whom(row), _("Monitoring checked types, ranges and gaps of the inputs."), facts.run_url(row)
    )


def _skew_watched(facts: Facts) -> Found | None:
    row = next((row for row in facts.runs["MON"] if row["record__share_drifted"] is not None), None)
    if row is None:
        return None
    text = _("Monitoring compared features in operation with those of the training.")
    return Found(_by_whom(row), text, facts.run_url(row))


def _quality_watched(facts: Facts) -> Found | None:
    row = next((row for row in facts.runs["MON"] if row["record__metrics"]), None)
    if row is None:
        return None
    return Found(_by_whom(row), _("Monitoring measured the quality of predictions."), facts.run_url(row))


_LOOKS: dict[str, Callable[[Facts], Found | None]] = {
    "data_schema": _data_schema,
    "features_useful": _features_useful,
    "spec_reviewed": _spec_reviewed,
    "parameters_tried": _parameters_tried,
    "ageing_followed": _ageing_followed,
    "baseline_beaten": _baseline_beaten,
    "slices_hold": _slices_hold,
    "training_reproduced": _training_reproduced,
    "gate_before_serving": _gate_before_serving,
    "tried_before_production": _tried_before_production,
    "rolled_back": _rolled_back,
    "inputs_watched": _inputs_watched,
    "skew_watched": _skew_watched,
    "quality_watched": _quality_watched,
}
LOOKS = frozenset(_LOOKS)
"""The names of facts that the catalogue may use."""
