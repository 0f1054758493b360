"""Rules of a connector: which experiments and tags belong to which project, task and kind of run."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from django.db import transaction
from django.db.models import Max
from django.utils.timezone import now
from django.utils.translation import gettext as _

from lifecycle import rules as who
from lifecycle.actions import LifecycleAction
from lifecycle.connectors.matching import first_match, fits
from lifecycle.errors import Invalid, Refused
from lifecycle.models import Connector, ConnectorRule, Project, Run, SourceRecord, Sync, User
from lifecycle.services.connector_syncs import ask_for_sync
from lifecycle.services.steps import allow, ensure_active, locked, record
from lifecycle.services.texts import line

MOST_RULES = 500
MOST_TAGS = 10
CHUNK = 2000
_PLACES = 50


class Fitting(NamedTuple):
    """What a rule would bring: how many runs, from which experiments, and how many are another project's."""

    runs: int
    experiments: list[str]
    elsewhere: int


@transaction.atomic
def add_rule(
    *, connector: Connector, project: Project, experiment: str, run_kind: str, actor: User,
    tags: Mapping[str, str] | None = None, task_key: str = "", proves: bool = False,
) -> ConnectorRule:  # fmt: skip
    """Add a rule behind the others and have it applied to the runs that are there.

    Raises `Invalid` with the field that is wrong, `Refused` (`project_closed`, `too_many_rules`).
    """
    project = locked(project)
    allow(who.can_write_rules(actor, project), _("Only managers of the project write its rules."))
    ensure_active(project)
    connector = locked(connector)
    rule = ConnectorRule(
        connector=connector, project=project, experiment=line(experiment, "experiment", most=200),
        tags=_tags(tags or {}), run_kind=run_kind, task_key=line(task_key, "task_key", most=20, needed=False),
        proves=proves, created_by=actor, created_at=now(),
    )  # fmt: skip
    if run_kind not in Run.Kind.values:
        raise Invalid("unknown_kind", _("There is no such kind of run."), "run_kind")
    if proves and not rule.task_key:
        raise Invalid("missing", _("Say which task the runs prove."), "task_key")
    there = connector.rules.filter(retired_at__isnull=True)
    if there.count() >= MOST_RULES:
        raise Refused("too_many_rules", _("A connector has at most %(most)d rules.") % {"most": MOST_RULES})

    rule.order = (connector.rules.aggregate(last=Max("order"))["last"] or 0) + 1
    rule.save()
    reopened = apply_rules(connector)
    if reopened:
        ask_for_sync(connector=connector, reason=Sync.Reason.RULES, full=True, actor=actor)
    record(
        LifecycleAction.CONNECTOR_RULE_ADDED, rule, actor=actor, project=project, connector=connector.key,
        experiment=rule.experiment, tags=rule.tags, kind=run_kind, task=rule.task_key, proves=proves,
        runs=reopened,
    )  # fmt: skip
    return rule


@transaction.atomic
def retire_rule(*, rule: ConnectorRule, actor: User) -> ConnectorRule:
    """The rule brings no more runs; those that it has brought stay."""
    rule = locked(rule, "project", "connector")
    allow(who.can_write_rules(actor, rule.project), _("Only managers of the project write its rules."))
    if rule.retired_at is not None:
        raise Refused("retired", _("This rule was retired before."))

    rule.retired_at = now()
    rule.save(update_fields=["retired_at"])
    reopened = apply_rules(rule.connector)
    record(
        LifecycleAction.CONNECTOR_RULE_RETIRED, rule, actor=actor, project=rule.project,
        connector=rule.connector.key, experiment=rule.experiment, runs=reopened,
    )  # fmt: skip
    return rule


@transaction.atomic
def reapply_rules(*, connector: Connector, actor: User) -> int:
    """Look at every run anew with the rules as they are; returns how many the next sync reads again."""
    allow(who.can_sync(actor), _("Only managers and administrators do this."))
    connector = locked(connector)
    reopened = apply_rules(connector, refused=True)
    ask_for_sync(connector=connector, reason=Sync.Reason.RULES, full=True, actor=actor)
    record(LifecycleAction.CONNECTOR_SYNC_REQUESTED, connector, actor=actor, key=connector.key, runs=reopened)
    return reopened


def rules_of(connector: Connector) -> list[ConnectorRule]:
    """The rules that count, in their order. 1 query."""
    found = connector.rules.filter(retired_at__isnull=True, project__state=Project.State.ACTIVE)
    return list(found.select_related("project", "created_by").order_by("order", "pk"))


def apply_rules(connector: Connector, *, refused: bool = False) -> int:
    """Mark the runs that fall under another rule than before, so that the next full sync takes them.

    A run that a project has stays there: its history is the project's. `refused`: also what could not be
    taken. Returns how many were marked. Two queries for 2,000 runs.
    """
    rules, changed = rules_of(connector), 0
    for chunk in _chunks(connector):
        again = []
        for each in chunk:
            rule = first_match(rules, each.content.get("experiment", ""), each.content.get("tags", {}))
            moved = rule is not None and rule.pk != each.rule_id
            if each.run_id is not None and rule is not None and each.run is not None:
                moved = moved and rule.project_id == each.run.project_id
            if moved or (refused and each.refusal):
                again.append(each.pk)
        changed += SourceRecord.objects.filter(pk__in=again).update(digest="")
    return changed


def would_fit(rule: ConnectorRule) -> Fitting:
    """What a rule would bring, of the runs that are known; it need not be saved. Writes nothing."""
    runs, elsewhere = 0, 0
    places: set[str] = set()
    for chunk in _chunks(rule.connector):
        for each in chunk:
            name = each.content.get("experiment", "")
            if not fits(rule, name, each.content.get("tags", {})):
                continue
            if each.run is not None and each.run.project_id != rule.project_id:
                elsewhere += 1
                continue
            runs += 1
            if len(places) < _PLACES:
                places.add(name)
    return Fitting(runs, sorted(places), elsewhere)


def _chunks(connector: Connector) -> Iterator[list[SourceRecord]]:
    last = 0
    runs = SourceRecord.objects.filter(connector=connector, kind=SourceRecord.Kind.RUN)
    runs = (
        runs.exclude(state=SourceRecord.State.GONE)
        .select_related("run")
        .only("content", "rule_id", "refusal", "run__project_id", "run_id")
    )
    while chunk := list(runs.filter(pk__gt=last).order_by("pk")[:CHUNK]):
        yield chunk
        last = chunk[-1].pk


def _tags(tags: Mapping[str, str]) -> dict[str, str]:
    if len(tags) > MOST_TAGS:
        raise Invalid("too_many", _("At most %(most)d tags are possible.") % {"most": MOST_TAGS}, "tags")
    return {line(key, "tags", most=250): line(value, "tags", most=250) for key, value in tags.items()}
