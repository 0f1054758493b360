"""What sends runs: 20 parameters, 50 metrics with step and time, 10 tags each, on kept connections.

All JSON is made before the clock runs, for both sides; only names are put in afterwards.
"""

import json
import random
from http.client import HTTPConnection
from typing import Any

IN_A_BATCH = 250
NOW = 1_767_348_000_000
_NAME = b"@name@"


class Client:
    """A kept connection that sends and reads JSON."""

    def __init__(self, port: int, token: str = "") -> None:
        self.connection = HTTPConnection("127.0.0.1", port, timeout=120)
        self.headers = {"Content-Type": "application/json"}
        if token:
            self.headers["Authorization"] = f"Bearer {token}"

    def ask(self, method: str, path: str, body: bytes | None = None) -> bytes:
        """The body of an answer with status 200. Raises RuntimeError for any other."""
        for again in (True, False):
            try:
                self.connection.request(method, path, body, self.headers)
                answer = self.connection.getresponse()
                said = answer.read()
                break
            except (ConnectionError, OSError):
                self.connection.close()  # a worker that has served its share was replaced
                if not again:
                    raise
        if answer.status != 200:
            raise RuntimeError(f"{answer.status} {said[:300]!r}")
        return said


def _values(number: int) -> tuple[dict[str, str], dict[str, float], dict[str, str]]:
    return (
        {f"param_{n}": f"value-{number}-{n}" for n in range(20)},
        {f"metric_{n}": random.random() for n in range(50)},
        {f"tag_{n}": f"tag value {number} {n}" for n in range(10)},
    )


def item(number: int, prefix: str) -> dict[str, Any]:
    """A run as Gatebook takes it."""
    parameters, metrics, tags = _values(number)
    return {
        "external_id": f"{prefix}-{number}", "kind": "TRN", "title": f"run {number}",
        "parameters": parameters, "metrics": metrics, "tags": tags, "started_at": "2026-01-02T10:00:00Z",
        "finished_at": "2026-01-02T10:05:00Z",
        "histories": {name: [[0, NOW, value]] for name, value in metrics.items()},
    }  # fmt: skip


class ToGatebook:
    """Sends `count` runs a request."""

    def __init__(self, client: Client, project: str, prefix: str, count: int) -> None:
        self.client, self.prefix, self.count = client, prefix, count
        bodies = [
            {"project": project, "source": "bench", "runs": [item(n, _NAME.decode()) for n in range(count)]}
            for _ in range(40 if count == 1 else 2)
        ]
        self.bodies = [json.dumps(body).encode() for body in bodies]

    def send(self, number: int) -> int:
        """How many runs were taken."""
        body = self.bodies[number % len(self.bodies)]
        name = f"{self.prefix}-{number}".encode()
        self.client.ask("PUT", "/api/v1/runs/", body.replace(_NAME, name))
        return self.count


class ToMLflow:
    """Sends a run as MLflow's client does: create, log-batch, update."""

    def __init__(self, client: Client, experiment: str) -> None:
        self.client = client
        self.first = json.dumps({"experiment_id": experiment, "start_time": NOW}).encode()
        self.bodies = [self._values(number) for number in range(40)]
        name = _NAME.decode()
        self.last = json.dumps({"run_id": name, "status": "FINISHED", "end_time": NOW}).encode()

    def _values(self, number: int) -> bytes:
        parameters, metrics, tags = _values(number)
        body = {
            "run_id": _NAME.decode(),
            "params": [{"key": key, "value": value} for key, value in parameters.items()],
            "metrics": [
                {"key": key, "value": value, "timestamp": NOW, "step": 0} for key, value in metrics.items()
            ],
            "tags": [{"key": key, "value": value} for key, value in tags.items()],
        }
        return json.dumps(body).encode()

    def send(self, number: int) -> int:
        """How many runs were taken."""
        made = json.loads(self._call("create", self.first))["run"]["info"]["run_id"].encode()
        self._call("log-batch", self.bodies[number % len(self.bodies)].replace(_NAME, made))
        self._call("update", self.last.replace(_NAME, made))
        return 1

    def _call(self, path: str, body: bytes) -> bytes:
        return self.client.ask("POST", f"/api/2.0/mlflow/runs/{path}", body)
