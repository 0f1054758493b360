"""What Evidently found becomes a monitoring run: from the API, a page, a command, or an artifact."""

import datetime as dt
from typing import Any

from django.db import transaction
from django.utils.timezone import now
from django.utils.translation import gettext as _

from ledger.actors import Actor
from lifecycle.intake.evidently_json import read_evidently
from lifecycle.intake.outside_run import MOST_AHEAD, OutsideRun
from lifecycle.intake.reading import read_as
from lifecycle.models import Project, Run
from lifecycle.services.run_intake import Kept, upsert_runs

SOURCE = "evidently"


@transaction.atomic
def record_evidently(
    *,
    project: Project,
    document: object,
    actor: Actor,
    source: str = SOURCE,
    title: str = "",
    external_id: str = "",
    at: dt.datetime | None = None,
    model_digest: str = "",
    url: str = "",
    parent: str = "",
    task: str | None = None,
) -> Kept:
    """Record a snapshot, report or test suite of Evidently as a finished monitoring run, once.

    `external_id` names it; left out, its digest does, so that the same file is one run. `at` is when it was
    made: left out, the time in the document, else that of the first recording. A connector gives its own
    `source`, the `url` of the artifact and, as `parent`, the run that wrote it.
    Raises `Invalid` (`unknown_layout`), `InvalidItems`, and what `upsert_runs` raises.
    """
    said = read_evidently(document)
    said["external_id"] = external_id or said["external_id"]
    said["title"] = title.strip() or _("Evidently report")
    moment = at or _time_in(said) or _first_time(project, source, said["external_id"]) or now()
    said |= {"finished_at": moment.isoformat(), "url": url, "parent": parent}
    if task:
        said["task"] = task
    if model_digest:
        said["model"] = {"digest": model_digest}
    run = read_as(OutsideRun, said)
    return upsert_runs(project=project, source=source, runs=[run], actor=actor).kept[0]


def _time_in(said: dict[str, Any]) -> dt.datetime | None:
    """The document's own time, unless it lies ahead, as that of a machine in an eastern zone does."""
    text = said.pop("finished_at", None)
    moment = dt.datetime.fromisoformat(text) if text else None
    return moment if moment is not None and moment <= now() + MOST_AHEAD else None


def _first_time(project: Project, source: str, external_id: str) -> dt.datetime | None:
    known = Run.objects.filter(project=project, source=source, external_id=external_id)
    return known.values_list("finished_at", flat=True).first()
