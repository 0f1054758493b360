"""GitHub's question whether a job may deploy: taken once, answered by a worker, closed by default.

Which models a commit deploys stands in a file of that commit (`GATEBOOK_GITHUB_FILE`): GitHub's question
names a commit and an environment, no model. No answer leaves the job waiting, and GitHub ends it in time.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any, Literal, NamedTuple

from django.conf import settings
from django.db import transaction
from django.utils.timezone import now
from django.utils.translation import gettext as _

from governance.actions import GovernanceAction as Action
from governance.errors import Invalid, Refused
from governance.github import Github, read_request
from governance.models import PROTECTION_REQUEST_STATES, GateAsk, ProtectionRequest
from governance.services.gate_checks import ask_gate
from ledger.actors import SystemActor
from ledger.services import append
from lifecycle.outbox_registry import handler
from lifecycle.services.outbox import enqueue

TASK = "governance.github_answer"
GITHUB = SystemActor("github")
LONGEST = 10_000_000
EVENT = "deployment_protection_rule"
_ATTEMPTS = 10
_MOST_MODELS = 20
Taken = Literal["taken", "seen_before", "ignored"]


class Unproven(Exception):
    """A webhook that does not show that GitHub sent it."""


class Sent(NamedTuple):
    """A webhook as it came."""

    event: str
    delivery_id: str
    signature: str
    body: bytes


class Answer(NamedTuple):
    """What GitHub is told."""

    approve: bool
    reason: str


def takes_webhooks() -> bool:
    """Whether the app is set up: without its id, key and secret nothing is taken."""
    asked = (settings.GATEBOOK_GITHUB_SECRET, settings.GATEBOOK_GITHUB_APP, settings.GATEBOOK_GITHUB_KEY)
    return all(asked)


def take_question(sent: Sent) -> Taken:
    """Take a webhook once and have it answered.

    Raises `Unproven`, `Invalid` with the place, `Refused("replayed")` for a body that came before under
    another delivery: the signature covers the body alone.
    """
    wanted = hmac.new(settings.GATEBOOK_GITHUB_SECRET.encode(), sent.body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(f"sha256={wanted}".encode(), sent.signature.encode()):
        raise Unproven(_("The signature is not right."))
    if not sent.delivery_id or len(sent.delivery_id) > 100 or not sent.delivery_id.isprintable():
        raise Invalid("no_delivery", _("The delivery has no id."), "X-GitHub-Delivery")
    if sent.event != EVENT:
        return "ignored"
    asked = read_request(sent.body)
    if asked is None:
        return "ignored"
    digest = hashlib.sha256(sent.body).hexdigest()
    with transaction.atomic():
        found, made = ProtectionRequest.objects.get_or_create(
            digest=digest,
            defaults={
                "delivery_id": sent.delivery_id, "repository": asked.repository, "sha": asked.sha,
                "environment": asked.environment, "installation": asked.installation,
                "callback_url": asked.callback_url, "received_at": now(),
            },
        )  # fmt: skip
        if made:
            enqueue(
                task=TASK, args={"request_id": found.pk}, key=f"github:{found.pk}", max_attempts=_ATTEMPTS
            )
            return "taken"
    if found.delivery_id != sent.delivery_id:
        raise Refused("replayed", _("This question came before under another delivery."))
    return "seen_before"


def gave_up(*, error: str, request_id: int) -> None:
    """GitHub could not be told: the job goes on waiting, which lets nothing through."""
    _settle(request_id, "fail", error)


@handler(TASK, gave_up=gave_up)
def answer_question(*, request_id: int) -> None:
    """Ask the gate check and tell GitHub. After a crash it is told again, which changes nothing."""
    asked = ProtectionRequest.objects.get(pk=request_id)
    if asked.state != ProtectionRequest.State.WAITING:
        return
    with Github(asked.installation) as github:
        answer = judge(asked, github.file(asked.repository, settings.GATEBOOK_GITHUB_FILE, asked.sha))
        github.answer(
            asked.callback_url, environment=asked.environment, approve=answer.approve,
            comment=f"Gatebook: {answer.reason}",
        )  # fmt: skip
    _settle(request_id, "approve" if answer.approve else "reject", answer.reason)


def judge(asked: ProtectionRequest, content: bytes | None) -> Answer:
    """Whether every model that the commit deploys is authorized; what cannot be read is not."""
    try:
        digests, scope = _read_file(content)
    except Invalid as no:
        return Answer(False, str(no))
    repository = settings.GATEBOOK_GITHUB_ENVIRONMENTS.get(asked.repository, {})
    environment = repository.get(asked.environment, asked.environment)
    for digest in digests:
        try:
            decision = ask_gate(
                point=GateAsk.Point.GITHUB, model_digest=digest, environment=environment, scope=scope,
                actor=GITHUB, detail={"repository": asked.repository, "sha": asked.sha},
            )  # fmt: skip
        except Invalid as no:
            return Answer(False, str(no))
        if not decision.allow:
            return Answer(False, decision.reason)
    return Answer(True, _("Every model of this commit is authorized for %s.") % environment)


def _read_file(content: bytes | None) -> tuple[list[str], dict[str, list[str]]]:
    name = settings.GATEBOOK_GITHUB_FILE
    if content is None:
        text = _("The commit has no file %(name)s that says which model it deploys.")
        raise Invalid("no_file", text % {"name": name}, name)
    wrong = Invalid("file_unreadable", _("%(name)s is not as it should be.") % {"name": name}, name)
    try:
        data = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise wrong from error
    models: Any = data.get("models") if isinstance(data, dict) else None
    scope: Any = data.get("scope", {}) if isinstance(data, dict) else None
    if not isinstance(models, list) or not 0 < len(models) <= _MOST_MODELS or not isinstance(scope, dict):
        raise wrong
    named = [models, *scope.values()]
    if not all(isinstance(each, list) and each and all(isinstance(t, str) for t in each) for each in named):
        raise wrong
    return models, scope


@transaction.atomic
def _settle(request_id: int, event: str, reason: str) -> None:
    asked = ProtectionRequest.objects.select_for_update(of=("self",)).get(pk=request_id)
    if asked.state != ProtectionRequest.State.WAITING:
        return
    asked.state = PROTECTION_REQUEST_STATES.next(asked.state, event)
    asked.reason, asked.answered_at = reason, now()
    asked.save(update_fields=["state", "reason", "answered_at"])
    append(
        actor=GITHUB, action=Action.RULE_FAILED if event == "fail" else Action.RULE_ANSWERED, subject=asked,
        detail={
            "repository": asked.repository, "environment": asked.environment, "sha": asked.sha,
            "state": asked.state, "reason": reason[:1000],
        },
    )  # fmt: skip
