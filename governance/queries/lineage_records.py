"""The records of a lineage, and what joins them: a bounded number of each kind around a moment."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import Model, Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from governance.models import Authorization, Deployment, Evaluation, Gate
from lifecycle.models import DataUse, Firing, Iteration, ModelVersion, Project, Run, Snapshot

MOST = {
    "model": 200, "run": 400, "gate": 120, "authorization": 200, "deployment": 200, "firing": 200,
    "iteration": 100, "data": 1000,
}  # fmt: skip
"""How many records of a kind are looked at: half of them before the moment, half after it."""

_RANKS = (
    "iteration", "data", "run", "model", "gate", "authorization", "deployment", "monitoring", "firing",
)  # fmt: skip
_TIMES = {
    "model": "created_at", "run": "created_at", "gate": "opened_at", "authorization": "valid_from",
    "deployment": "deployed_at", "firing": "fired_at", "iteration": "opened_at",
}  # fmt: skip


@dataclass(frozen=True)
class Link:
    """One record: `kind` and id make its key, `state` is its own, `url` its page."""

    kind: str
    pk: int
    title: str
    sub: str
    url: str
    at: datetime
    state: str = ""
    machine: str = ""

    @property
    def key(self) -> str:
        """How addresses name it: `model:7`."""
        return f"{self.kind}:{self.pk}"

    @property
    def rank(self) -> int:
        """Which comes first among records of one moment."""
        return _RANKS.index(self.kind)

    @property
    def word(self) -> str:
        """The kind in words."""
        return kind_words()[self.kind]


class Edge(NamedTuple):
    """`target` came of `source`; `how` says it in a word."""

    source: str
    target: str
    how: str


@dataclass
class Found:
    """The records by key, and what joins them."""

    links: dict[str, Link] = field(default_factory=dict)
    edges: list[Edge] = field(default_factory=list)

    def add(self, link: Link) -> None:
        """One more record."""
        self.links[link.key] = link

    def join(self, source: str, target: str, how: str) -> None:
        """One more edge, if both ends are there."""
        if source in self.links and target in self.links and source != target:
            self.edges.append(Edge(source, target, how))


def kind_words() -> dict[str, str]:
    """The kinds in words."""
    return {
        "data": _("Data set"), "run": _("Run"), "model": _("Model"), "gate": _("Gate"),
        "authorization": _("Authorization"), "deployment": _("Deployment"), "monitoring": _("Monitoring run"),
        "firing": _("Trigger firing"), "iteration": _("Iteration"),
    }  # fmt: skip


def read_records(project: Project, focus: str, now: datetime) -> Found:
    """The records around the one in focus (`model:7`), around now without one. At most 12 queries."""
    moment = _moment_of(project, focus) or now
    runs = list(_around(_runs(project, focus), "run", moment, _pk(focus, "run", "monitoring")))
    models = list(_around(project.model_versions.all(), "model", moment, _pk(focus, "model")))
    gates = list(
        _around(Gate.objects.filter(iteration__project=project), "gate", moment, _pk(focus, "gate"))
        .select_related("iteration")
        .defer("definition")
    )
    given = list(_around(project.authorizations.all(), "authorization", moment, _pk(focus, "authorization")))
    deployed = list(_around(project.deployments.all(), "deployment", moment, _pk(focus, "deployment")))
    firings = list(
        _around(
            Firing.objects.filter(trigger__project=project), "firing", moment, _pk(focus, "firing")
        ).select_related("trigger")
    )
    iterations = list(_around(project.iterations.all(), "iteration", moment, _pk(focus, "iteration")))
    uses = list(
        DataUse.objects.filter(run__in=[each.pk for each in runs])
        .select_related("version__data_set")
        .order_by("-pk")[: MOST["data"]]
    )
    found = Found()
    for link in _links(runs, models, gates, given, deployed, firings, iterations, uses, project.slug):
        found.add(link)
    _join_runs(found, runs, uses, deployed, iterations)
    _join_decisions(found, gates, given, deployed, firings, iterations)
    _join_evidence(found, project, gates, runs)
    return found


def _moment_of(project: Project, focus: str) -> datetime | None:
    """When the record in focus came into being. 1 query."""
    kind, _colon, number = focus.partition(":")
    if not number.isdigit() or len(number) > 18:
        return None
    rows: dict[str, QuerySet[Any]] = {
        "model": project.model_versions.all(), "run": project.runs.all(), "monitoring": project.runs.all(),
        "gate": Gate.objects.filter(iteration__project=project),
        "authorization": project.authorizations.all(),
        "deployment": project.deployments.all(), "firing": Firing.objects.filter(trigger__project=project),
        "iteration": project.iterations.all(),
        "data": Run.objects.filter(project=project, data_uses__version=int(number)).order_by("-created_at"),
    }  # fmt: skip
    if kind not in rows:
        return None
    column = _TIMES.get({"monitoring": "run", "data": "run"}.get(kind, kind), "created_at")
    found = rows[kind] if kind == "data" else rows[kind].filter(pk=int(number))
    moment: datetime | None = found.values_list(column, flat=True).first()
    return moment


def _pk(focus: str, *kinds: str) -> int:
    kind, _colon, number = focus.partition(":")
    return int(number) if kind in kinds and number.isdigit() and len(number) <= 18 else 0


def _around(rows: QuerySet[Any], kind: str, moment: datetime, focus: int) -> QuerySet[Any]:
    """As many rows as are looked at, the nearest before and after the moment, and the one in focus."""
    column, half = _TIMES[kind], MOST[kind] // 2
    plain = rows.order_by()
    before = plain.filter(**{f"{column}__lte": moment}).order_by(f"-{column}", "-pk").values("pk")[:half]
    after = plain.filter(**{f"{column}__gt": moment}).order_by(column, "pk").values("pk")[:half]
    return rows.filter(Q(pk__in=before) | Q(pk__in=after) | Q(pk=focus)).order_by("pk")


def _runs(project: Project, focus: str) -> QuerySet[Run]:
    """The runs that something came of, or that came of something, and the one that is asked about."""
    joined = Q(model_version__isnull=False) | Q(firings__isnull=False) | Q(data_uses__isnull=False)
    joined |= Q(pk=_pk(focus, "run", "monitoring"))
    listed = Run.objects.filter(project=project).filter(
        pk__in=Run.objects.filter(joined, project=project).order_by().values("pk")
    )
    return listed.defer("record", "spec")


def run_kind(run: Run) -> str:
    """Monitoring runs are a kind of their own: they come after a deployment, others before it."""
    return "monitoring" if run.kind == Run.Kind.MONITORING else "run"


def _links(
    runs: list[Run],
    models: list[ModelVersion],
    gates: list[Gate],
    given: list[Authorization],
    deployed: list[Deployment],
    firings: list[Firing],
    iterations: list[Iteration],
    uses: list[DataUse],
    slug: str,
) -> Iterator[Link]:
    for run in runs:
        url = reverse("lifecycle:run", args=[run.pk])
        yield Link(run_kind(run), run.pk, run.title, run.label, url, run.created_at, run.state, "run")
    for model in models:
        url = reverse("governance:project-models", args=[slug])
        title = _("Model %(number)d") % {"number": model.number}
        yield Link("model", model.pk, title, model.digest[:12], url, model.created_at, "named", "model")
    for gate in gates:
        url = reverse("governance:gate", args=[gate.pk])
        yield Link("gate", gate.pk, str(gate), _state(gate), url, gate.opened_at, gate.state, "gate")
    for each in given:
        url = reverse("governance:authorization", args=[each.pk])
        yield Link(
            "authorization", each.pk, each.environment, _state(each), url, each.valid_from, each.state,
            "authorization",
        )  # fmt: skip
    for deployment in deployed:
        url = f"{reverse('governance:production')}?project={slug}"
        yield Link(
            "deployment", deployment.pk, deployment.environment, _state(deployment), url,
            deployment.deployed_at, deployment.state, "deployment",
        )  # fmt: skip
    yield from _other_links(firings, iterations, uses, slug)


def _other_links(
    firings: list[Firing], iterations: list[Iteration], uses: list[DataUse], slug: str
) -> Iterator[Link]:
    for firing in firings:
        url = reverse("lifecycle:firing", args=[firing.pk])
        yield Link(
            "firing", firing.pk, str(firing.trigger), firing.summary, url, firing.fired_at, firing.state,
            "firing",
        )  # fmt: skip
    for iteration in iterations:
        url = f"{reverse('lifecycle:project-tasks', args=[slug])}?iteration={iteration.number}"
        title = _("Iteration %(number)d") % {"number": iteration.number}
        yield Link(
            "iteration", iteration.pk, title, iteration.title, url, iteration.opened_at, iteration.state,
            "iteration",
        )  # fmt: skip
    for version in {use.version_id: use.version for use in uses}.values():
        url = f"{reverse('lifecycle:data-set', args=[version.data_set_id])}#version-{version.pk}"
        sub = _("version %(number)d, %(digest)s") % {"number": version.number, "digest": version.digest[:8]}
        yield Link("data", version.pk, version.data_set.name, sub, url, version.created_at, "named", "data")


def _join_runs(
    found: Found,
    runs: list[Run],
    uses: list[DataUse],
    deployed: list[Deployment],
    iterations: list[Iteration],
) -> None:
    keys = {run.pk: f"{run_kind(run)}:{run.pk}" for run in runs}
    for use in uses:
        data = f"data:{use.version_id}"
        if use.written:
            found.join(keys[use.run_id], data, _("made"))
        else:
            found.join(data, keys[use.run_id], use.role)
    opened = {each.pk for each in iterations if each.firing_id is not None}
    live: dict[int, list[Deployment]] = defaultdict(list)
    for deployment in deployed:
        live[deployment.model_version_id].append(deployment)
    for run in runs:
        key, model = keys[run.pk], run.model_version_id
        if run.kind == Run.Kind.TRAINING:
            found.join(key, f"model:{model}", _("made"))
        elif run.kind == Run.Kind.MONITORING:
            watched = [each for each in live[model or 0] if _was_live(each, run.created_at)]
            for each in watched:
                found.join(f"deployment:{each.pk}", key, _("watched by"))
            if not watched:
                found.join(f"model:{model}", key, _("watched by"))
        elif run.kind != Run.Kind.DEPLOYMENT:
            found.join(f"model:{model}", key, _("looked at by"))
        if run.iteration_id in opened and run.kind != Run.Kind.MONITORING:
            found.join(f"iteration:{run.iteration_id}", key, _("led to"))


def _was_live(deployment: Deployment, at: datetime) -> bool:
    return deployment.deployed_at <= at and (deployment.ended_at is None or deployment.ended_at > at)


def _join_decisions(
    found: Found,
    gates: list[Gate],
    given: list[Authorization],
    deployed: list[Deployment],
    firings: list[Firing],
    iterations: list[Iteration],
) -> None:
    for gate in gates:
        found.join(f"model:{gate.model_version_id}", f"gate:{gate.pk}", _("asked for at"))
    for each in given:
        found.join(f"gate:{each.gate_id}", f"authorization:{each.pk}", _("gave"))
    for deployment in deployed:
        to = f"deployment:{deployment.pk}"
        if deployment.authorization_id:
            found.join(f"authorization:{deployment.authorization_id}", to, _("deployed under it"))
        else:
            found.join(f"model:{deployment.model_version_id}", to, _("deployed without an authorization"))
    for firing in firings:
        for kind in ("run", "monitoring"):
            found.join(f"{kind}:{firing.run_id}", f"firing:{firing.pk}", _("fired"))
    for iteration in iterations:
        found.join(f"firing:{iteration.firing_id}", f"iteration:{iteration.pk}", _("opened"))


def _join_evidence(found: Found, project: Project, gates: list[Gate], runs: Iterable[Run]) -> None:
    """The runs whose frozen content the last evaluation of each gate looked at. 2 queries."""
    evaluations = Evaluation.objects.filter(gate__in=[gate.pk for gate in gates]).order_by("pk")
    last = dict(evaluations.values_list("gate_id", "subject"))
    by_digest: dict[str, list[str]] = defaultdict(list)
    keys = {run.pk: f"{run_kind(run)}:{run.pk}" for run in runs}
    rows = Snapshot.objects.filter(project=project, run__in=list(keys)).order_by("pk")
    for run, digest in rows.values_list("run_id", "digest"):
        by_digest[digest].append(keys[run or 0])
    for gate, subject in last.items():
        for _task, _kind, digest, _state in json.loads(subject).get("evidence", []):
            for key in by_digest.get(digest, []):
                found.join(key, f"gate:{gate}", _("evidence at"))


def _state(record: Model) -> str:
    return str(record.get_state_display())  # type: ignore[attr-defined]  # Django's own for choices
