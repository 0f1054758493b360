"""From the set of a run's OpenLineage events to what is known of the run.

The events are put in order by their own time, then the facets of later ones replace those of earlier ones. As
only the set counts, events that come in any order, twice or late end in the same record.
"""

import datetime as dt
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from lifecycle.intake.outside_run import MOST_DATA_SETS, MOST_PARAMETERS, MOST_TAGS

KIND_TAG, TASK_TAG, ITERATION_TAG = "gatebook.kind", "gatebook.task", "gatebook.iteration"
KINDS = ("DVR", "TRN", "EVR", "DPR", "MON")
_RANK = {"START": 0, "RUNNING": 1, "OTHER": 2, "COMPLETE": 3, "ABORT": 4, "FAIL": 5}
_ENDS = {"COMPLETE": "finished", "ABORT": "failed", "FAIL": "failed"}
_WORDS = (
    ("MON", re.compile(r"monitor|drift")),
    ("EVR", re.compile(r"eval|benchmark")),
    ("TRN", re.compile(r"train|(^|[^a-z])fit([^a-z]|$)|tune")),
    ("DPR", re.compile(r"deploy|rollout|release")),
)
_STATUS = {"pass": "pass", "fail": "fail", "skip": "skip"}

Json = dict[str, Any]


def fold(events: Iterable[bytes]) -> Json:
    """What the intake takes as one run (`OutsideRun`), from the canonical bytes of its events."""
    told = sorted({_keyed(raw) for raw in events})
    merged = _Merged()
    for *_key, raw in told:
        merged.add(json.loads(raw))
    return merged.run()


def _keyed(raw: bytes) -> tuple[str, int, bytes]:
    event = json.loads(raw)
    moment = dt.datetime.fromisoformat(event["eventTime"]).astimezone(dt.UTC)
    return moment.isoformat(timespec="microseconds"), _RANK[event.get("eventType") or "OTHER"], raw


class _Merged:
    """The events so far, each facet as the last one says it."""

    def __init__(self) -> None:
        self.run_id, self.namespace, self.name = "", "", ""
        self.run_facets: Json = {}
        self.job_facets: Json = {}
        self.sets: dict[str, dict[tuple[str, str], Json]] = {"inputs": {}, "outputs": {}}
        self.began: str | None = None
        self.under_way = False
        self.end: tuple[str, str] | None = None

    def add(self, event: Json) -> None:
        kind, moment = event.get("eventType") or "OTHER", event["eventTime"]
        self.run_id = str(event["run"]["runId"]).lower()
        self.namespace, self.name = event["job"]["namespace"], event["job"]["name"]
        _merge(self.run_facets, event["run"].get("facets"))
        _merge(self.job_facets, event["job"].get("facets"))
        for side, sets in self.sets.items():
            for each in event.get(side) or []:
                facets = sets.setdefault((each["namespace"], each["name"]), {})
                for part in ("facets", "inputFacets", "outputFacets"):
                    _merge(facets, each.get(part))
        if kind == "START" and self.began is None:
            self.began = moment
        self.under_way = self.under_way or kind in ("START", "RUNNING")
        if kind in _ENDS:
            self.end = (_ENDS[kind], moment)

    def run(self) -> Json:
        state, ended = self.end or ("running" if self.under_way else "queued", None)
        tags = _tags(self.run_facets) | {
            key: value for key, value in _tags(self.job_facets).items() if key not in _tags(self.run_facets)
        }
        run: Json = {
            "external_id": self.run_id,
            "kind": self._kind(tags),
            "title": _cut(self.name, 300) or self.run_id,
            "state": state,
            "started_at": _earlier(self.began, ended),
            "finished_at": ended,
            "parent": self._parent(),
            "tags": dict(list(tags.items())[:MOST_TAGS]),
            "parameters": self._parameters(),
            "code": self._code(),
            "environment": self._environment(),
            "owners": _owners(self.job_facets, 50),
            "inputs": _data_sets(self.sets["inputs"]),
            "outputs": _data_sets(self.sets["outputs"]),
            "detail": self._detail(),
        }
        if checks := _checks(self.run_facets.get("test")):
            bad = any(each["status"] == "fail" and each.get("severity") != "warning" for each in checks)
            run["outcome"] = {"checks": checks, "verdict": "failed" if bad else "ok"}
        if state == "failed":
            run["error"] = self._error()
        return run | _place(tags)

    def _kind(self, tags: Mapping[str, str]) -> str:
        said = tags.get(KIND_TAG, "").upper()
        if said in KINDS:
            return said
        name = self.name.lower()
        return next((kind for kind, words in _WORDS if words.search(name)), "DVR")

    def _parent(self) -> str:
        run = _part(self.run_facets.get("parent"), "run") or _part(self.run_facets.get("parentRun"), "run")
        return _cut(str(run.get("runId") or "").lower(), 200)

    def _parameters(self) -> Json:
        found: Json = {}
        for each in _items(self.run_facets.get("executionParameters"), "parameters"):
            if key := _cut(each.get("key"), 250):
                found[key] = _text(each.get("value"), 6_000)
        return dict(list(found.items())[:MOST_PARAMETERS])

    def _code(self) -> Json:
        names = {
            "type": "type", "url": "url", "repoUrl": "repository", "path": "path", "version": "commit",
            "tag": "tag", "branch": "branch",
        }  # fmt: skip
        facet = self.job_facets.get("sourceCodeLocation") or {}
        return {ours: _text(facet[theirs], 2_000) for theirs, ours in names.items() if facet.get(theirs)}

    def _environment(self) -> Json:
        engine = self.run_facets.get("processing_engine") or {}
        found = {"engine": _text(f"{engine.get('name') or ''} {engine.get('version') or ''}".strip(), 500)}
        for each in _items(self.run_facets.get("environmentVariables"), "environmentVariables"):
            if name := _cut(each.get("name"), 250):
                found[name] = _text(each.get("value"), 2_000)
        return {name: value for name, value in list(found.items())[:500] if value}

    def _error(self) -> str:
        facet = self.run_facets.get("errorMessage") or {}
        parts = [_text(facet.get("message"), 4_000), _text(facet.get("stackTrace"), 5_900)]
        return "\n\n".join(part for part in parts if part)

    def _detail(self) -> Json:
        quality = {}
        for (namespace, name), facets in sorted(self.sets["inputs"].items())[:20]:
            columns = (facets.get("dataQualityMetrics") or {}).get("columnMetrics")
            if isinstance(columns, dict) and len(json.dumps(columns)) < 10_000:
                quality[f"{namespace}/{name}"] = columns
        detail: Json = {"job": {"namespace": _cut(self.namespace, 2_000), "name": _cut(self.name, 2_000)}}
        return detail | ({"data_quality": quality} if quality else {})


def _merge(known: Json, facets: Mapping[str, Any] | None) -> None:
    """A later facet replaces the earlier one of its name; one that says it is deleted removes it."""
    for name, facet in (facets or {}).items():
        if isinstance(facet, dict) and facet.get("_deleted") is True:
            known.pop(name, None)
        else:
            known[name] = facet


def _data_sets(sets: Mapping[tuple[str, str], Json]) -> list[Json]:
    return [
        _data_set(namespace, name, facets)
        for (namespace, name), facets in sorted(sets.items())[:MOST_DATA_SETS]
    ]


def _data_set(namespace: str, name: str, facets: Json) -> Json:
    found: Json = {"namespace": _cut(namespace, 500), "name": _cut(name, 500)}
    if version := _cut((facets.get("version") or {}).get("datasetVersion"), 500):
        found["version"] = version
    if uri := _text((facets.get("dataSource") or {}).get("uri"), 2_000):
        found["uri"] = uri
    for facet, key in (
        ("dataQualityMetrics", "rowCount"), ("inputStatistics", "rowCount"), ("outputStatistics", "rowCount"),
    ):  # fmt: skip
        rows = (facets.get(facet) or {}).get(key)
        if isinstance(rows, int) and not isinstance(rows, bool) and 0 <= rows < 2**53:
            found["rows"] = rows
    fields = {
        _cut(each.get("name"), 250): _cut(each.get("type"), 500)
        for each in _items(facets.get("schema"), "fields")
    }
    found["fields"] = {name: kind for name, kind in list(fields.items())[:2_000] if name}
    found["owners"] = _owners(facets, 20)
    found["checks"] = [
        {
            "name": _cut(each.get("assertion"), 500) or "assertion",
            "status": "pass" if each.get("success") is True else "fail",
            "severity": _severity(each.get("severity")),
            "column": _cut(each.get("column"), 500),
        }
        for each in _items(facets.get("dataQualityAssertions"), "assertions")[:1_000]
    ]
    return found


def _checks(facet: object) -> list[Json]:
    return [
        {
            "name": _cut(each.get("name"), 500) or "test",
            "status": _STATUS.get(str(each.get("status")).lower(), "error"),
            "severity": _severity(each.get("severity")),
            "text": _text(_told(each), 2_000),
        }
        for each in _items(facet, "tests")[:5_000]
    ]


def _told(test: Json) -> str:
    parts = [str(test.get("description") or "")]
    if test.get("expected") is not None or test.get("actual") is not None:
        parts.append(f"{test.get('actual')} ({test.get('expected')})")
    return " ".join(part for part in parts if part)


def _severity(said: object) -> str:
    return {"warn": "warning", "warning": "warning", "error": "error"}.get(str(said).lower(), "")


def _place(tags: Mapping[str, str]) -> Json:
    found: Json = {}
    if re.fullmatch(r"[\w.-]{1,20}", tags.get(TASK_TAG, "")):
        found["task"] = tags[TASK_TAG]
    if re.fullmatch(r"[1-9][0-9]{0,5}", tags.get(ITERATION_TAG, "")):
        found["iteration"] = int(tags[ITERATION_TAG])
    return found


def _tags(facets: Json) -> dict[str, str]:
    return {
        _cut(each.get("key"), 250): _text(each.get("value"), 8_000)
        for each in _items(facets.get("tags"), "tags")
        if _cut(each.get("key"), 250)
    }


def _owners(facets: Json, most: int) -> list[str]:
    names = [_cut(each.get("name"), 500) for each in _items(facets.get("ownership"), "owners")]
    return [name for name in names if name][:most]


def _earlier(began: str | None, ended: str | None) -> str | None:
    """When it began; not after its end, where two clocks differ."""
    if began is None or ended is None:
        return began
    return min(began, ended, key=dt.datetime.fromisoformat)


def _items(facet: object, name: str) -> list[Json]:
    found = facet.get(name) if isinstance(facet, dict) else None
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _part(facet: object, name: str) -> Json:
    found = facet.get(name) if isinstance(facet, dict) else None
    return found if isinstance(found, dict) else {}


def _cut(value: object, most: int) -> str:
    """One line of what may be anything."""
    text = value if isinstance(value, str) else "" if value is None else str(value)
    return "".join(each if each.isprintable() else " " for each in text[:most]).strip()


def _text(value: object, most: int) -> str:
    text = value if isinstance(value, str) else "" if value is None else json.dumps(value)
    return text[:most]
