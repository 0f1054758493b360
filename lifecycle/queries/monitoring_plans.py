"""Monitoring plans for pages and API: which there are, and what their windows showed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Count, Max, Q, QuerySet
from django.utils.translation import gettext as _

from lifecycle.models import Firing, MonitoringPlan, MonitoringWindow, Project, Run, User
from lifecycle.queries.projects import projects_visible_to

UNDER_WAY = (Run.State.QUEUED, Run.State.RUNNING)
UNSCORED = ("empty", "too_few", "late")


def plans_visible_to(user: User) -> QuerySet[MonitoringPlan]:
    """Every version of the plans of all projects that the user sees. 1 query, project and model included."""
    found = MonitoringPlan.objects.select_related("project__process_version", "model_version", "created_by")
    return found.filter(project__in=projects_visible_to(user).values("pk"))


def windows_visible_to(user: User) -> QuerySet[MonitoringWindow]:
    """The windows of all plans that the user sees. 1 query, run and plan included."""
    found = MonitoringWindow.objects.select_related("run", "plan__project__process_version")
    return found.filter(plan__project__in=projects_visible_to(user).values("pk"))


@dataclass(frozen=True)
class PlanLine:
    """A plan in a list: its version in force and its last window."""

    plan: MonitoringPlan
    windows: int
    last: MonitoringWindow | None
    verdict: str


def plan_list(project: Project) -> list[PlanLine]:
    """The plans in force, by name, each with the last of its windows. 3 queries."""
    plans = list(
        MonitoringPlan.objects.filter(project=project)
        .exclude(state=MonitoringPlan.State.SUPERSEDED)
        .select_related("model_version")
        .order_by("name", "pk")
    )
    if not plans:
        return []
    counted = MonitoringWindow.objects.filter(plan__project=project).order_by()
    numbers: dict[str, Any] = {
        each["plan__key"]: each
        for each in counted.values("plan__key").annotate(
            windows=Count("start", distinct=True),
            newest=Max("pk", filter=Q(run__state__in=(Run.State.FINISHED, Run.State.FAILED))),
        )
    }
    newest = [each["newest"] for each in numbers.values() if each["newest"]]
    last = {
        each.plan.key: each
        for each in MonitoringWindow.objects.filter(pk__in=newest).select_related("plan", "run")
    }
    return [
        PlanLine(
            plan,
            numbers[plan.key]["windows"] if plan.key in numbers else 0,
            last.get(plan.key),
            verdict_of(last.get(plan.key)),
        )
        for plan in plans
    ]


def verdict_of(window: MonitoringWindow | None) -> str:
    """What a window came to: its run's verdict, `failed`, or nothing yet."""
    if window is None:
        return ""
    if window.run.state == Run.State.FAILED:
        return "failed"
    return str(window.run.record.get("verdict") or "") if window.run.state == Run.State.FINISHED else ""


def versions_of(plan: MonitoringPlan) -> list[MonitoringPlan]:
    """All versions of a plan, the newest first. 1 query."""
    found = MonitoringPlan.objects.filter(project=plan.project_id, key=plan.key)
    return list(found.select_related("model_version", "created_by").order_by("-version"))


@dataclass
class WindowLine:
    """A window of a plan with what was seen at each of its looks; with a label delay there are two."""

    start: datetime
    end: datetime
    version: int
    looks: list[MonitoringWindow] = field(default_factory=list)
    firings: list[Firing] = field(default_factory=list)

    @property
    def inputs(self) -> MonitoringWindow | None:
        """The look that saw inputs and predictions."""
        return next((each for each in self.looks if each.stage != MonitoringWindow.Stage.LABELS), None)

    @property
    def labels(self) -> MonitoringWindow | None:
        """The look that measured performance, if there has been one."""
        return next((each for each in self.looks if each.stage != MonitoringWindow.Stage.INPUTS), None)

    @property
    def verdict(self) -> str:
        """The worst that a look came to."""
        found = [verdict_of(each) for each in self.looks]
        order = ("failed", "drift", "warning", *UNSCORED, "ok")
        return next((word for word in order if word in found), "")

    @property
    def text(self) -> str:
        """What the worst look found, in a sentence."""
        look = next((each for each in self.looks if verdict_of(each) == self.verdict), None)
        if look is None:
            return ""
        if look.run.state == Run.State.FAILED:
            return look.run.error
        record = look.run.record
        if self.verdict in UNSCORED:
            return str(_mapping(record, "window").get("text") or "")
        found = record.get("findings")
        parts = [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
        parts.sort(key=lambda each: each.get("severity") != "drift")  # stable: what counts most comes first
        texts = [str(each.get("text") or "") for each in parts]
        return " ".join(texts[:2])

    @property
    def unsaid(self) -> MonitoringWindow | None:
        """A look that could say nothing, and may be made again when the data has come."""
        return next((each for each in self.looks if verdict_of(each) in ("failed", *UNSCORED)), None)


def window_starts(plan: MonitoringPlan) -> QuerySet[MonitoringWindow, datetime]:
    """When the windows of a plan, of all its versions, began, the newest first. 1 query."""
    found = MonitoringWindow.objects.filter(plan__project=plan.project_id, plan__key=plan.key)
    return found.order_by("-start").values_list("start", flat=True).distinct()


def window_lines(plan: MonitoringPlan, starts: Sequence[datetime]) -> list[WindowLine]:
    """The windows that began then, the newest first, with what fired on them. 2 queries."""
    found = MonitoringWindow.objects.filter(
        plan__project=plan.project_id, plan__key=plan.key, start__in=list(starts)
    ).select_related("plan", "run")
    fired: dict[int, list[Firing]] = defaultdict(list)
    looks = list(found.order_by("-start", "-stage"))
    for firing in Firing.objects.filter(run__in=[each.run_id for each in looks]).select_related("trigger"):
        fired[firing.run_id or 0].append(firing)
    lines: dict[datetime, WindowLine] = {}
    for look in looks:
        line = lines.setdefault(look.start, WindowLine(look.start, look.end, look.plan.version))
        line.looks.append(look)
        line.firings += fired.get(look.run_id, [])
    return list(lines.values())


def under_way(plan: MonitoringPlan) -> list[Run]:
    """The looks of a plan that are queued or running, the earliest window first. 1 query."""
    found = Run.objects.filter(
        plan_window__plan__project=plan.project_id, plan_window__plan__key=plan.key, state__in=UNDER_WAY
    )
    return list(found.order_by("plan_window__start", "pk").defer("record", "spec"))


def changes(before: MonitoringPlan, after: MonitoringPlan) -> list[tuple[str, str, str]]:
    """What a version says otherwise than the one before: (what, before, after) in words."""
    said = [
        (_("Name"), before.name, after.name),
        (_("Model"), str(before.model_version.number), str(after.model_version.number)),
        (_("Environment"), before.environment, after.environment),
    ]
    flat = _flat(before.spec), _flat(after.spec)
    said += [(key, flat[0].get(key, "–"), flat[1].get(key, "–")) for key in sorted({*flat[0], *flat[1]})]
    return [(what, old, new) for what, old, new in said if old != new]


def _flat(value: Any, path: str = "") -> dict[str, str]:
    if isinstance(value, dict):
        parts = (_flat(inner, f"{path}.{key}" if path else str(key)) for key, inner in value.items())
        return {key: text for part in parts for key, text in part.items()}
    if isinstance(value, list) and value and all(isinstance(each, dict) for each in value):
        return {
            path: "; ".join(
                " ".join(str(inner) for inner in each.values() if inner is not None) for each in value
            )
        }
    if isinstance(value, list):
        return {path: ", ".join(str(each) for each in value) or "–"}
    return {path: "–" if value is None else str(value)}


def _mapping(record: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = record.get(name)
    return value if isinstance(value, dict) else {}
