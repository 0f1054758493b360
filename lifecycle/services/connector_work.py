"""The work of a sync: step after step, each committed with its position.

A worker that dies is followed by one that goes on at the last position; what is read twice changes nothing
the second time.
"""

import logging
from collections.abc import Iterator
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from lifecycle.connectors.mlflow import PAGE, Tracker
from lifecycle.connectors.shapes import TrackerError
from lifecycle.errors import Refused
from lifecycle.models import Connector, ConnectorRule, SourceRecord, Sync
from lifecycle.outbound import OutboundError
from lifecycle.outbox_registry import handler
from lifecycle.services import connector_registry as registry
from lifecycle.services.connector_gone import note_gone
from lifecycle.services.connector_proofs import prove_waiting
from lifecycle.services.connector_reports import take_reports
from lifecycle.services.connector_rules import rules_of
from lifecycle.services.connector_runs import read_page, take_page
from lifecycle.services.connector_syncs import (
    TASK,
    Overtaken,
    advance,
    begin_sync,
    fail_sync,
    finish_sync,
)
from lifecycle.services.connectors import access_to

log = logging.getLogger(__name__)

OVERLAP = 10 * 60 * 1000
"""Milliseconds that a look at new runs goes back: they need not arrive in the order of their starts."""
OPEN_AT_ONCE = 100
MOST_PAGES_WITHOUT_NEWS = 20
LEAST_PAGE = 1
_K = SourceRecord.Kind
Position = dict[str, Any]


def gave_up(*, error: str, sync_id: int) -> None:
    """The worker died again and again at one place."""
    fail_sync(sync=Sync.objects.get(pk=sync_id), error=error)


@handler(TASK, gave_up=gave_up)
def sync_connector(*, sync_id: int) -> None:
    """Carry a sync out. A tracker that does not answer, or answers nonsense, ends it in words."""
    sync = begin_sync(sync_id)
    if sync is None:
        return
    try:
        with Tracker(access_to(sync.connector)) as tracker:
            _Work(sync, tracker).go_on()
            take_reports(sync, tracker)
            prove_waiting(sync.connector)
        finish_sync(sync=sync)
    except Overtaken:
        log.warning("another worker has gone on with sync %s", sync.pk)
    except (OutboundError, TrackerError, Refused) as error:
        fail_sync(sync=sync, error=str(error))


class _Work:
    """One worker's part of a sync. `position` says what comes next:

    `{"step": "experiments"}`, then for each experiment in the order of their ids
    `{"step": "runs", "after": last finished, "experiment": …, "since": …, "token": …}`, then `models`.
    """

    def __init__(self, sync: Sync, tracker: Tracker) -> None:
        self.sync, self.tracker = sync, tracker
        self.connector: Connector = sync.connector
        self.rules: list[ConnectorRule] = rules_of(self.connector)

    def go_on(self) -> None:
        """All that is left."""
        if self.sync.position.get("step", "experiments") == "experiments":
            self._experiments()
        if self.sync.position.get("step") == "runs":
            for experiment in self._experiments_left():
                self._experiment(experiment)
            self._move({"step": "models"}, _("Registered models"))
        if self.sync.position.get("step") == "models":
            self._models()

    def _experiments(self) -> None:
        items = registry.experiment_items(self.tracker.experiments())
        registry.take_records(
            sync=self.sync, kind=_K.EXPERIMENT, items=items, position={"step": "runs", "after": ""},
            step=_("Experiments"),
        )  # fmt: skip

    def _experiments_left(self) -> Iterator[SourceRecord]:
        """Those that are not finished; one that begins anew after a crash is the first of them."""
        rows = SourceRecord.objects.filter(connector=self.connector, kind=_K.EXPERIMENT)
        rows = rows.exclude(state=SourceRecord.State.GONE)
        total = max(rows.count(), 1)
        left = list(rows.filter(external_id__gt=self.sync.position.get("after", "")).order_by("external_id"))
        for at, each in enumerate(left, total - len(left)):
            self.sync.progress = 0.02 + 0.9 * at / total
            self._share = 0.9 / total
            yield each

    def _experiment(self, experiment: SourceRecord) -> None:
        """One experiment; what is wrong with it alone is a problem, and the others go on."""
        after = self.sync.position.get("after", "")
        done = {"step": "runs", "after": experiment.external_id}
        try:
            self._runs(experiment, after)
            items = registry.logged_model_items(self.tracker.logged_models(experiment.external_id))
            registry.take_records(
                sync=self.sync, kind=_K.LOGGED_MODEL, items=items, within=experiment.external_id,
                position=self.sync.position,
            )  # fmt: skip
            if self.sync.full:
                note_gone(self.sync, experiment, self.tracker)
        except (TrackerError, OutboundError) as error:
            if isinstance(error, OutboundError) and error.code != "too_large":
                raise
            if isinstance(error, TrackerError) and error.status != 200:
                raise
            self.sync.problems.append(f"{experiment.name}: {error}")
        self._move(done, experiment.name)

    def _runs(self, experiment: SourceRecord, after: str) -> None:
        place = self.sync.position
        if place.get("experiment") != experiment.external_id:
            place = {
                "step": "runs", "after": after, "experiment": experiment.external_id,
                "since": self._start(experiment), "token": "",
            }  # fmt: skip
            self._move(place, experiment.name)
            if not self.sync.full:
                self._open_runs(experiment)
        self._pages(experiment)

    def _start(self, experiment: SourceRecord) -> int | None:
        newest = experiment.content.get("newest")
        return None if self.sync.full or newest is None else max(int(newest) - OVERLAP, 0)

    def _open_runs(self, experiment: SourceRecord) -> None:
        """Runs that had not ended when they were last seen."""
        rows = SourceRecord.objects.filter(
            connector=self.connector, kind=_K.RUN, parent=experiment.external_id, open=True
        )
        names = list(rows.order_by("pk").values_list("external_id", flat=True))
        for at in range(0, len(names), OPEN_AT_ONCE):
            ids = [each for each in names[at : at + OPEN_AT_ONCE] if each.isalnum()]
            page = self.tracker.runs(experiment.external_id, ids=ids, size=OPEN_AT_ONCE) if ids else None
            if page is not None:
                self._take(experiment, page.runs, self.sync.position)

    def _pages(self, experiment: SourceRecord) -> None:
        """From start to start: a page begins where the last one ended, so that nothing is missed when runs
        come in between. Only while many began in one millisecond does the tracker's own token count.
        """
        size, idle = PAGE, 0
        ties: set[str] = set()
        while True:
            place = self.sync.position
            since, token = place.get("since"), place.get("token", "")
            try:
                page = self.tracker.runs(experiment.external_id, since=since, token=token, size=size)
            except OutboundError as error:
                if error.code != "too_large" or size <= LEAST_PAGE:
                    raise
                size = max(size // 8, LEAST_PAGE)
                continue
            starts = [start for raw in page.runs if (start := _start_of(raw)) is not None]
            newest = max(starts, default=since)
            fresh = {_name_of(raw) for raw in page.runs} - ties
            ahead = newest is not None and (since is None or newest > since)
            ties = fresh if ahead else ties | fresh
            idle = 0 if fresh else idle + 1
            if since is not None and starts and min(starts) < since:
                raise TrackerError("pages", _("A page brings runs that were not asked for."))
            if page.token and (idle > MOST_PAGES_WITHOUT_NEWS or page.token == token):
                raise TrackerError("pages", _("The same pages come again and again."))
            onward = {**place, "since": newest, "token": "" if ahead else page.token}
            self._take(experiment, page.runs, onward)
            if not page.token:
                self._note_newest(experiment, newest)
                return

    def _take(self, experiment: SourceRecord, raws: list[dict[str, Any]], onward: Position) -> None:
        found = read_page(self.connector, experiment, raws, rules=self.rules, tracker=self.tracker)
        known = SourceRecord.objects.filter(
            connector=self.connector, kind=_K.RUN, parent=experiment.external_id
        ).count()
        seen = self.sync.counts.get("seen", 0) + len(found)
        self.sync.progress = min(self.sync.progress + self._share * len(raws) / max(known + PAGE, 1), 0.95)
        step = _("%(name)s: %(count)d runs read") % {"name": experiment.name[:120], "count": seen}
        take_page(sync=self.sync, experiment=experiment, page=found, position=onward, step=step)

    def _note_newest(self, experiment: SourceRecord, newest: int | None) -> None:
        if newest is None or newest <= experiment.content.get("newest", -1):
            return
        experiment.content = {**experiment.content, "newest": newest}
        experiment.save(update_fields=["content"])

    def _models(self) -> None:
        models = registry.model_items(self.tracker.models())
        versions = registry.version_items(self.tracker.versions())
        with transaction.atomic():
            registry.take_records(sync=self.sync, kind=_K.MODEL, items=models, position={"step": "models"})
            registry.take_records(
                sync=self.sync, kind=_K.VERSION, items=versions, position={"step": "done"}, step=_("Done")
            )

    def _move(self, position: Position, step: str) -> None:
        with transaction.atomic():
            advance(self.sync, position, counts={}, step=step)


def _start_of(raw: dict[str, Any]) -> int | None:
    info = raw.get("info")
    start = info.get("start_time") if isinstance(info, dict) else None
    try:
        return int(start) if start is not None else None
    except (TypeError, ValueError):
        return None


def _name_of(raw: dict[str, Any]) -> str:
    info = raw.get("info")
    return str(info.get("run_id")) if isinstance(info, dict) else ""
