# ruff: noqa: E501
"""Every enforcement point denies for the same reasons, each in one sentence, and lets the rest through."""

import datetime as dt
import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from governance.models import Authorization, GateAsk, Staleness
from governance.offline import verify_gate
from governance.services import gate_checks
from governance.services.attestations import authorization_status, keys, offline_pass
from governance.services.authorizations import suspend_authorization, withdraw_authorization
from tests import make, make_gates

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


ONLINE = {"rest": ask_rest, "command": ask_command, "admission": ask_admission}


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


CASES = {
    unknown: "ever authorized", expired: "ended on", revoked: "withdrawn", suspended: "suspended",
    wrong_environment: "staging|production", wrong_scope: "JP", stale: "changed since",
    clock_in_the_past: "clock|not valid before",
}  # fmt: skip


@pytest.mark.parametrize("point", ONLINE)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_it_denies(given, point, case, tmp_path, monkeypatch):
    asked = {"digest": given.model_digest, "environment": "production", "scope": ("US",)}
    assert ONLINE[point](tmp_path, **asked)[0], "allowed before"

    changed = case(given) or {}
    if now := changed.pop("now", None):
        monkeypatch.setattr("governance.queries.gate_checks.timezone.now", lambda: now)
    allowed, reason = ONLINE[point](tmp_path, **(asked | changed))

    assert not allowed
    assert any(word in reason for word in CASES[case].split("|")), reason
    last = GateAsk.objects.first()
    assert (last.allow, last.point) == (False, point)
    assert last.reason in reason


@pytest.mark.parametrize("point", ONLINE)
def test_it_denies_while_the_database_does_not_answer(given, point, tmp_path, monkeypatch):
    def broken(**asked):
        raise DatabaseError("connection refused")

    monkeypatch.setattr(gate_checks, "gate_check", broken)

    allowed, reason = ONLINE[point](tmp_path, given.model_digest, "production", ("US",))

    assert not allowed
    assert "database does not answer" in reason


@pytest.mark.parametrize("point", ONLINE)
def test_an_answer_that_cannot_be_kept_is_a_no(given, point, tmp_path, monkeypatch):
    def full(**asked):
        raise DatabaseError("disk full")

    monkeypatch.setattr(GateAsk.objects, "create", full)

    assert not ONLINE[point](tmp_path, given.model_digest, "production", ("US",))[0]


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
        (revoked, "withdrawn"), (suspended, "suspended"), (clock_in_the_past, "clock|not of today"),
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
