"""The checks of a framework with the records that they judged, each with its digest and ledger entry."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping

from django.db.models import Max
from django.utils.translation import gettext as _

from governance.compliance.catalogue import checks as known_checks
from governance.compliance.documents import FrameworkDocument
from governance.compliance.statuses import Status
from governance.models import (
    Authorization,
    CheckRecord,
    CheckStanding,
    Classification,
    Deployment,
    Evaluation,
    FrameworkUse,
    Waiver,
)
from governance.queries.pages_compliance import check_keys
from ledger.models import Entry
from lifecycle.models import DataSetVersion, Evidence, Snapshot
from reports.documents import Mark, State
from reports.documents.compliance import Check, JudgedRecord
from reports.queries.moment import Moment, mark

SAYS = {
    CheckRecord.Says.HOLDS: State.OK,
    CheckRecord.Says.WAIVED: State.WAIVED,
    CheckRecord.Says.WAITS: State.WARN,
    CheckRecord.Says.BREAKS: State.BAD,
}
SUBJECTS = {
    "task": "lifecycle.task", "risk": "lifecycle.risk", "requirement": "lifecycle.requirement",
    "handoff": "lifecycle.handoff", "run": "lifecycle.run", "data-set": "lifecycle.dataset",
    "firing": "lifecycle.firing", "gate": "governance.gate", "deployment": "governance.deployment",
    "authorization": "governance.authorization", "finding": "governance.finding",
    "waiver": "governance.waiver", "classification": "governance.classification",
    "incident": "governance.incident",
}  # fmt: skip
"""What entries call a record of each kind. Other kinds are lists, and stand for the project."""
PROJECT = "lifecycle.project"
MARKS = {
    Status.MET: State.OK,
    Status.WAIVED: State.WAIVED,
    Status.BROKEN: State.BAD,
    Status.REVIEW_DUE: State.WARN,
    Status.IN_PROGRESS: State.WARN,
}

Place = tuple[str, int]


def status_mark(status: str) -> Mark:
    """A state of a check or control by shape, colour and word."""
    known = Status(status)
    return mark(MARKS.get(known, State.IDLE), known.label)


def checks_at(use: FrameworkUse, document: FrameworkDocument, moment: Moment) -> dict[str, Check]:
    """Every check that the controls of a framework rest on, by key, in their order. 12 queries."""
    titles: dict[str, str] = {}
    for control in document.controls:
        for key in check_keys(use, control):
            known = known_checks().get(key)
            titles.setdefault(key, known.title if known else control.title)
    found = CheckStanding.objects.filter(project=use.project_id, check_key__in=list(titles))
    standings = {each.check_key: each for each in found}
    judged = CheckRecord.objects.filter(standing__in=[each.pk for each in standings.values()])
    records: dict[int, list[CheckRecord]] = defaultdict(list)
    for record in judged.order_by("pk"):
        records[record.standing_id].append(record)
    proofs = _Proofs(use, [each for group in records.values() for each in group], moment)
    return {
        key: _check(key, title, standings.get(key), records, proofs, moment) for key, title in titles.items()
    }


def _check(
    key: str,
    title: str,
    standing: CheckStanding | None,
    records: Mapping[int, list[CheckRecord]],
    proofs: _Proofs,
    moment: Moment,
) -> Check:
    if standing is None:
        known = known_checks().get(key)
        by_hand = known is not None and known.judges is None
        reason = _("Only a person can tell.") if by_hand else _("It has not been looked at yet.")
        return Check(key=key, title=title, mark=mark(State.IDLE, _("not started")), reason=reason)
    if standing.changed_at > moment.at:
        text = _("It came to say something else on %(day)s; what it said before is not kept.")
        reason = text % {"day": f"{standing.changed_at:%-d %B %Y, %H:%M} UTC"}
        return Check(key=key, title=title, mark=mark(State.IDLE, _("not kept")), reason=reason, kept=False)
    return Check(
        key=key,
        title=title,
        mark=status_mark(standing.status),
        reason=standing.reason,
        held=standing.held,
        total=standing.total,
        records=tuple(proofs.judged(each) for each in records[standing.pk]),
    )


class _Proofs:
    """Digests and ledger entries of records, read by kind. 8 queries, whatever their number."""

    def __init__(self, use: FrameworkUse, records: Iterable[CheckRecord], moment: Moment) -> None:
        wanted: dict[str, set[int]] = defaultdict(set)
        for each in records:
            wanted[each.kind].add(each.record_id)
        self.project = use.project_id
        self.frozen = {
            (kind, pk): found
            for kind, read in READERS.items()
            if wanted[kind]
            for pk, found in read(wanted[kind], moment).items()
        }
        self.entries = _entries(use.project.slug, moment)

    def judged(self, record: CheckRecord) -> JudgedRecord:
        """A record with what vouches for it."""
        digest = _fitting(self.frozen.get((record.kind, record.record_id), ()), record.label)
        subject = SUBJECTS.get(record.kind)
        place = (subject, record.record_id) if subject else (PROJECT, self.project)
        entry, leaf = self.entries.get(place, (None, ""))
        return JudgedRecord(
            kind=record.kind,
            number=record.record_id,
            label=record.label,
            mark=mark(SAYS[CheckRecord.Says(record.says)], record.get_says_display()),
            why=record.why,
            digest=digest or leaf,
            frozen=bool(digest),
            entry=entry,
        )


def _fitting(digests: Iterable[str], label: str) -> str:
    """Of several digests the one that the label names, else the last."""
    found = list(digests)
    named = [each for each in found if each[:12] and each[:12] in label]
    return (named or found or [""])[-1]


def _entries(slug: str, moment: Moment) -> dict[Place, tuple[int, str]]:
    """The last entry of each record of a project by then, with its leaf hash. 2 queries."""
    found = Entry.objects.filter(project=slug, recorded_at__lte=moment.at)
    last = found.order_by().values_list("subject_type", "subject_id").annotate(last=Max("index"))
    places = {index: (kind, int(pk)) for kind, pk, index in last if pk.isdecimal()}
    leaves = found.filter(index__in=found.order_by().values("subject_type", "subject_id").annotate(
        last=Max("index")).values("last"))  # fmt: skip
    return {
        places[index]: (index, leaf)
        for index, leaf in leaves.values_list("index", "leaf_hash")
        if index in places
    }


Digests = dict[int, list[str]]


def _grouped(rows: Iterable[tuple[int, str]]) -> Digests:
    found: Digests = defaultdict(list)
    for pk, digest in rows:
        found[pk].append(digest)
    return found


def _runs(pks: set[int], moment: Moment) -> Digests:
    found = Snapshot.objects.filter(run__in=pks, created_at__lte=moment.at).order_by("created_at", "pk")
    return _grouped(found.values_list("run_id", "digest"))


def _tasks(pks: set[int], moment: Moment) -> Digests:
    found = Evidence.objects.filter(task__in=pks, attached_at__lte=moment.at).order_by("attached_at", "pk")
    return _grouped(found.values_list("task_id", "snapshot__digest"))


def _gates(pks: set[int], moment: Moment) -> Digests:
    found = Evaluation.objects.filter(gate__in=pks, evaluated_at__lte=moment.at).order_by(
        "evaluated_at", "pk"
    )
    return _grouped(found.values_list("gate_id", "digest"))


def _data(pks: set[int], moment: Moment) -> Digests:
    found = DataSetVersion.objects.filter(data_set__in=pks, created_at__lte=moment.at).order_by("number")
    return _grouped(found.values_list("data_set_id", "digest"))


def _deployments(pks: set[int], _moment: Moment) -> Digests:
    return _grouped(Deployment.objects.filter(pk__in=pks).values_list("pk", "model_version__digest"))


def _authorizations(pks: set[int], _moment: Moment) -> Digests:
    return _grouped(Authorization.objects.filter(pk__in=pks).values_list("pk", "model_digest"))


def _classifications(pks: set[int], _moment: Moment) -> Digests:
    return _grouped(Classification.objects.filter(pk__in=pks).values_list("pk", "digest"))


def _waivers(pks: set[int], _moment: Moment) -> Digests:
    return _grouped(Waiver.objects.filter(pk__in=pks).values_list("pk", "digest"))


READERS: dict[str, Callable[[set[int], Moment], Digests]] = {
    "run": _runs,
    "task": _tasks,
    "gate": _gates,
    "data-set": _data,
    "deployment": _deployments,
    "authorization": _authorizations,
    "classification": _classifications,
    "waiver": _waivers,
}
