"""Connectors as their pages show them."""

from datetime import datetime, timedelta
from typing import NamedTuple

from django.db.models import Count, Max, Q, QuerySet, Sum
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from lifecycle.models import (
    Connector,
    ConnectorRule,
    Gap,
    Membership,
    Project,
    RunBatch,
    SourceRecord,
    Sync,
    User,
)
from lifecycle.queries.projects import projects_visible_to
from lifecycle.rules import can_see_connectors

MOST_SYNCS = 20
MOST_UNMATCHED = 50
MOST_REFUSED = 20
MOST_GAPS = 20
_LATE_AFTER = 3
_R = SourceRecord


class Health(NamedTuple):
    """How a connector is: a state with a shape, and a sentence."""

    state: str
    word: str
    text: str


class Listed(NamedTuple):
    """A line of the list."""

    connector: Connector
    health: Health
    runs: int
    unmatched: int


class Endpoint(NamedTuple):
    """A way in by which others send runs: what came through it to projects that the reader sees."""

    source: str
    runs: int
    batches: int
    last: datetime


class Unmatched(NamedTuple):
    """Runs of one experiment that no rule brings to a project."""

    experiment: str
    runs: int


class Counts(NamedTuple):
    """How many records there are of a kind, and how many of them were deleted or are gone."""

    label: str
    there: int
    deleted: int
    gone: int


class ConnectorPage(NamedTuple):
    """All that the page of a connector shows."""

    health: Health
    title: str
    sync: Sync | None
    syncs: list[Sync]
    counts: list[Counts]
    taken: int
    unmatched: list[Unmatched]
    unmatched_runs: int
    refused: list[SourceRecord]
    refused_runs: int
    waiting: list[SourceRecord]
    gaps: list[Gap]
    gap_count: int
    deliveries: int
    last_delivery: datetime | None

    @property
    def more_gaps(self) -> bool:
        """Whether there are more gaps than are listed."""
        return self.gap_count > len(self.gaps)


def connectors_visible_to(user: User) -> QuerySet[Connector]:
    """All of them for those who see everything and for managers of a project, none for others."""
    return Connector.objects.all() if can_see_connectors(user) else Connector.objects.none()


def health_of(connector: Connector, moment: datetime | None = None) -> Health:
    """Off, new, failing, late, or in step. No query."""
    moment = moment or now()
    if not connector.enabled:
        return Health("na", _("Off"), _("It is switched off."))
    if connector.failures:
        text = ngettext("The last sync failed.", "The last %(n)d syncs failed.", connector.failures)
        return Health("bad", _("Failing"), text % {"n": connector.failures})
    if connector.last_success_at is None:
        return Health("wait", _("New"), _("It has not been synced yet."))
    if moment - connector.last_success_at > timedelta(minutes=connector.every_minutes * _LATE_AFTER):
        return Health("warn", _("Late"), _("The last sync is longer ago than it should be."))
    return Health("ok", _("In step"), _("It is as new as the last sync."))


def connector_list(user: User) -> list[Listed]:
    """The connectors with their health. 2 queries beside the rights."""
    run = Q(records__kind=_R.Kind.RUN) & ~Q(records__state=_R.State.GONE)
    found = connectors_visible_to(user).annotate(
        taken=Count("records", filter=run & Q(records__run__isnull=False)),
        left=Count("records", filter=run & Q(records__run__isnull=True, records__refusal="")),
    )
    return [Listed(each, health_of(each), each.taken, each.left) for each in found.order_by("name", "pk")]


def endpoints(user: User) -> list[Endpoint]:
    """What others sent by themselves, by source, of the projects that the reader sees. 1 query."""
    kinds = [f"{kind}:" for kind in Connector.Kind.values]
    sent = RunBatch.objects.filter(project__in=projects_visible_to(user).values("pk"))
    for kind in kinds:
        sent = sent.exclude(source__startswith=kind)
    rows = sent.values("source").annotate(runs=Sum("count"), batches=Count("pk"), last=Max("created_at"))
    return [Endpoint(**row) for row in rows.order_by("source")]


def connector_page(connector: Connector) -> ConnectorPage:
    """All of one connector. 11 queries."""
    syncs = list(connector.syncs.select_related("asked_by").order_by("-pk")[:MOST_SYNCS])
    current = next((each for each in syncs if each.under_way), None)
    runs = connector.records.filter(kind=_R.Kind.RUN).exclude(state=_R.State.GONE)
    left = runs.filter(run__isnull=True, refusal="")
    refused = runs.exclude(refusal="")
    taken = runs.filter(run__isnull=False).count()
    health = health_of(connector)
    came = connector.deliveries.aggregate(count=Count("pk"), last=Max("received_at"))
    gaps = connector.gaps.filter(announced_at__isnull=True)
    unmatched = unmatched_of(connector)
    return ConnectorPage(
        health=health, title=_title(connector, health, taken), sync=current, syncs=syncs,
        counts=_counts(connector), taken=taken, unmatched=unmatched, unmatched_runs=left.count(),
        refused=list(refused.order_by("-changed_at", "-pk")[:MOST_REFUSED]), refused_runs=refused.count(),
        waiting=list(
            runs.filter(proof=_R.Proof.WAITING).exclude(proof_note="").select_related("run").order_by("pk")[:20]
        ),
        gaps=list(gaps.order_by("-pk")[:MOST_GAPS]), gap_count=gaps.count(), deliveries=came["count"],
        last_delivery=came["last"],
    )  # fmt: skip


def unmatched_of(connector: Connector) -> list[Unmatched]:
    """Experiments with runs that no rule fits, those with most runs first. 2 queries."""
    runs = connector.records.filter(kind=_R.Kind.RUN, run__isnull=True, refusal="").exclude(
        state=_R.State.GONE
    )
    rows = list(runs.values("parent").annotate(n=Count("pk")).order_by("-n", "parent")[:MOST_UNMATCHED])
    names = dict(
        connector.records.filter(
            kind=_R.Kind.EXPERIMENT, external_id__in=[row["parent"] for row in rows]
        ).values_list("external_id", "name")
    )
    return [Unmatched(names.get(row["parent"], row["parent"]), row["n"]) for row in rows]


def rules_shown(connector: Connector, user: User) -> list[ConnectorRule]:
    """Rules of the projects that the reader sees, each with `brought`, in their order. 1 query."""
    found = connector.rules.filter(
        retired_at__isnull=True, project__in=projects_visible_to(user).values("pk")
    )
    return list(
        found.select_related("project", "created_by")
        .annotate(brought=Count("records", filter=Q(records__run__isnull=False)))
        .order_by("order", "pk")
    )


def projects_managed_by(user: User) -> list[Project]:
    """Active projects for which the person may write rules, by name. 1 query."""
    mine = Membership.objects.filter(user=user, role=Membership.Role.MANAGER, left_at__isnull=True)
    found = Project.objects.filter(pk__in=mine.values("project"), state=Project.State.ACTIVE)
    return list(found.order_by("name", "pk"))


def _title(connector: Connector, health: Health, taken: int) -> str:
    if health.state == "bad":
        return _("%(name)s fails: %(why)s") % {"name": connector.name, "why": connector.last_error[:160]}
    if health.state == "ok":
        text = ngettext(
            "%(name)s is in step: %(n)d run taken", "%(name)s is in step: %(n)d runs taken", taken
        )
        return text % {"name": connector.name, "n": taken}
    words = {
        "na": _("%s is switched off"), "wait": _("%s has not been synced yet"), "warn": _("%s is late"),
    }  # fmt: skip
    return words[health.state] % connector.name


def _counts(connector: Connector) -> list[Counts]:
    rows = connector.records.values("kind").annotate(
        there=Count("pk", filter=Q(state=_R.State.ACTIVE)),
        deleted=Count("pk", filter=Q(state=_R.State.DELETED)),
        gone=Count("pk", filter=Q(state=_R.State.GONE)),
    )
    by_kind = {row["kind"]: row for row in rows}
    return [
        Counts(str(kind.label), row["there"], row["deleted"], row["gone"])
        for kind in _R.Kind
        if (row := by_kind.get(kind.value)) is not None
    ]
