"""A run of MLflow as the intake takes it, and the digest by which a change is seen."""

import datetime as dt
import json
import math
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from django.utils.translation import gettext as _
from pydantic import ValidationError

from lifecycle.connectors.shapes import DatasetInput, MetricPoint, TrackedRun, TrackerError, read_shape
from lifecycle.intake.outside_run import MOST_POINTS, OutsideRun
from lifecycle.intake.reading import flaws_of

STATES = {
    "RUNNING": "running", "SCHEDULED": "queued", "FINISHED": "finished", "FAILED": "failed",
    "KILLED": "failed",
}  # fmt: skip
MOST_TAGS_TO_MATCH = 200
LONGEST_TAG_TO_MATCH = 250
_LONGEST_TAG = 8_000
_NOT_FINITE = {math.inf: "Infinity", -math.inf: "-Infinity"}
_CODE = {
    "mlflow.source.git.repoURL": "repository", "mlflow.source.git.commit": "commit",
    "mlflow.source.git.branch": "branch", "mlflow.source.name": "path",
}  # fmt: skip
Histories = Mapping[str, Sequence[MetricPoint]]


class Unfit(Exception):
    """A run that cannot be taken, with the reason in words."""


def read_run(raw: Mapping[str, Any], experiment: str) -> TrackedRun:
    """The run of a page. Raises `Unfit`, and `TrackerError` if it is another experiment's."""
    try:
        run = read_shape(TrackedRun, raw)
    except TrackerError as error:
        raise Unfit(str(error)) from error
    if run.info.experiment_id != experiment:
        raise TrackerError("pages", _("A page brings runs of another experiment than the one asked for."))
    return run


def digest_of(raw: Mapping[str, Any]) -> str:
    """SHA-256 over everything that a search says of a run, whatever the order of its parts."""
    return sha256(
        json.dumps(_sorted(raw), sort_keys=True, default=str).encode("utf-8", "replace")
    ).hexdigest()


def _sorted(value: Any) -> Any:
    """Lists of parameters, metrics and tags come in no order."""
    if isinstance(value, Mapping):
        return {str(key): _sorted(each) for key, each in value.items()}
    if isinstance(value, list):
        return sorted((_sorted(each) for each in value), key=lambda each: json.dumps(each, sort_keys=True))
    return value


def tags_of(run: TrackedRun) -> dict[str, str]:
    """What rules look at: the tags, long ones cut."""
    pairs = [(each.key[:LONGEST_TAG_TO_MATCH], each.value[:LONGEST_TAG_TO_MATCH]) for each in run.data.tags]
    return dict(sorted(pairs)[:MOST_TAGS_TO_MATCH])


def title_of(run: TrackedRun) -> str:
    """The run's name, or its id where it has none that could be printed."""
    name = "".join(each for each in run.info.run_name if each.isprintable()).strip()[:300]
    return name or run.info.run_id


def outside_run(
    run: TrackedRun, histories: Histories, *, kind: str, experiment: str, root: str, task: str | None = None,
    iteration: int | None = None,
) -> OutsideRun:  # fmt: skip
    """The run for the intake. Raises `Unfit` with the first places that are wrong."""
    info, tags = run.info, {each.key: each.value for each in run.data.tags}
    state = STATES[info.status]
    ended = state in ("finished", "failed")
    started, finished, notes = _times(run, ended=ended)
    points, thinned = _points(histories)
    notes += thinned
    long = sorted(key for key, value in tags.items() if len(value) > _LONGEST_TAG)
    notes += [_("The tag %(key)s was cut.") % {"key": key} for key in long]
    said = {
        "external_id": info.run_id, "kind": kind, "title": title_of(run), "state": state,
        "error": _("The run was killed.") if info.status == "KILLED" else "",
        "url": f"{root.rstrip('/')}/#/experiments/{info.experiment_id}/runs/{info.run_id}",
        "parent": tags.get("mlflow.parentRunId", "")[:200], "task": task, "iteration": iteration,
        "started_at": started, "finished_at": finished, "deleted": info.lifecycle_stage == "deleted",
        "parameters": {each.key: each.value for each in run.data.params},
        "metrics": {each.key: _number(each.value) for each in run.data.metrics},
        "histories": points,
        "tags": {key: value[:_LONGEST_TAG] for key, value in tags.items()},
        "inputs": [_data_set(each) for each in run.inputs.dataset_inputs],
        "code": {name: tags[key][:2000] for key, name in _CODE.items() if tags.get(key)},
        "owners": [info.user_id[:500]] if info.user_id.strip() else [],
        "model": _model(run),
        "detail": _detail(run, experiment, notes),
    }  # fmt: skip
    try:
        return OutsideRun.model_validate(said)
    except ValidationError as error:
        flaws = flaws_of(error)[:3]
        raise Unfit(" ".join(f"{each.where}: {each.text}" for each in flaws)) from error


def _times(run: TrackedRun, *, ended: bool) -> tuple[dt.datetime | None, dt.datetime | None, list[str]]:
    """Start and end; a run that ended without saying when gets its last sign of life, and a note."""
    notes: list[str] = []
    started = _moment(run.info.start_time)
    if not ended:
        return started, None, notes
    finished = _moment(run.info.end_time)
    if finished is None:
        logged = max((each.timestamp for each in run.data.metrics), default=0)
        finished = _moment(logged) or started or dt.datetime(1990, 1, 1, tzinfo=dt.UTC)
        notes.append(_("The tracker does not say when it ended; this is its last sign of life."))
    if started is not None and finished < started:
        notes.append(_("The tracker says that it ended before it began; its end is taken for its start."))
        started = finished
    return started, finished, notes


def _moment(milliseconds: int | None) -> dt.datetime | None:
    if not milliseconds or milliseconds < 0:
        return None
    try:
        return dt.datetime.fromtimestamp(milliseconds / 1000, tz=dt.UTC)
    except (OverflowError, ValueError, OSError):
        raise Unfit(_("A time of the run is out of range: is a clock wrong?")) from None


def _number(value: float) -> float | str:
    if math.isnan(value):
        return "NaN"
    return _NOT_FINITE.get(value, value)


def _points(histories: Histories) -> tuple[dict[str, list[tuple[int, int, float | str]]], list[str]]:
    """The points of each metric, thinned evenly where there are more than the intake takes."""
    count = sum(map(len, histories.values()))
    every = -(-count // MOST_POINTS) if count > MOST_POINTS else 1
    notes = []
    if every > 1:
        # Each metric keeps its last point besides, so that the limit is approached with room for these.
        every = -(-count // max(MOST_POINTS - len(histories), 1))
        text = _("Of %(count)d points every %(every)dth is kept.")
        notes.append(text % {"count": count, "every": every})
    found = {}
    for key, points in histories.items():
        kept = [*points[:-1:every], *points[-1:]]
        found[key] = [(each.step, max(each.timestamp, 0), _number(each.value)) for each in kept]
    return found, notes


def _data_set(given: DatasetInput) -> dict[str, Any]:
    data, tags = given.dataset, {each.key: each.value for each in given.tags}
    source = _object(data.source)
    uri = next((str(source[name]) for name in ("uri", "url", "path") if source.get(name)), "")
    rows = _object(data.profile).get("num_rows")
    return {
        "name": data.name[:500] or _("unnamed"), "role": tags.get("mlflow.data.context", "")[:500],
        "digest": data.digest[:500], "uri": uri[:2000],
        "rows": rows if isinstance(rows, int) and not isinstance(rows, bool) and rows >= 0 else None,
    }  # fmt: skip


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text) if text else {}
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _model(run: TrackedRun) -> dict[str, str] | None:
    links = run.outputs.model_outputs or run.inputs.model_inputs
    if not links:
        return None
    return {"name": links[-1].model_id[:500], "uri": f"models:/{links[-1].model_id}"[:2000]}


def _detail(run: TrackedRun, experiment: str, notes: Sequence[str]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "experiment": experiment, "experiment_id": run.info.experiment_id, "status": run.info.status,
        "artifact_uri": run.info.artifact_uri,
    }  # fmt: skip
    made = sorted(each.model_id for each in run.outputs.model_outputs)
    used = sorted(each.model_id for each in run.inputs.model_inputs)
    return (
        found
        | ({"models_made": made} if made else {})
        | ({"models_used": used} if used else {})
        | ({"notes": list(notes)} if notes else {})
    )
