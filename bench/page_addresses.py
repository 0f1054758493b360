"""Every address of the site, with records of the filled database for its arguments."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from django.urls import URLResolver, get_resolver, reverse

from governance.models import Authorization, Deployment, Evaluation, Finding, Gate, Waiver
from lifecycle.models import (
    Connector,
    DataSet,
    DataSetVersion,
    Firing,
    Handoff,
    Membership,
    Project,
    Run,
    Snapshot,
    Task,
    Trigger,
    User,
)
from lifecycle.queries.projects import projects_visible_to
from reports.models import Report

# What no person opens: other systems ask for it, or it is a file that is made at that moment.
NO_PAGES = re.compile(r"healthz|readyz|.*(logout|verifier|progress|checkpoint|-keys|tile|-proof|bench.*)")
WORDS = {
    "part": "tasks", "kind": "data", "table": "phases", "act": "edit",
    "lifecycle:process-draft-change key": "1.1", "governance:gate-open key": "G2",
    "lifecycle:stack-component key": "data-analysis", "lifecycle:canvas-block key": "dilemmas",
    "lifecycle:maturity-level key": "mlops-automation", "lifecycle:test-score-item key": "D1",
    "lifecycle:event-report kind": "incident", "lifecycle:project-analytics-csv table": "phases",
}  # fmt: skip


def readers() -> dict[str, User]:
    """One person of each kind: who leads all projects, members of many, and an auditor of all."""
    members = Membership.objects.order_by("pk").select_related("user")
    return {
        "manager of all projects": User.objects.filter(org_role="administrator").order_by("-pk")[0],
        "contributor": members.filter(role="contributor")[0].user,
        "reviewer": members.filter(role="reviewer")[0].user,
        "auditor of the organization": User.objects.filter(org_role="auditor").order_by("-pk")[0],
    }


class Records:
    """A record of each kind that the person may see."""

    def __init__(self, person: User) -> None:
        self.person = person
        self.project: Project = projects_visible_to(person).order_by("pk")[0]
        own, trip = {"project": self.project}, {"iteration__project": self.project}
        mine = Task.objects.filter(phase__iteration__project=self.project, phase__state="in_progress")
        seen = projects_visible_to(person).select_related(None).values("pk")
        self.by_segment: dict[str, Callable[[], Any]] = {
            "tasks": lambda: _first(mine.filter(owner=person)) or _first(mine),
            "handoffs": lambda: _first(Handoff.objects.filter(**trip, state="offered")),
            "gates": lambda: _first(Gate.objects.filter(**trip, state="open")),
            "evaluations": lambda: _first(Evaluation.objects.filter(gate__iteration__project=self.project)),
            "waivers": lambda: _first(Waiver.objects.filter(gate__iteration__project__in=seen)),
            "runs": lambda: _first(Run.objects.filter(**own, kind="EVR")),
            "snapshots": lambda: _first(Snapshot.objects.filter(**own)),
            "data": lambda: _first(DataSet.objects.filter(**own)),
            "versions": lambda: _first(DataSetVersion.objects.filter(data_set__project=self.project)),
            "triggers": lambda: _first(Trigger.objects.filter(**own)),
            "firings": lambda: _first(Firing.objects.filter(trigger__project=self.project)),
            "authorizations": lambda: _first(Authorization.objects.filter(**own)),
            "deployments": lambda: _first(Deployment.objects.filter(**own)),
            "findings": lambda: _first(Finding.objects.filter(**own)),
            "reports": lambda: _first(Report.objects.filter(**own)),
            "people": lambda: person.pk,
            "process": lambda: self.project.process_version_id,
            "connectors": lambda: _first(Connector.objects.all()),
            "ledger": lambda: 1,
            "iterations": lambda: 1,
        }  # fmt: skip

    def value(self, name: str, argument: str, before: str) -> Any:
        """What stands for this argument of an address, or None."""
        if argument == "slug":
            return self.project.slug
        if found := WORDS.get(f"{name} {argument}", WORDS.get(argument)):
            return found
        known = self.by_segment.get(before)
        return known() if known else None


def _first(rows: Any) -> int | None:
    found: int | None = rows.order_by("pk").values_list("pk", flat=True).first()
    return found


def addresses(records: Records) -> Iterator[tuple[str, str]]:
    """(name, address) of every route but the API's for which there is a record."""
    for name, path in _routes():
        if NO_PAGES.fullmatch(name) or path.startswith("api/"):
            continue
        values, before = {}, ""
        for segment in path.split("/"):
            found = re.match(r"<(?:\w+:)?(\w+)>", segment)
            if found:
                values[found[1]] = records.value(name, found[1], before)
            else:
                before = segment
        if None not in values.values():
            yield name, reverse(name, kwargs=values)


def _routes(
    resolver: URLResolver | None = None, space: str = "", path: str = ""
) -> Iterator[tuple[str, str]]:
    for pattern in (resolver or get_resolver()).url_patterns:
        here = path + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _routes(pattern, f"{space}{pattern.namespace}:" if pattern.namespace else space, here)
        elif pattern.name:
            yield space + pattern.name, here
