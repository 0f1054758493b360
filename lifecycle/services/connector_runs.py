"""A page of a tracker's runs: kept as records of the source, and brought to the projects that rules name.

Position, records and runs are committed together, so that a crash leaves the sync before or after a page,
never within one, and a page that is read twice changes nothing the second time.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils.timezone import now

from lifecycle.connectors import runs as reading
from lifecycle.connectors.matching import first_match
from lifecycle.connectors.mlflow import Tracker
from lifecycle.connectors.shapes import TrackedRun
from lifecycle.errors import Invalid, InvalidItems, Refused
from lifecycle.intake.outside_run import OutsideRun
from lifecycle.models import (
    Connector,
    ConnectorRule,
    Iteration,
    SourceRecord,
    Sync,
    Task,
)
from lifecycle.services.connector_proofs import prove
from lifecycle.services.connector_syncs import MACHINE, advance
from lifecycle.services.run_intake import upsert_runs

_R = SourceRecord
REPORTS_READ = "reports_read"
"""In a run's content: the digest that it had when its reports were last looked for."""
_UPDATED = [
    "parent", "name", "state", "open", "digest", "content", "rule", "run", "refusal", "proof", "proof_note",
    "seen_in", "changed_at",
]  # fmt: skip
_CHUNK = 500


@dataclass
class Found:
    """One run of a page on its way."""

    external_id: str
    digest: str
    known: SourceRecord | None
    run: TrackedRun | None = None
    refusal: str = ""
    rule: ConnectorRule | None = None
    outside: OutsideRun | None = None
    run_id: int | None = None
    outcome: str = ""
    notes: list[str] = field(default_factory=list)

    @property
    def changed(self) -> bool:
        """Whether the tracker says something else than before."""
        return self.known is None or self.known.digest != self.digest


@dataclass(frozen=True)
class Place:
    """Where runs of a project go now: the number of its open iteration, and the tasks there."""

    iteration: int | None
    tasks: frozenset[str]


def read_page(
    connector: Connector, experiment: SourceRecord, raws: Sequence[Mapping[str, Any]], *,
    rules: Sequence[ConnectorRule], tracker: Tracker,
) -> list[Found]:  # fmt: skip
    """What of a page is new or changed, with everything that is needed to take it. Asks the tracker, writes
    nothing. Raises `TrackerError`, `OutboundError`.
    """
    by_id: dict[str, Mapping[str, Any]] = {}
    for raw in raws:
        info = raw.get("info")
        name = info.get("run_id") if isinstance(info, Mapping) else None
        by_id[str(name)[:300] if name else ""] = raw  # a run that comes twice counts as it came last
    known = _known(connector, list(by_id))
    page = [Found(name, reading.digest_of(raw), known.get(name)) for name, raw in by_id.items()]
    for each in page:
        if each.changed or (each.known and each.known.state == _R.State.GONE):
            _read(each, by_id[each.external_id], experiment, rules)
    matched = {
        each.run.info.run_id: [metric.key for metric in each.run.data.metrics]
        for each in page
        if each.run is not None and each.rule is not None
    }
    histories = tracker.histories(matched)
    places = _places({each.rule.project_id for each in page if each.rule is not None})
    for each in page:
        if each.run is not None and each.rule is not None:
            _fit(each, connector, experiment, histories, places[each.rule.project_id])
    return page


@transaction.atomic
def take_page(
    *, sync: Sync, experiment: SourceRecord, page: Sequence[Found], position: dict[str, Any], step: str
) -> None:
    """Keep a page and move the sync on, both or neither. Raises `Overtaken`."""
    groups: dict[int, list[Found]] = defaultdict(list)
    for each in page:
        if each.outside is not None and each.rule is not None:
            groups[each.rule.project_id].append(each)
    for found in groups.values():
        _upsert(sync.connector, found)
    counts = _write(sync, experiment, page)
    for each in page:
        if each.run_id is not None and each.rule is not None and each.rule.proves:
            prove(sync.connector, each.external_id)
    advance(sync, position, counts=counts, step=step)


def _known(connector: Connector, names: list[str]) -> dict[str, SourceRecord]:
    found: dict[str, SourceRecord] = {}
    rows = SourceRecord.objects.filter(connector=connector, kind=_R.Kind.RUN).select_related("run")
    rows = rows.defer("run__record", "run__spec")
    for at in range(0, len(names), _CHUNK):
        found |= {each.external_id: each for each in rows.filter(external_id__in=names[at : at + _CHUNK])}
    return found


def _read(
    each: Found, raw: Mapping[str, Any], experiment: SourceRecord, rules: Sequence[ConnectorRule]
) -> None:
    try:
        each.run = reading.read_run(raw, experiment.external_id)
    except reading.Unfit as error:
        each.refusal = str(error)
        return
    there = each.known.run if each.known else None
    rule = first_match(rules, experiment.name, reading.tags_of(each.run))
    if there is not None and (rule is None or rule.project_id != there.project_id):
        # What a project has stays with it, and goes on to hear of its changes.
        rule = each.known.rule if each.known else None
    each.rule = rule


def _fit(
    each: Found, connector: Connector, experiment: SourceRecord, histories: Mapping[str, Any], place: Place
) -> None:
    assert each.run is not None
    assert each.rule is not None
    iteration, task = None, None
    moves = each.known is None or each.known.run_id is None or each.known.rule_id != each.rule.pk
    if moves and place.iteration is not None:
        iteration = place.iteration
        task = each.rule.task_key if each.rule.task_key in place.tasks else None
    try:
        each.outside = reading.outside_run(
            each.run, histories.get(each.run.info.run_id, {}), kind=each.rule.run_kind,
            experiment=experiment.name, root=connector.url, iteration=iteration, task=task,
        )  # fmt: skip
    except reading.Unfit as error:
        each.refusal = str(error)


def _places(projects: set[int]) -> dict[int, Place]:
    """2 queries."""
    opened = {
        each.project_id: each
        for each in Iteration.objects.filter(project__in=projects, state=Iteration.State.OPEN)
    }
    tasks: dict[int, set[str]] = defaultdict(set)
    rows = Task.objects.filter(phase__iteration__in=[each.pk for each in opened.values()])
    for iteration, key in rows.values_list("phase__iteration_id", "key"):
        tasks[iteration].add(key)
    return {
        project: Place(opened[project].number, frozenset(tasks[opened[project].pk]))
        if project in opened
        else Place(None, frozenset())
        for project in projects
    }


def _upsert(connector: Connector, group: list[Found]) -> None:
    """Hand the runs of one project to the intake; what it refuses is noted, and the others go on."""
    left = list(group)
    rule = left[0].rule
    assert rule is not None
    while left:
        try:
            kept = upsert_runs(
                project=rule.project, source=connector.source,
                runs=[each.outside for each in left if each.outside is not None], actor=MACHINE,
            ).kept  # fmt: skip
        except InvalidItems as error:
            wrong = _indexes(error)
            for at in wrong:
                left[at].refusal, left[at].outside = wrong[at], None
            left = [each for each in left if not each.refusal]
        except (Invalid, Refused, PermissionDenied) as error:
            for each in left:
                each.refusal, each.outside = str(error), None
            return
        else:
            by_name = {each.external_id: each for each in kept}
            for each in left:
                each.run_id = by_name[each.external_id].run_id
                each.outcome = by_name[each.external_id].outcome
            return


def _indexes(error: InvalidItems) -> dict[int, str]:
    """The places of the batch that were refused, `/runs/3/…`, with the sentence; else all is wrong."""
    found: dict[int, str] = {}
    for flaw in error.flaws:
        part = flaw.where.strip("/").split("/")
        if len(part) < 2 or not part[1].isdigit():
            raise error
        found.setdefault(int(part[1]), flaw.text)
    return found


def _write(sync: Sync, experiment: SourceRecord, page: Sequence[Found]) -> dict[str, int]:
    moment = now()
    new: list[SourceRecord] = []
    changed: list[SourceRecord] = []
    same: list[int] = []
    counts = dict.fromkeys(("seen", "created", "updated", "changed", "unmatched", "refused"), 0)
    for each in page:
        counts["seen"] += 1
        touched = each.changed or each.run is not None or each.refusal
        if not touched and each.known is not None:
            same.append(each.known.pk)
            continue
        row = each.known or SourceRecord(
            connector=sync.connector, kind=_R.Kind.RUN, external_id=each.external_id, first_seen_at=moment
        )
        _fill(row, each, experiment)
        row.changed_at, row.seen_in = moment, sync.pk
        (changed if each.known else new).append(row)
        counts[_count_of(each)] = counts.get(_count_of(each), 0) + 1
    SourceRecord.objects.bulk_create(new, batch_size=_CHUNK)
    SourceRecord.objects.bulk_update(changed, _UPDATED, batch_size=_CHUNK)
    for at in range(0, len(same), _CHUNK):
        SourceRecord.objects.filter(pk__in=same[at : at + _CHUNK]).update(seen_in=sync.pk)
    counts.pop("unchanged", None)
    return counts


def _fill(row: SourceRecord, each: Found, experiment: SourceRecord) -> None:
    row.parent, row.digest, row.refusal = experiment.external_id, each.digest, each.refusal[:2000]
    row.rule = each.rule
    if each.run_id is not None:
        row.run_id = each.run_id
    if each.run is None:
        row.name = row.name or each.external_id
        row.content = {"experiment": experiment.name, "tags": {}}
        return
    info = each.run.info
    row.name = reading.title_of(each.run)
    row.state = _R.State.DELETED if info.lifecycle_stage == "deleted" else _R.State.ACTIVE
    row.open = info.status in ("RUNNING", "SCHEDULED")
    read = {name: row.content[name] for name in (REPORTS_READ,) if name in row.content}
    row.content = read | {
        "experiment": experiment.name,
        "tags": reading.tags_of(each.run),
        "user": info.user_id[:200],
    }
    if each.rule is not None and each.rule.proves and each.run_id is not None and not row.proof:
        row.proof = _R.Proof.WAITING


def _count_of(each: Found) -> str:
    if each.refusal:
        return "refused"
    return each.outcome or "unmatched"
