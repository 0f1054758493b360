"""MLflow's REST API as far as it is read. docs/decisions/mlflow-by-rest.md says why not by its own client."""

import base64
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, NamedTuple, Self, TypeVar
from urllib.parse import quote, urlencode

from django.utils.translation import gettext as _
from pydantic import BaseModel

from lifecycle.connectors import shapes
from lifecycle.connectors.shapes import TrackerError, read_shape
from lifecycle.outbound import Answer, Flow, Limits, OutboundError, Session

P = TypeVar("P", bound=BaseModel)

API = "/api/2.0/mlflow/"
FILE = "/get-artifact"
VERSION_FILE = "/model-versions/get-artifact"
BULK = "/ajax-api/2.0/mlflow/metrics/get-history-bulk"
LIMITS = Limits(seconds=60, size=64_000_000, redirects=0)
PAGE = 500
BULK_RUNS = 100
BULK_POINTS = 25_000
WAITS = (0.3, 1.5)
"""Seconds before the second and third try of a request that may go better then."""
MOST_PAGES = 100_000
_WORTH_A_RETRY = frozenset({429, 500, 502, 503, 504})
_CODES_WORTH_A_RETRY = frozenset({"unreachable", "broken_answer", "timed_out"})


@dataclass(frozen=True)
class Access:
    """Where a tracker is and how to get in. The secret is not part of its `repr`."""

    url: str
    auth: str = "none"
    username: str = ""
    secret: str = ""

    def __repr__(self) -> str:
        return f"Access({self.url!r}, {self.auth!r})"

    @property
    def headers(self) -> dict[str, str]:
        """What proves who we are."""
        if self.auth == "token":
            return {"authorization": f"Bearer {self.secret}"}
        if self.auth == "basic":
            both = base64.b64encode(f"{self.username}:{self.secret}".encode()).decode()
            return {"authorization": f"Basic {both}"}
        return {}


class Page(NamedTuple):
    """Runs of a search as they came, and the token of the next page (empty: this was the last one)."""

    runs: list[dict[str, Any]]
    token: str


class Tracker:
    """One MLflow server. A context manager; raises `OutboundError` or `TrackerError`, both in words."""

    def __init__(
        self, access: Access, *, limits: Limits | None = None, waits: Sequence[float] | None = None
    ) -> None:
        self._access = access
        self._root = access.url.rstrip("/")
        self._session = Session(limits or LIMITS)
        self._waits = WAITS if waits is None else waits
        self._bulk = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session.close()

    def experiments(self) -> list[shapes.Experiment]:
        """All experiments, deleted ones too."""
        asked = {"max_results": 1000, "view_type": "ALL"}
        pages = self._pages("experiments/search", asked, shapes.ExperimentPage)
        return [each for page in pages for each in page.experiments]

    def runs(
        self, experiment: str, *, since: int | None = None, ids: Sequence[str] = (), token: str = "",
        size: int = PAGE,
    ) -> Page:  # fmt: skip
        """A page of an experiment's runs, deleted ones too, in the order in which they began.

        `since`: from this start on, in milliseconds. `ids`: these runs only. What they are is judged later.
        """
        asked: dict[str, Any] = {
            "experiment_ids": [experiment], "run_view_type": "ALL", "max_results": size,
            "order_by": ["attributes.start_time ASC"],
        }  # fmt: skip
        if since is not None:
            asked["filter"] = f"attributes.start_time >= {since}"
        if ids:
            asked["filter"] = "attributes.run_id IN ({})".format(", ".join(f"'{each}'" for each in ids))
        if token:
            asked["page_token"] = token
        page = read_shape(shapes.RunPage, self._post("runs/search", asked))
        if len(page.runs) > size:
            raise TrackerError("pages", _("A page brings more runs than were asked for."))
        return Page(page.runs, page.next_page_token)

    def run_is_there(self, run_id: str) -> bool:
        """Whether a run is known at all, deleted or not."""
        try:
            self._get("runs/get", {"run_id": run_id})
        except TrackerError as error:
            if error.code == "RESOURCE_DOES_NOT_EXIST":
                return False
            raise
        return True

    def histories(self, runs: Mapping[str, Sequence[str]]) -> dict[str, dict[str, list[shapes.MetricPoint]]]:
        """Every value of the named metrics of each run: run id to metric to points, in the order of steps."""
        found: dict[str, dict[str, list[shapes.MetricPoint]]] = {run: {} for run in runs}
        by_key: dict[str, list[str]] = {}
        for run, keys in runs.items():
            for key in keys:
                by_key.setdefault(key, []).append(run)
        for key, ids in by_key.items():
            for at in range(0, len(ids), BULK_RUNS):
                for run, points in self._history(key, ids[at : at + BULK_RUNS]).items():
                    found[run][key] = sorted(points, key=lambda each: (each.step, each.timestamp))
        return found

    def logged_models(self, experiment: str) -> list[shapes.LoggedModel]:
        """The logged models of an experiment; none where the server does not know the word yet."""
        asked = {"experiment_ids": [experiment], "max_results": 100}
        try:
            pages = self._pages("logged-models/search", asked, shapes.LoggedModelPage)
            return [each for page in pages for each in page.models]
        except TrackerError as error:
            if error.status == 404 and error.code in ("status", "ENDPOINT_NOT_FOUND"):
                return []
            raise

    def models(self) -> list[shapes.RegisteredModel]:
        """All registered models with their aliases."""
        pages = self._pages("registered-models/search", {"max_results": 1000}, shapes.ModelPage, get=True)
        return [each for page in pages for each in page.registered_models]

    def versions(self) -> list[shapes.ModelVersionShape]:
        """All versions of all registered models."""
        pages = self._pages("model-versions/search", {"max_results": 1000}, shapes.VersionPage, get=True)
        return [each for page in pages for each in page.model_versions]

    def artifacts(self, run_id: str, folder: str = "") -> list[tuple[str, bool]]:
        """The artifacts of a run at one place: path from its root, and whether it is a folder."""
        asked = {"run_id": run_id, **({"path": folder} if folder else {})}
        pages = self._pages("artifacts/list", asked, shapes.FileList, get=True)
        return [(each.path, each.is_dir) for page in pages for each in page.files]

    def artifact(self, run_id: str, path: str) -> bytes:
        """One artifact whole, within the limit of an answer."""
        asked = urlencode({"run_uuid": run_id, "path": path})
        answer = self._session.request("GET", f"{self._root}{FILE}?{asked}", headers=self._access.headers)
        if answer.status != 200:
            raise _refusal(answer)
        return answer.body

    def version(self, name: str, version: str) -> shapes.ModelVersionShape:
        """One version of a registered model."""
        answer = self._get("model-versions/get", {"name": name, "version": version})
        return read_shape(shapes.VersionAnswer, answer).model_version

    def version_source(self, name: str, version: str) -> str:
        """Where the files of a version lie."""
        answer = self._get("model-versions/get-download-uri", {"name": name, "version": version})
        return read_shape(shapes.SourceAnswer, answer).artifact_uri

    def logged_files(self, model_id: str, folder: str = "") -> list[shapes.FileInfo]:
        """The files of a logged model at one place, paths from its root."""
        asked = {"artifact_directory_path": folder} if folder else {}
        path = f"logged-models/{quote(model_id, safe='')}/artifacts/directories"
        pages = self._pages(path, asked, shapes.FileList, get=True)
        return [each for page in pages for each in page.files]

    def run_files(self, run_id: str, folder: str = "") -> list[shapes.FileInfo]:
        """The artifacts of a run at one place, paths from its root."""
        asked = {"run_id": run_id, **({"path": folder} if folder else {})}
        pages = self._pages("artifacts/list", asked, shapes.FileList, get=True)
        return [each for page in pages for each in page.files]

    @contextmanager
    def version_file(self, name: str, version: str, path: str, limits: Limits) -> Iterator[Flow]:
        """One file of a version, in pieces."""
        asked = urlencode({"name": name, "version": version, "path": path})
        url = f"{self._root}{VERSION_FILE}?{asked}"
        with self._session.stream("GET", url, headers=self._access.headers, limits=limits) as flow:
            if flow.status != 200:
                text = _("The tracker answers %(status)d for a file of the model.")
                raise TrackerError("status", text % {"status": flow.status}, flow.status)
            yield flow

    def check(self) -> int:
        """How many experiments there are, at most 1000: shows that address and credentials are right."""
        answer = self._post("experiments/search", {"max_results": 1000, "view_type": "ALL"})
        return len(read_shape(shapes.ExperimentPage, answer).experiments)

    def _history(self, key: str, ids: Sequence[str]) -> dict[str, list[shapes.MetricPoint]]:
        if self._bulk:
            asked = [
                ("metric_key", key),
                ("max_results", str(BULK_POINTS)),
                *(("run_id", run) for run in ids),
            ]
            try:
                page = read_shape(shapes.HistoryPage, self._call("GET", f"{BULK}?{urlencode(asked)}"))
            except TrackerError as error:
                if error.status not in (400, 403, 404, 405):
                    raise
                self._bulk = False  # the page's own address, which not every server has
            else:
                if len(page.metrics) < BULK_POINTS:
                    return _by_run(page.metrics, ids)
        return {run: self._history_of(run, key) for run in ids}

    def _history_of(self, run: str, key: str) -> list[shapes.MetricPoint]:
        asked = {"run_id": run, "metric_key": key, "max_results": BULK_POINTS}
        pages = self._pages("metrics/get-history", asked, shapes.HistoryPage, get=True)
        return [each for page in pages for each in page.metrics]

    def _pages(
        self, path: str, asked: Mapping[str, Any], shape: type[P], *, get: bool = False
    ) -> Iterator[P]:
        """Page after page. `TrackerError("pages")` when a token comes again: that would never end."""
        seen: set[str] = set()
        token = ""
        for _number in range(MOST_PAGES):
            now = {**asked, "page_token": token} if token else dict(asked)
            page = read_shape(shape, self._get(path, now) if get else self._post(path, now))
            yield page
            token = str(getattr(page, "next_page_token", ""))
            if not token:
                return
            if token in seen:
                break
            seen.add(token)
        raise TrackerError("pages", _("The pages of %(what)s come again and again.") % {"what": path})

    def _get(self, path: str, asked: Mapping[str, Any]) -> Any:
        return self._call("GET", f"{API}{path}?{urlencode(asked)}")

    def _post(self, path: str, asked: Mapping[str, Any]) -> Any:
        return self._call("POST", API + path, json.dumps(asked).encode())

    def _call(self, method: str, path: str, body: bytes | None = None) -> Any:
        """The answer as data; what may go better a moment later is tried three times."""
        for wait in self._waits:
            try:
                return self._once(method, path, body)
            except OutboundError as error:
                if error.code not in _CODES_WORTH_A_RETRY:
                    raise
            except TrackerError as error:
                if error.status not in _WORTH_A_RETRY:
                    raise
            time.sleep(wait)
        return self._once(method, path, body)

    def _once(self, method: str, path: str, body: bytes | None) -> Any:
        headers = {**self._access.headers, "accept": "application/json"}
        if body is not None:
            headers["content-type"] = "application/json"
        answer = self._session.request(method, self._root + path, headers=headers, body=body)
        if answer.status != 200:
            raise _refusal(answer)
        return answer.json()


def _refusal(answer: Answer) -> TrackerError:
    """What a server says that does not answer 200, in words; nothing of a page that is no JSON."""
    code, said = "status", ""
    try:
        data = json.loads(answer.body)
    except (ValueError, RecursionError):
        data = None
    if isinstance(data, dict):
        code = str(data.get("error_code") or code)[:60]
        said = str(data.get("message") or "")[:300]
    if answer.status in (401, 403):
        text = _("The tracker does not let Gatebook in (%(status)d). Check user name, password or token.")
        return TrackerError(code, text % {"status": answer.status}, answer.status)
    text = _("The tracker answers %(status)d: %(said)s") if said else _("The tracker answers %(status)d.")
    return TrackerError(code, text % {"status": answer.status, "said": said}, answer.status)


def _by_run(points: Sequence[shapes.MetricPoint], ids: Sequence[str]) -> dict[str, list[shapes.MetricPoint]]:
    found: dict[str, list[shapes.MetricPoint]] = {run: [] for run in ids}
    for point in points:
        if point.run_id in found:
            found[point.run_id].append(point)
    return found
