"""GitHub's deployment protection rule: asked by a signed webhook, answered by a worker, closed by default."""

import pytest

from governance.models import GateAsk, ProtectionRequest
from governance.services.protection_rules import gave_up
from ledger.models import Entry
from lifecycle.models import Job
from lifecycle.services.outbox import deliver
from tests import make_gates
from tests.governance import github as peer

pytestmark = pytest.mark.django_db


@pytest.fixture
def github(settings):
    with peer.served() as held:
        peer.set_up(settings, held)
        yield held


def test_a_commit_with_an_authorized_model_is_let_through_and_the_answer_recorded(github):
    given = make_gates.authorization()
    github.holds(given.model_digest, country=["US"])

    said = github.ask()

    assert (said["state"], said["environment_name"]) == ("approved", "production")
    assert ProtectionRequest.objects.get().state == "approved"
    assert (GateAsk.objects.get().point, GateAsk.objects.get().allow) == ("github", True)
    assert Entry.objects.filter(action="protection_rule.answered").count() == 1


def test_environments_of_github_may_be_called_otherwise_here(github, settings):
    given = make_gates.authorization()
    github.holds(given.model_digest)
    settings.GATEBOOK_GITHUB_ENVIRONMENTS = {peer.REPOSITORY: {"prod-us": "production"}}

    assert github.ask("prod-us")["state"] == "approved"
    assert github.ask("prod-jp")["state"] == "rejected"


@pytest.mark.parametrize(
    "content",
    [
        None, b"", b"[]", b"{}", b'{"models": []}', b'{"models": "abc"}', b'{"models": ["abc"]}',
        b'{"models": [7]}', b'{"models": ["%s"], "scope": {"country": "US"}}' % (b"0" * 64),
        b'{"models": ["%s"], "scope": []}' % (b"0" * 64), b"\xff\xfe", b"[" * 100_000,
        b'{"models": %s}' % str(["0" * 64] * 21).replace("'", '"').encode(),
    ],
)  # fmt: skip
def test_a_commit_that_does_not_say_what_it_deploys_is_rejected_with_the_reason(github, content):
    if content is not None:
        github.files["gatebook.json", peer.SHA] = content

    said = github.ask()

    assert said["state"] == "rejected"
    assert said["comment"].startswith("Gatebook: ")


@pytest.mark.parametrize("harm", ["signature", "secret", "none"])
def test_a_webhook_that_github_did_not_sign_is_not_taken(github, harm):
    given = {
        "signature": {"signature": "sha256=" + "0" * 64}, "secret": {"secret": "another"},
        "none": {"signature": "-"},
    }[harm]  # fmt: skip

    assert peer.send(github.body(), **given).status_code == 401
    assert not ProtectionRequest.objects.exists()
    assert not Job.objects.exists()


def test_a_question_is_taken_once_and_its_replay_refused(github):
    body = github.body()
    assert peer.send(body).status_code == 202
    assert (peer.send(body).status_code, peer.send(body).json()["outcome"]) == (200, "seen_before")
    replayed = peer.send(body, delivery="another")

    assert (replayed.status_code, replayed.json()["code"]) == (409, "replayed")
    assert (ProtectionRequest.objects.count(), Job.objects.count()) == (1, 1)


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"repository": None}, "/repository"),
        ({"repository": {"full_name": "../x"}}, "/repository/full_name"),
        ({"deployment": {"sha": "main"}}, "/deployment/sha"), ({"environment": 7}, "/environment"),
        ({"installation": {"id": True}}, "/installation/id"),
        ({"deployment_callback_url": "https://evil.example/x"}, "/deployment_callback_url"),
    ],
)  # fmt: skip
def test_a_webhook_of_another_shape_is_a_problem_that_names_the_place(github, changes, where):
    answer = peer.send(github.body(**changes))

    assert (answer.status_code, answer.json()["where"]) == (400, where)
    assert not ProtectionRequest.objects.exists()


def test_other_events_no_set_up_and_large_bodies_change_nothing(github, settings):
    assert peer.send(b"{}", event="ping").json()["outcome"] == "ignored"
    assert peer.send(github.body(action="completed")).json()["outcome"] == "ignored"
    assert peer.send(b"no json").status_code == 400
    assert peer.send(b"x" * 10_000_001).status_code == 413
    settings.GATEBOOK_GITHUB_KEY = ""
    assert peer.send(github.body()).status_code == 404
    assert not ProtectionRequest.objects.exists()


def test_while_github_does_not_answer_the_job_waits_and_nothing_is_let_through(github):
    given = make_gates.authorization()
    github.holds(given.model_digest)
    github.broken = True
    peer.send(github.body())
    job = Job.objects.latest("pk")

    assert not deliver(job.pk)
    assert (ProtectionRequest.objects.get().state, github.answers) == ("waiting", [])
    gave_up(error="GitHub answers 500.", **job.args)
    assert ProtectionRequest.objects.get().state == "failed"
    assert Entry.objects.filter(action="protection_rule.failed").count() == 1
