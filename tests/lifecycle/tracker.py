"""A tracker that misbehaves on demand: a real HTTP server that answers in MLflow's shapes, or in none."""

import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


def run(number, experiment="1", **more):
    """A finished run as a search gives it; `info` and `data` as fields."""
    start = 1_700_000_000_000 + number
    info = {
        "run_id": f"{number:032x}", "run_name": f"run {number}", "experiment_id": experiment,
        "status": "FINISHED", "start_time": start, "end_time": start + 5, "lifecycle_stage": "active",
        "user_id": "ada",
    } | more.pop("info", {})  # fmt: skip
    data = {
        "metrics": [{"key": "loss", "value": number / 10, "timestamp": start, "step": 0}],
        "params": [{"key": "depth", "value": "3"}], "tags": [{"key": "team", "value": "pizza"}],
    } | more.pop("data", {})  # fmt: skip
    return {"info": info, "data": data, "inputs": {}, **more}


class Tracker:
    """What the server has; `behave(path, asked)` may answer in its place with (status, type, body)."""

    def __init__(self):
        self.experiments = [{"experiment_id": "1", "name": "promotions", "lifecycle_stage": "active"}]
        self.runs = []
        self.models, self.versions = [], []
        self.artifacts = {}
        self.behave = None
        self.asked = []

    def answer(self, path, asked):
        if path.endswith("experiments/search"):
            return {"experiments": self.experiments}
        if path.endswith("runs/search"):
            return self.search(asked)
        if path.endswith("runs/get"):
            return {"run": {}} if any(r["info"]["run_id"] == asked["run_id"] for r in self.runs) else None
        if path.endswith("artifacts/list"):
            return {"files": self.listed(asked.get("path", ""))}
        if path.endswith("get-artifact"):
            return self.artifacts.get(asked["path"])
        if path.endswith("get-history-bulk"):
            return {"metrics": []}
        return {"registered_models": self.models, "model_versions": self.versions}

    def listed(self, folder):
        below = [path for path in self.artifacts if path.rpartition("/")[0] == folder]
        folders = {path.partition("/")[0] for path in self.artifacts if "/" in path} if not folder else ()
        return [{"path": path} for path in below] + [{"path": each, "is_dir": True} for each in folders]

    def search(self, asked):
        [experiment] = asked["experiment_ids"]
        found = [each for each in self.runs if each["info"]["experiment_id"] == experiment]
        found.sort(key=lambda each: each["info"]["start_time"])
        words = asked.get("filter", "")
        if ">=" in words:
            since = int(words.rpartition(" ")[2])
            found = [each for each in found if each["info"]["start_time"] >= since]
        if " IN " in words:
            found = [each for each in found if each["info"]["run_id"] in words]
        at, size = int(asked.get("page_token", 0)), int(asked["max_results"])
        more = {"next_page_token": str(at + size)} if at + size < len(found) else {}
        return {"runs": found[at : at + size], **more}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *words):
        pass

    def do_GET(self):
        parts = urlsplit(self.path)
        self.reply(parts.path, {key: values[-1] for key, values in parse_qs(parts.query).items()})

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.reply(urlsplit(self.path).path, json.loads(body))

    def reply(self, path, asked):
        tracker = self.server.tracker
        tracker.asked.append((path, asked, dict(self.headers.items())))
        given = tracker.behave(path, asked) if tracker.behave else None
        if given is None:
            said = tracker.answer(path, asked)
            given = (200, "application/json", json.dumps(said)) if said is not None else missing()
        status, kind, body = given
        raw = body if isinstance(body, bytes) else body.encode()
        try:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)
        except OSError:
            self.close_connection = True


def missing():
    said = {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "Run not found"}
    return 404, "application/json", json.dumps(said)


@contextmanager
def serving():
    """The tracker and its address, while it lasts."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    server.tracker = Tracker()
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    server.tracker.url = f"http://127.0.0.1:{server.server_port}"
    yield server.tracker
    server.shutdown()
    server.server_close()


def slowly(seconds):
    def behave(path, asked):
        time.sleep(seconds)

    return behave
