"""Reports of Evidently among the artifacts of monitoring runs: each becomes a run of its own, once.

A file counts if a rule takes the run as monitoring and the file's name says Evidently
(`*evidently*.json`), at the top of the artifacts or one folder below.
"""

from fnmatch import fnmatchcase

from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext as _

from lifecycle.connectors.mlflow import Tracker
from lifecycle.connectors.shapes import TrackerError
from lifecycle.errors import Invalid, Refused
from lifecycle.intake.strict_json import read_json
from lifecycle.models import Run, SourceRecord, Sync
from lifecycle.outbound import OutboundError
from lifecycle.services.connector_runs import REPORTS_READ
from lifecycle.services.connector_syncs import MACHINE
from lifecycle.services.evidently_intake import record_evidently

MOST_A_SYNC = 200
MOST_FILES = 20
LONGEST_NAME = 150


def take_reports(sync: Sync, tracker: Tracker) -> int:
    """Read the reports of runs that are new or changed since they were last looked at; returns how many.

    What cannot be read stands at its run; a tracker that does not answer ends the sync.
    """
    rows = SourceRecord.objects.filter(
        connector=sync.connector, kind=SourceRecord.Kind.RUN, state=SourceRecord.State.ACTIVE, open=False,
        rule__run_kind=Run.Kind.MONITORING, run__isnull=False,
    )  # fmt: skip
    taken = looked = 0
    for row in rows.select_related("run__project", "rule").order_by("-changed_at", "pk").iterator():
        if row.content.get(REPORTS_READ) == row.digest or looked >= MOST_A_SYNC:
            continue
        looked += 1
        wrong = []
        for path in _reports(tracker.artifacts(row.external_id), tracker, row.external_id):
            try:
                taken += _take(sync, tracker, row, path)
            except (Invalid, Refused, PermissionDenied) as no:
                wrong.append(f"{path}: {no}")
            except OutboundError as error:
                if error.code != "too_large":
                    raise
                wrong.append(f"{path}: {error}")
        row.content = {**row.content, REPORTS_READ: row.digest}
        row.refusal = " ".join(wrong)[:2000]
        row.save(update_fields=["content", "refusal"])
    return taken


def _reports(found: list[tuple[str, bool]], tracker: Tracker, run: str) -> list[str]:
    """Paths of reports; a path that would leave the run's folder is a `TrackerError`."""
    paths = []
    for path, folder in found[: MOST_FILES * 5]:
        _check(path)
        if folder:
            below = [each for each, is_folder in tracker.artifacts(run, path) if not is_folder]
            paths += [each for each in below[: MOST_FILES * 5] if _check(each)]
        else:
            paths.append(path)
    return [path for path in paths if fnmatchcase(path.rpartition("/")[2].lower(), "*evidently*.json")][
        :MOST_FILES
    ]


def _check(path: str) -> str:
    parts = path.split("/")
    if (
        not path
        or len(path) > LONGEST_NAME
        or not path.isprintable()
        or "\\" in path
        or {"", ".", ".."} & set(parts)
    ):
        raise TrackerError("path", _("An artifact has a name that leads elsewhere: %s.") % ascii(path[:100]))
    return path


def _take(sync: Sync, tracker: Tracker, row: SourceRecord, path: str) -> int:
    run = row.run
    assert run is not None
    assert row.rule is not None
    document = read_json(tracker.artifact(row.external_id, path), constants=True)
    at_work = run.task is not None and run.iteration is not None
    kept = record_evidently(
        project=run.project, document=document, actor=MACHINE, source=sync.connector.source,
        title=f"{run.title}: {path}"[:300], external_id=f"{row.external_id}/{path}"[:200], at=run.finished_at,
        url=run.url, parent=row.external_id, task=row.rule.task_key if at_work else None,
    )  # fmt: skip
    return int(kept.outcome != "unchanged")
