# ruff: noqa: E501
"""Every enforcement point denies for the same reasons, each in one sentence, and lets the rest through."""

import datetime as dt
import json
import os
import subprocess
import sys
from io import StringIO

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection, transaction
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from governance.actions import GovernanceAction
from governance.models import Authorization, ClockCorrection, GateAsk, Staleness
from governance.offline import verify_gate
from governance.services import gate_checks
from governance.services.attestations import authorization_status, keys, offline_pass
from governance.services.authorizations import suspend_authorization, withdraw_authorization
from ledger.actors import SystemActor
from ledger.services import append
from lifecycle.models import ModelVersion, Notice
from lifecycle.services.tokens import issue_token
from tests import make, make_gates
from tests.governance import github as peer
from tests.governance.given import entry_of

pytestmark = pytest.mark.django_db

UNKNOWN = "0" * 64


@pytest.fixture
def given():
    return make_gates.authorization()


def ask_rest(tmp_path, digest, environment, scope):
    client = APIClient()
    client.force_login(make.user())
    asked = {
        "model_digest": digest,
        "environment": environment,
        "scope": [f"country={each}" for each in scope],
    }
    answer = client.get(reverse("api:gate-checks"), asked)
    return answer.json()["decision"] == "allow", " ".join(answer.json()["reasons"])


def ask_command(tmp_path, digest, environment, scope):
    said, code = StringIO(), 0
    options = [each for value in scope for each in ("--scope", f"country={value}")]
    try:
        call_command(
            "gate_check", "--model-digest", digest, "--environment", environment, *options, stdout=said
        )
    except CommandError as no:
        code = no.returncode
    answer = json.loads(said.getvalue())
    assert (code == 0) == (answer["decision"] == "allow")
    return code == 0, " ".join(answer["reasons"])


def review(
    spec, *, kind="InferenceService", group="serving.kserve.io", namespace="production", **annotations
):
    metadata = {
        "name": "m",
        "annotations": {f"gatebook/{k.replace('_', '-')}": v for k, v in annotations.items()},
    }
    return {
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "request": {
            "uid": "u-1", "operation": "CREATE", "namespace": namespace, "name": "m", "dryRun": True,
            "kind": {"group": group, "version": "v1beta1", "kind": kind},
            "object": {"metadata": metadata, "spec": spec},
        },
    }  # fmt: skip


def post_review(body):
    client = APIClient()
    client.force_login(make.user())
    answer = client.post(reverse("api:admission"), body, format="json")
    assert answer.status_code == 200
    said = answer.json()
    assert (said["apiVersion"], said["kind"]) == ("admission.k8s.io/v1", "AdmissionReview")
    return said["response"]


def ask_admission(tmp_path, digest, environment, scope):
    uri = f"oci://registry.example/model@sha256:{digest}"
    asked = {"scope": f"country={','.join(scope)}"} if scope else {}
    said = post_review(review({"predictor": {"model": {"storageUri": uri}}}, namespace=environment, **asked))
    assert said["uid"] == "u-1"
    return said["allowed"], said.get("status", {}).get("message", "")


def ask_deployment(tmp_path, digest, environment, scope):
    """Recording it, which is refused for what the gate check denies; undone where it is let through."""
    found = ModelVersion.objects.filter(digest=digest).first() or ModelVersion.objects.get()
    client = APIClient()
    client.force_login(found.project.created_by)
    asked = {
        "project": found.project.slug, "model_digest": found.digest, "environment": environment,
        "scope": {"country": list(scope)},
    }  # fmt: skip
    with transaction.atomic():
        answer = client.post(reverse("api:deployment-list"), asked, format="json")
        allowed = answer.status_code == 201
        transaction.set_rollback(allowed)
    return allowed, "" if allowed else answer.json()["detail"]


ONLINE = {"rest": ask_rest, "command": ask_command, "admission": ask_admission, "deployment": ask_deployment}


@pytest.fixture
def github(settings):
    with peer.served() as held:
        peer.set_up(settings, held)
        yield held


@pytest.fixture
def points(github):
    def ask_github(tmp_path, digest, environment, scope):
        github.holds(digest, **({"country": list(scope)} if scope else {}))
        said = github.ask(environment)
        return said["state"] == "approved", said["comment"]

    return ONLINE | {"github": ask_github}


def unknown(given):
    return {"digest": UNKNOWN}


def expired(given):
    Authorization.objects.update(
        valid_from=timezone.now() - dt.timedelta(9), valid_until=timezone.now() - dt.timedelta(1)
    )


def revoked(given):
    withdraw_authorization(authorization=given, actor=given.project.created_by, reason="Wrong data")


def suspended(given):
    suspend_authorization(authorization=given, actor=given.project.created_by, reason="Drift")


def wrong_environment(given):
    return {"environment": "staging"}


def wrong_scope(given):
    return {"scope": ("US", "JP")}


def stale(given):
    Staleness.objects.create(
        evaluation=make_gates.evaluation_of(given.gate), changes=[], found_at=timezone.now()
    )


def clock_in_the_past(given):
    return {"now": timezone.now() - dt.timedelta(days=1)}


def clock_moved_back_after_it_ended(given):
    """It was valid until yesterday; the clock says that it is the day before."""
    expired(given)
    return {"now": timezone.now() - dt.timedelta(days=2)}


def not_yet_valid(given):
    Authorization.objects.update(valid_from=timezone.now() + dt.timedelta(1))


CASES = {
    unknown: "ever authorized", expired: "ended on", revoked: "withdrawn", suspended: "suspended",
    wrong_environment: "staging|production", wrong_scope: "JP", stale: "changed since",
    clock_in_the_past: "clock|not valid before", clock_moved_back_after_it_ended: "clock",
    not_yet_valid: "not valid before",
}  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_every_point_denies(given, points, case, tmp_path, monkeypatch):
    asked = {"digest": given.model_digest, "environment": "production", "scope": ("US",)}
    for point, ask in points.items():
        assert ask(tmp_path, **asked)[0], f"{point} allowed before"

    changed = case(given) or {}
    if now := changed.pop("now", None):
        monkeypatch.setattr("governance.queries.gate_checks.timezone.now", lambda: now)
    for point, ask in points.items():
        if point == "deployment" and case is unknown:
            continue  # a model that nobody registered cannot be named there
        allowed, reason = ask(tmp_path, **(asked | changed))

        assert not allowed, point
        assert any(word in reason for word in CASES[case].split("|")), (point, reason)
        assert reason.rstrip().endswith("."), (point, reason)
        last = GateAsk.objects.first()
        assert (last.allow, last.point) == (False, point)
        assert last.reason in reason


@pytest.mark.django_db(transaction=True)
def test_every_point_denies_while_the_database_does_not_answer(given, github, tmp_path):
    """Each statement fails, as it does when the server has gone: that of a token or session too."""

    def gone(execute, sql, params, many, context):
        raise OperationalError("connection refused")

    asked = (tmp_path, given.model_digest, "production", ("US",))
    client = APIClient(raise_request_exception=False)
    asking = make.user()
    _token, secret = issue_token(user=asking, actor=asking, name="t", scope="gate_check", days=1)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
    rest = {"model_digest": given.model_digest, "environment": "production"}
    uri = f"oci://registry.example/model@sha256:{given.model_digest}"
    with connection.execute_wrapper(gone):
        assert not ask_command(*asked)[0]
        assert "database does not answer" in ask_command(*asked)[1]
        checked = client.get(reverse("api:gate-checks"), rest)
        admitted = client.post(
            reverse("api:admission"), review({"predictor": {"model": {"storageUri": uri}}}), format="json"
        )
        passed = client.get(reverse("api:gate-passes"), rest)
        told = peer.send(github.body())
        put = client.post(reverse("api:deployment-list"), {}, format="json")

    assert (checked.status_code, checked.json()["decision"]) == (503, "deny")
    assert "database does not answer" in checked.json()["reasons"][0]
    said = admitted.json()["response"]
    assert (said["uid"], said["allowed"]) == ("u-1", False)
    assert "database does not answer" in said["status"]["message"]
    assert (told.status_code, told.json()["outcome"]) == (503, "not_taken")
    assert "database does not answer" in told.json()["reason"]
    for answer in (passed, put):
        assert (answer.status_code, answer.json()["code"]) == (503, "database_unreachable")
        assert "database does not answer" in answer.json()["detail"]


@pytest.mark.django_db(transaction=True)
def test_an_answer_that_cannot_be_kept_is_a_no(given, points, tmp_path):
    """The disk is full: what was asked can be read, and the answer not be written."""

    def full(execute, sql, params, many, context):
        if f"INSERT INTO {GateAsk._meta.db_table}" in sql:
            raise OperationalError("disk full")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(full):
        for point in ("rest", "command", "admission", "github"):
            assert not points[point](tmp_path, given.model_digest, "production", ("US",))[0], point


def test_a_database_that_is_not_there_is_a_no_with_the_reason():
    """A process of its own, whose database nobody serves."""
    told = {**os.environ, "DATABASE_URL": "postgres://nobody@127.0.0.1:1/none", "GATEBOOK_DATABASE_POOL": "0"}
    asked = ["manage.py", "gate_check", "--model-digest", UNKNOWN, "--environment", "production"]
    said = subprocess.run(
        [sys.executable, *asked], cwd=settings.BASE_DIR, env=told, capture_output=True, text=True, check=False
    )

    assert said.returncode == 1, said.stderr
    assert "database does not answer" in json.loads(said.stdout)["reasons"][0]


# ---- a clock that had run ahead ----


@pytest.fixture
def ahead(given, monkeypatch):
    """Something was recorded while the clock was a month ahead; it is right again."""
    later = timezone.now() + dt.timedelta(days=31)
    with monkeypatch.context() as fast, transaction.atomic():
        fast.setattr("ledger.services.now", lambda: later)
        append(actor=SystemActor("test"), action=GovernanceAction.GATE_EVALUATED, subject=given)
    return given


def test_a_clock_that_had_run_ahead_denies_until_it_is_put_right(ahead, capsys):
    auditor = make.user(org_role="auditor")
    asked = {"model_digest": ahead.model_digest, "environment": "production"}
    assert "clock is behind the records" in gate_checks.gate_check(**asked).reason
    with pytest.raises(CommandError, match="Say why"):
        call_command("correct_clock", "--reason", " ")

    with entry_of("clock.corrected"):
        call_command("correct_clock", "--reason", "The host was set to another month")

    assert gate_checks.gate_check(**asked).allow
    assert Notice.objects.filter(person=auditor, key__startswith="clock:").count() == 1
    before = timezone.now() - dt.timedelta(minutes=5)
    assert not gate_checks.gate_check(**asked, at=before).allow, "a clock that goes back is still seen"


def test_a_right_clock_is_not_put_right(given):
    with pytest.raises(CommandError, match="nothing to put right"):
        call_command("correct_clock", "--reason", "To be sure")
    assert not ClockCorrection.objects.exists()


# ---- offline ----


@pytest.fixture
def offline(given, tmp_path):
    """Asks the verifier with a pass that was given now; changes say what is asked or held otherwise."""
    (tmp_path / "keys.json").write_text(json.dumps({"keys": keys()}))
    scope = {"country": ["US"]}
    envelope = offline_pass(
        model_digest=given.model_digest, environment="production", scope=scope, actor=None
    )
    (tmp_path / "pass.json").write_text(envelope)

    def ask(capsys, digest=given.model_digest, environment="production", scope=("US",), now=None):
        (tmp_path / "status.json").write_text(authorization_status())
        asked = [
            "--pass", str(tmp_path / "pass.json"), "--keys", str(tmp_path / "keys.json"), "--status",
            str(tmp_path / "status.json"), "--model-digest", digest, "--environment", environment,
            *[part for each in scope for part in ("--scope", f"country={each}")],
        ]  # fmt: skip
        code = verify_gate.main(asked, now=now)
        return code, json.loads(capsys.readouterr().out)["reason"]

    ask.path = tmp_path
    return ask


def test_the_verifier_allows_what_the_pass_covers(offline, capsys):
    assert offline(capsys) == (0, "The pass covers it.")


@pytest.mark.parametrize(
    ("case", "word"),
    [
        (unknown, "another model"), (wrong_environment, "not for staging"), (wrong_scope, "JP"),
        (revoked, "withdrawn"), (suspended, "suspended"), (stale, "stale"), (clock_in_the_past, "clock|not of today"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)  # fmt: skip
def test_the_verifier_denies(given, offline, capsys, case, word):
    code, reason = offline(capsys, **(case(given) or {}))

    assert code == 1
    assert any(each in reason for each in word.split("|")), reason


def test_a_pass_ends_by_itself_and_none_is_given_for_what_is_not_allowed(given, offline, capsys):
    code, _reason = offline(capsys, now=timezone.now() + dt.timedelta(days=8))
    assert code == 1
    suspended(given)
    from governance.errors import Refused

    with pytest.raises(Refused, match="suspended"):
        offline_pass(model_digest=given.model_digest, environment="production", scope={}, actor=None)


@pytest.mark.parametrize("harm", ["payload", "signature", "key", "nonsense"])
def test_a_pass_that_was_touched_is_refused(offline, capsys, harm):
    path = offline.path / "pass.json"
    content = json.loads(path.read_text())
    if harm == "payload":
        content["payload"] = content["payload"][:-8] + "AAAAAAA="
    elif harm == "signature":
        content["signatures"][0]["sig"] = "A" * 86 + "=="
    elif harm == "key":
        (offline.path / "keys.json").write_text('{"keys": []}')
    path.write_text("no json" if harm == "nonsense" else json.dumps(content))

    assert offline(capsys)[0] == 1


# ---- admission: what Kubernetes may send ----


@pytest.mark.parametrize(
    "spec",
    [
        {"predictor": {"model": {"storageUri": "{uri}"}}},
        {"predictor": {"sklearn": {"storageUri": "{uri}"}}},
        {"predictor": {"minReplicas": 1, "model": {"storageUri": "{uri}"}}, "transformer": {"containers": []}},
        {"predictor": {"canaryTrafficPercent": 10, "model": {"storageUri": "{uri}"}}},
        {"predictor": {"containers": [{"name": "c", "image": "i", "env": [{"name": "STORAGE_URI", "value": "{uri}"}]}]}},
        {"default": {"predictor": {"xgboost": {"storageUri": "{uri}"}}}},
        {"predictor": {"workerSpec": {}, "model": {"storageUri": "{uri}"}}, "explainer": {"art": {"storageUri": "{uri}"}}},
    ],
)  # fmt: skip
def test_every_path_to_a_model_is_judged(given, spec):
    def filled(digest):
        return json.loads(json.dumps(spec).replace("{uri}", f"s3://b/m#sha256={digest}"))

    assert post_review(review(filled(given.model_digest)))["allowed"]
    assert not post_review(review(filled(UNKNOWN)))["allowed"]


@pytest.mark.parametrize(
    ("kind", "spec"),
    [
        ("LLMInferenceService", {"model": {"uri": "oci://r/m@sha256:{digest}", "name": "m"}}),
        ("TrainedModel", {"inferenceService": "m", "model": {"framework": "sklearn", "storageUri": "oci://r/m@sha256:{digest}"}}),
    ],
)  # fmt: skip
def test_other_kinds_of_kserve_are_judged(given, kind, spec):
    for digest, allowed in ((given.model_digest, True), (UNKNOWN, False)):
        filled = json.loads(json.dumps(spec).replace("{digest}", digest))
        assert post_review(review(filled, kind=kind))["allowed"] == allowed


def test_a_uri_is_a_model_only_where_its_digest_is_pinned(given):
    spec = {"predictor": {"model": {"storageUri": "s3://models/pizza"}}}
    said = post_review(review(spec, model_digest=given.model_digest))
    assert not said["allowed"], "an annotation pins no bytes"
    assert "pinned" in said["status"]["message"]

    type(given.model_version).objects.filter(pk=given.model_version_id).update(source_uri="s3://models/pizza")
    assert post_review(review(spec))["allowed"]
    assert not post_review(review(spec, model_digest=UNKNOWN))["allowed"]


def test_a_deployment_is_judged_by_annotation_and_image_digest(given):
    def pod(image, **annotations):
        template = {"spec": {"containers": [{"name": "c", "image": image}]}}
        return post_review(review({"template": template}, kind="Deployment", group="apps", **annotations))

    assert pod("r/serve@sha256:" + "b" * 64, model_digest=given.model_digest)["allowed"]
    assert pod(f"r/model@sha256:{given.model_digest}")["allowed"]
    assert not pod("r/serve:latest", model_digest=given.model_digest)["allowed"]
    assert not pod("r/serve@sha256:" + "b" * 64)["allowed"]
    assert not pod("r/serve@sha256:" + "b" * 64, model_digest="nonsense")["allowed"]


def test_gatebook_s_own_namespace_is_never_locked_out_and_others_may_be_mapped(given, settings):
    settings.GATEBOOK_NAMESPACES = {"pizza-us": "production"}
    spec = {"predictor": {"model": {"storageUri": f"x@sha256:{given.model_digest}"}}}
    assert post_review(review({}, namespace="gatebook"))["allowed"]
    assert post_review(review(spec, namespace="pizza-us"))["allowed"]
    assert not post_review(review(spec, namespace="pizza-jp"))["allowed"]


@pytest.mark.parametrize(
    "body",
    [
        None, [], {}, {"kind": "AdmissionReview"}, {"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v2"},
        {"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": 5},
        {"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": {"uid": 7}},
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_not_admitted(body):
    said = post_review(body)
    assert not said["allowed"]
    assert said["status"]["message"]


def test_ten_megabytes_and_deep_nesting_are_not_admitted():
    client = APIClient()
    client.force_login(make.user())
    big = client.post(reverse("api:admission"), b"x" * 10_000_000, content_type="application/json")
    assert not big.json()["response"]["allowed"]
    deep = {"a": 1}
    for _ in range(60):
        deep = {"a": deep}
    assert not post_review(review(deep))["allowed"]
