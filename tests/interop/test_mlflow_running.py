"""Aliases of a real MLflow server, compared with what is authorized."""

import time

import pytest

from governance.models import Finding, RunningPlace, Sighting
from governance.services import looks
from governance.services.running_places import watch_alias
from lifecycle.services.connectors import add_connector
from tests import make, make_gates
from tests.lifecycle import tracker as peer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow, pytest.mark.usefixtures("allowed")]

REGISTER = """
import tempfile, pathlib
folder = pathlib.Path(tempfile.mkdtemp()) / "model"
folder.mkdir()
(folder / "MLmodel").write_text("flavors: {}")
(folder / "data").mkdir()
(folder / "data" / "weights.bin").write_bytes(weights.encode())
run = client.create_run(experiment_id)
client.log_artifacts(run.info.run_id, str(folder), "model")
source = client.get_run(run.info.run_id).info.artifact_uri + "/model"
try:
    client.create_registered_model(name)
except Exception:
    pass
made = client.create_model_version(name, source, run_id=run.info.run_id)
answer = [made.version, source]
"""
ALIAS = "client.set_registered_model_alias(name, 'champion', version)"


@pytest.fixture
def administrator():
    return make.user(org_role="administrator")


def registered(mlflow, name, weights):
    place = mlflow("answer = mlflow.create_experiment(name)", name=f"running-{time.time_ns()}")
    version, source = mlflow(REGISTER, experiment_id=place, name=name, weights=weights)
    return version, source


def watched(home, url, administrator, **fields):
    values = {"model": "pizza*", "alias": "champion", "environment": "production"} | fields
    tracker = add_connector(key=f"t{make.number()}", name="Tracker", url=url, actor=administrator)
    return watch_alias(project=home, connector=tracker, actor=administrator, **values)


def look():
    return looks.look_at(places=looks.places_of())


@pytest.mark.parametrize("directly", [True, False])
def test_what_an_alias_names_is_judged_by_its_files(mlflow, mlflow_server, administrator, settings, directly):
    if directly:  # else the tracker gives the files
        settings.GATEBOOK_MODEL_ROOTS = [str(mlflow_server.folder / "artifacts")]
    name = f"pizza-{time.time_ns()}"
    one, _source = registered(mlflow, name, "one")
    home = make_gates.project()
    watched(home, mlflow_server.url, administrator, model=name)
    assert (look().seen, Sighting.objects.count()) == (0, 0)

    mlflow(ALIAS, name=name, version=one)
    look()
    seen = Sighting.objects.get()
    assert (seen.where, seen.what, seen.state) == (f"{name}@champion", f"version {one}", "unauthorized")
    assert len(seen.digest) == 64
    Finding.objects.update(holds=False)
    make_gates.authorization(home, model_version=make.model_version(home, digest=seen.digest), scope={})
    look()
    seen.refresh_from_db()
    assert seen.state == "authorized"

    two, _source = registered(mlflow, name, "two")
    mlflow(ALIAS, name=name, version=two)
    look()
    seen.refresh_from_db()
    assert (seen.what, seen.state) == (f"version {two}", "unauthorized")
    mlflow("client.delete_registered_model_alias(name, 'champion')", name=name)
    look()
    seen.refresh_from_db()
    assert seen.state == "gone"


ODD = [
    (500, "application/json", "{}"),
    (200, "text/html", "<html>Log in</html>"),
    (401, "application/json", "{}"),
    (200, "application/json", '{"registered_models": 7}'),
]


@pytest.mark.parametrize("odd", ODD)
def test_a_tracker_that_does_not_answer_changes_nothing_and_says_why(administrator, odd):
    home = make_gates.project()
    with peer.serving() as tracker:
        tracker.models = [{"name": "pizza", "aliases": [{"alias": "champion", "version": "3"}]}]
        place = watched(home, tracker.url, administrator)
        look()  # it knows of no file, so nobody knows which model this is
        seen = Sighting.objects.get()
        assert (seen.state, seen.digest) == ("unauthorized", "")
        tracker.behave = lambda *_asked: odd

        found = look()

        assert len(found.problems) == 1
        place.refresh_from_db()
        assert place.problem
        seen.refresh_from_db()
        assert seen.state == "unauthorized"
        tracker.behave = None
        tracker.models = []
        assert look().problems == []
        assert RunningPlace.objects.get().problem == ""
    assert look().problems  # it is down
