"""GitHub as far as its deployment protection rules go: a real HTTP server, and the webhooks that it sends."""

import base64
import hashlib
import hmac
import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.urls import reverse
from rest_framework.test import APIClient

from lifecycle.models import Job
from lifecycle.services.outbox import deliver

APP, SECRET, REPOSITORY, SHA = "Iv23gatebook", "hook-secret-of-the-app", "chain/pizzatron", "c" * 40
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
).decode()


class Github:
    """What the server holds and was told."""

    def __init__(self):
        self.url, self.files, self.answers, self.asked = "", {}, [], []
        self.broken = False

    def answer(self, method, path, headers, body):
        """Status and JSON of one request, judged as GitHub does: by the app's JWT, then by the token."""
        self.asked.append((method, path))
        kind, _space, proof = headers.get("Authorization", "").partition(" ")
        if self.broken or kind != "Bearer":
            return 500 if self.broken else 401, {"message": "no"}
        if path == "/app/installations/77/access_tokens" and method == "POST":
            claims = jwt.decode(proof, KEY.public_key(), algorithms=["RS256"], issuer=APP)
            assert claims["exp"] - time.time() <= 600
            return 201, {"token": "ghs_of_the_installation"}
        if proof != "ghs_of_the_installation":
            return 401, {"message": "Bad credentials"}
        if method == "GET" and path.startswith(f"/repos/{REPOSITORY}/contents/"):
            name, _mark, ref = path.rpartition("/")[2].partition("?ref=")
            content = self.files.get((name, ref))
            if content is None:
                return 404, {"message": "Not Found"}
            return 200, {"encoding": "base64", "content": base64.encodebytes(content).decode()}
        if method == "POST" and path.endswith("/deployment_protection_rule"):
            self.answers.append(json.loads(body))
            return 204, None
        return 404, {"message": "Not Found"}

    def holds(self, *digests, **scope):
        """The commit deploys these models."""
        said = {"models": list(digests), "scope": scope}
        self.files["gatebook.json", SHA] = json.dumps(said).encode()

    def body(self, environment="production", **changes):
        """The webhook that asks; `at` tells one question from another."""
        run = changes.pop("run", len(self.answers) + 1)
        said = {
            "action": "requested", "environment": environment, "event": "push",
            "deployment_callback_url":
                f"{self.url}/repos/{REPOSITORY}/actions/runs/{run}/deployment_protection_rule",
            "deployment": {"id": run, "sha": SHA}, "installation": {"id": 77},
            "repository": {"full_name": REPOSITORY},
        } | changes  # fmt: skip
        return json.dumps(said).encode()

    def ask(self, environment="production", **changes):
        """Send the question, let the worker answer it, and give back what GitHub was told."""
        before = len(self.answers)
        assert send(self.body(environment, **changes)).status_code == 202
        assert deliver(Job.objects.latest("pk").pk)
        [said] = self.answers[before:]
        assert said["environment_name"] == environment
        return said


def send(body, *, secret=SECRET, event="deployment_protection_rule", delivery=None, signature=None):
    """The answer to a webhook, signed as GitHub signs."""
    signed = signature or "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {
        "X-GitHub-Event": event, "X-Hub-Signature-256": signed,
        "X-GitHub-Delivery": delivery or hashlib.sha256(body).hexdigest()[:32],
    }  # fmt: skip
    address = reverse("api:webhook-github")
    return APIClient().post(address, body, content_type="application/json", headers=headers)


@contextmanager
def served():
    """The server at an address of this machine."""
    held = Github()

    class Handler(BaseHTTPRequestHandler):
        def reply(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, said = held.answer(self.command, self.path, self.headers, body)
            raw = b"" if said is None else json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        do_GET = do_POST = reply  # noqa: N815  (the library's names)

        def log_message(self, *said):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    held.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield held
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def set_up(settings, held):
    """The installation knows the app."""
    settings.GATEBOOK_OUTBOUND_ALLOW = ["127.0.0.0/8"]
    settings.GATEBOOK_GITHUB_API = held.url
    settings.GATEBOOK_GITHUB_APP, settings.GATEBOOK_GITHUB_KEY = APP, PEM
    settings.GATEBOOK_GITHUB_SECRET = SECRET
