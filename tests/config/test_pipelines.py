"""The examples for pipelines are run as they stand: by the shell, against a live site."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from governance.models import GateAsk
from governance.services.authorizations import suspend_authorization
from lifecycle.services.tokens import issue_token
from tests import make, make_gates

pytestmark = pytest.mark.skipif(
    not shutil.which("curl"), reason="a pipeline brings curl; this machine has none"
)

EXAMPLES = Path(__file__).resolve().parents[2] / "docs/pipelines"
NOWHERE = "http://127.0.0.1:9"
SHELLS = {"github-actions": ["bash", "-e", "-c"], "gitlab-ci": ["sh", "-e", "-c"]}
BYTES = b"a model of pizzas"


def lines_of(name):
    """What the step that asks runs, and the environment that the example sets for it."""
    found = yaml.safe_load((EXAMPLES / f"{name}.yml").read_text())
    if name == "gitlab-ci":
        (script,) = found["gate"]["script"]
        return script, found["variables"]
    job = found["jobs"]["deploy"]
    (script,) = [step["run"] for step in job["steps"] if "gate-checks" in step.get("run", "")]
    return script, {key: value for key, value in job["env"].items() if "${{" not in value}


@pytest.fixture
def given():
    home = make_gates.project()
    version = make.model_version(home, digest=hashlib.sha256(BYTES).hexdigest())
    return make_gates.authorization(home, model_version=version)


@pytest.fixture
def ask(given, live_server, tmp_path):
    """Run an example beside the model's file; `changed` is its environment."""
    (tmp_path / "model.skops").write_bytes(BYTES)
    asking = make.user()
    _token, secret = issue_token(user=asking, actor=asking, name="t", scope="gate_check", days=1)

    def run(name, **changed):
        script, own = lines_of(name)
        told = {"PATH": os.environ["PATH"], "GATEBOOK_URL": live_server.url, "GATEBOOK_TOKEN": secret}
        return subprocess.run(
            [*SHELLS[name], script], cwd=tmp_path, env={**told, **own, **changed},
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip

    return run


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", SHELLS)
def test_a_pipeline_goes_on_only_where_gatebook_allows_it(name, given, ask, tmp_path):
    assert ask(name).returncode == 0
    assert GateAsk.objects.get().allow

    assert ask(name, DEPLOY_TO="staging").returncode == 1
    abroad = ask(name, DEPLOY_SCOPE="country=JP")
    assert (abroad.returncode, "country JP is outside" in abroad.stdout) == (1, True)
    assert ask(name, DEPLOY_SCOPE="Japan").returncode == 2
    assert ask(name, DEPLOY_TO="").returncode == 2
    assert ask(name, GATEBOOK_TOKEN="gb_false").returncode == 1
    away = ask(name, GATEBOOK_URL=NOWHERE)
    assert (away.returncode, "did not answer" in away.stderr) == (1, True)
    suspend_authorization(authorization=given, actor=given.project.created_by, reason="Drift")
    assert ask(name).returncode == 1
    (tmp_path / "model.skops").write_bytes(b"another model")
    assert ask(name).returncode == 1


def test_both_examples_ask_by_the_same_lines_and_deploy_only_afterwards():
    (github, _), (gitlab, _) = lines_of("github-actions"), lines_of("gitlab-ci")
    steps = yaml.safe_load((EXAMPLES / "github-actions.yml").read_text())["jobs"]["deploy"]["steps"]
    pipeline = yaml.safe_load((EXAMPLES / "gitlab-ci.yml").read_text())

    assert github == gitlab
    assert ["deploy.sh" in step.get("run", "") for step in steps] == [False, False, True]
    assert pipeline["deploy"]["needs"] == ["gate"]


def test_the_cluster_is_asked_closed_by_default():
    found = yaml.safe_load((EXAMPLES / "admission.yaml").read_text())
    (hook,) = found["webhooks"]

    assert hook["clientConfig"]["url"].startswith("https://")
    assert hook["clientConfig"]["url"].endswith("/api/v1/admission")
    assert (hook["failurePolicy"], hook["admissionReviewVersions"]) == ("Fail", ["v1"])
    asked = {resource for rule in hook["rules"] for resource in rule["resources"]}
    assert {"inferenceservices", "deployments", "pods"} <= asked
