"""GitHub as far as a custom deployment protection rule needs it: reading its webhook, speaking its REST API.

Everything that is asked of it goes through the guarded client, and only to the installation's own API.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import quote

import jwt
from django.conf import settings
from django.utils.translation import gettext as _

from governance.errors import Invalid
from lifecycle.outbound import Limits, OutboundError, Session

_LIMITS = Limits(seconds=30, size=2_000_000, redirects=0)
_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}/(?!\.{1,2}\Z)[A-Za-z0-9_.-]{1,100}")
_SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_VERSION = "2022-11-28"
MOST_COMMENT = 1000
JWT_SECONDS = 540
"""GitHub takes at most ten minutes; its clock may be ahead of ours or behind."""


class GithubError(Exception):
    """GitHub answers, but not with what was asked for; `str()` says what, without any secret."""

    def __init__(self, text: str, status: int) -> None:
        super().__init__(text)
        self.status = status


@dataclass(frozen=True)
class Asked:
    """What the webhook says."""

    repository: str
    environment: str
    sha: str
    installation: int
    callback_url: str


def read_request(body: bytes) -> Asked | None:
    """The webhook's body; None for another action than `requested`. Raises `Invalid` with the place."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Invalid("not_json", _("The body is no JSON."), "") from error
    if not isinstance(data, dict):
        raise Invalid("not_an_event", _("The body is no object."), "")
    if data.get("action") != "requested":
        return None
    repository = _text(_part(data, "repository"), "full_name", "/repository/full_name", _REPOSITORY)
    deployment = _part(data, "deployment")
    sha = _text(deployment, "sha", "/deployment/sha", _SHA)
    environment = _text(data, "environment", "/environment", re.compile(r"[^\x00-\x1f]{1,255}"))
    installation = _part(data, "installation").get("id")
    if not isinstance(installation, int) or isinstance(installation, bool) or not 0 < installation < 2**63:
        raise Invalid("not_an_event", _("This is no number of an installation."), "/installation/id")
    wanted = re.compile(
        re.escape(f"{api_root()}/repos/{repository}/actions/runs/")
        + r"[0-9]{1,19}/deployment_protection_rule"
    )
    callback = _text(data, "deployment_callback_url", "/deployment_callback_url", wanted)
    return Asked(repository, environment, sha, installation, callback)


def _part(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = data.get(name)
    if not isinstance(found, dict):
        raise Invalid("not_an_event", _("There should be an object."), f"/{name}")
    return found


def _text(data: Mapping[str, Any], name: str, where: str, form: re.Pattern[str]) -> str:
    found = data.get(name)
    if not isinstance(found, str) or not form.fullmatch(found):
        raise Invalid("not_an_event", _("This is not as GitHub sends it."), where)
    return found


def api_root() -> str:
    """Where GitHub's API is, without a slash at its end."""
    return str(settings.GATEBOOK_GITHUB_API).rstrip("/")


class Github:
    """GitHub's API for one installation of the app; raises `OutboundError`, `GithubError`."""

    def __init__(self, installation: int) -> None:
        self._installation = installation
        self._session = Session(_LIMITS)
        self._token = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._session.close()

    def file(self, repository: str, path: str, sha: str) -> bytes | None:
        """A file as the commit has it; None if it has none."""
        url = f"{api_root()}/repos/{repository}/contents/{quote(path)}?ref={sha}"
        try:
            found = self._call("GET", url)
        except GithubError as error:
            if error.status == 404:
                return None
            raise
        if not isinstance(found, dict) or found.get("encoding") != "base64":
            raise GithubError(_("GitHub gives %(path)s in a form that is not read.") % {"path": path}, 200)
        try:
            return base64.b64decode(str(found.get("content", "")))
        except binascii.Error as error:
            raise GithubError(_("GitHub gives a file that cannot be read."), 200) from error

    def answer(self, url: str, *, environment: str, approve: bool, comment: str) -> None:
        """Approve or reject the job that waits."""
        body = {
            "environment_name": environment, "state": "approved" if approve else "rejected",
            "comment": comment[:MOST_COMMENT],
        }  # fmt: skip
        self._call("POST", url, body)

    def _call(self, method: str, url: str, body: Mapping[str, Any] | None = None) -> Any:
        if not self._token:
            self._token = self._new_token()
        return self._once(method, url, self._token, body)

    def _new_token(self) -> str:
        """A token of the installation, for which the app vouches by a JWT of its own."""
        moment = int(time.time())
        claims = {"iat": moment - 60, "exp": moment + JWT_SECONDS, "iss": settings.GATEBOOK_GITHUB_APP}
        try:
            proof = jwt.encode(claims, settings.GATEBOOK_GITHUB_KEY, algorithm="RS256")
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            raise GithubError(_("The app's private key cannot be used."), 0) from error
        url = f"{api_root()}/app/installations/{self._installation}/access_tokens"
        found = self._once("POST", url, proof, {})
        token = found.get("token") if isinstance(found, dict) else None
        if not isinstance(token, str) or not token:
            raise GithubError(_("GitHub gives no token."), 200)
        return token

    def _once(self, method: str, url: str, token: str, body: Mapping[str, Any] | None) -> Any:
        headers = {
            "authorization": f"Bearer {token}", "accept": "application/vnd.github+json",
            "x-github-api-version": _VERSION,
        }  # fmt: skip
        raw = None if body is None else json.dumps(body).encode()
        if raw is not None:
            headers["content-type"] = "application/json"
        answer = self._session.request(method, url, headers=headers, body=raw)
        if not 200 <= answer.status < 300:
            raise GithubError(_("GitHub answers %(status)d.") % {"status": answer.status}, answer.status)
        return answer.json() if answer.body else None


__all__ = ["Asked", "Github", "GithubError", "OutboundError", "api_root", "read_request"]
