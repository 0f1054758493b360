"""What the real Evidently writes, in its layout of today and in the older one."""

import json

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from lifecycle.models import Firing, Run
from lifecycle.services.evidently_intake import record_evidently
from lifecycle.services.tokens import issue_token
from tests import make
from tests.interop.peer import peer
from tests.lifecycle import running

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

WRITE = """
import json
import numpy as np, pandas as pd
from evidently import DataDefinition, Dataset, Regression, Report
from evidently.metrics import MissingValueCount
from evidently.presets import DataDriftPreset, RegressionPreset
from evidently.tests import lt
from evidently.legacy.metric_preset import DataDriftPreset as OldDrift, RegressionPreset as OldRegression
from evidently.legacy.report import Report as OldReport
from evidently.legacy.test_preset import DataDriftTestPreset
from evidently.legacy.test_suite import TestSuite

rng = np.random.default_rng(1)
reference = pd.DataFrame({name: rng.normal(size=200) for name in ("x", "target", "prediction")})
reference["c"] = rng.choice(["a", "b"], 200)
current = reference.copy()
current["x"] += 3
columns = DataDefinition(numerical_columns=["x", "target", "prediction"], categorical_columns=["c"],
                         regression=[Regression(target="target", prediction="prediction")])
report = Report([DataDriftPreset(method="psi"), RegressionPreset(),
                 MissingValueCount(column="x", tests=[lt(5)])], include_tests=True)
snapshot = report.run(Dataset.from_pandas(current, data_definition=columns),
                      Dataset.from_pandas(reference, data_definition=columns))
old = OldReport(metrics=[OldDrift(), OldRegression()])
old.run(reference_data=reference, current_data=current)
suite = TestSuite(tests=[DataDriftTestPreset()])
suite.run(reference_data=reference, current_data=current)
print(json.dumps({"snapshot": snapshot.json(), "report": old.json(), "suite": suite.json(),
                  "full": json.dumps(snapshot.dump_dict(), default=str)}))
"""


@pytest.fixture(scope="session")
def written():
    return peer(WRITE)


@pytest.fixture
def project():
    return make.small_project()


def record(project, text, **named):
    return record_evidently(
        project=project, document=json.loads(text), actor=project.created_by, **named
    )  # fmt: skip


@pytest.mark.parametrize("layout", ["snapshot", "report", "suite"])
def test_each_layout_becomes_a_monitoring_run_that_names_what_drifted(project, written, layout):
    kept = record(project, written[layout], title="Week 1")

    run = Run.objects.get(pk=kept.run_id)
    assert (run.kind, run.state, run.title, run.source) == ("MON", "finished", "Week 1", "evidently")
    drifted = [name for name, each in run.record["features"].items() if each["verdict"] == "drift"]
    assert drifted == ["x"]
    assert run.record["share_drifted"] == 0.25
    assert run.record["verdict"] == "warning"
    assert run.record["detail"]["evidently"]["layout"] == layout
    assert any(each["feature"] == "x" for each in run.record["findings"])


def test_scores_have_the_names_of_the_house_in_both_layouts(project, written):
    new, old = record(project, written["snapshot"]), record(project, written["report"])
    metrics = [Run.objects.get(pk=each.run_id).record["metrics"] for each in (new, old)]
    for name in ("rmse", "mae", "r2", "bias"):
        assert metrics[0][name] == pytest.approx(metrics[1][name])
    assert Run.objects.get(pk=new.run_id).record["features"]["x"]["psi"] > 1


def test_the_same_document_is_one_run(project, written):
    first = record(project, written["snapshot"])
    again = record(project, written["snapshot"])
    assert (again.run_id, again.outcome) == (first.run_id, "unchanged")


def test_what_it_found_is_put_before_the_triggers(written):
    project = running.project()
    running.trigger(project, kind="drift", condition="event.psi > 0.5")
    record(project, written["snapshot"])
    assert Firing.objects.get().observed["drifted"] == ["x"]


def test_the_full_form_and_other_json_are_refused_with_what_is_unknown(client, project, written):
    person = make.member(project)
    _, key = issue_token(user=person, name="m", scope="intake", days=9, actor=person, project=project)

    def post(text):
        return client.post(
            "/api/v1/evidently/?title=Week+2", text, content_type="application/json",
            headers={"Authorization": f"Bearer {key}"},
        )  # fmt: skip

    assert (post(written["snapshot"]).status_code, post(written["snapshot"]).status_code) == (201, 200)
    full = post(written["full"])
    assert (full.status_code, full.json()["code"]) == (400, "unknown_layout")
    assert "full form" in full.json()["detail"]
    odd = post('{"metrics": [{"metric_name": "a", "value": NaN}, {"surprise": 1}]}').json()
    assert (odd["where"], odd["code"]) == ("/metrics/1", "unknown_layout")
    assert "surprise" in odd["detail"]
    assert post("[]").status_code == 400
    assert post('{"metrics": [{"metric_name": "a", "value": NaN}]}').status_code == 201
    assert Run.objects.latest("pk").record["metrics_not_finite"] == {"a": "NaN"}


def test_a_file_is_recorded_from_the_command_line(project, written, tmp_path, capsys):
    file = tmp_path / "report.json"
    file.write_text(written["report"])
    call_command("evidently", project.slug, str(file), user=project.created_by.username)
    assert "created" in capsys.readouterr().out
    with pytest.raises(CommandError, match="no file"):
        call_command("evidently", project.slug, str(tmp_path / "none"), user=project.created_by.username)
