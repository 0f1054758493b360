"""A worker that is killed again and again while it reads a real MLflow server: nothing lost, nothing twice.

Small by default; CONNECTOR_RUNS=20000 CONNECTOR_KILLS=50 make it the whole one.
"""

import json
import os
import random
import subprocess
import sys
import time
import urllib.request
from datetime import timedelta

import pytest
from django.conf import settings as django_settings
from django.utils.timezone import now

from ledger.models import Entry
from lifecycle.models import Job, Run, RunBatch, SourceRecord, Sync
from lifecycle.services.connector_rules import add_rule
from lifecycle.services.connector_syncs import request_sync
from lifecycle.services.connectors import add_connector
from tests import make
from tests.faults.conftest import database_url
from tests.interop.conftest import PEERS, ROOT, experiment, peer_environment

pytestmark = [
    pytest.mark.django_db(transaction=True), pytest.mark.slow, pytest.mark.faults,
    pytest.mark.usefixtures("allowed"),
]  # fmt: skip

RUNS = int(os.environ.get("CONNECTOR_RUNS", "300"))
KILLS = int(os.environ.get("CONNECTOR_KILLS", "3"))
PAGE = max(RUNS // 60, 40)
PATIENCE = 600
WORK = """
import sys, django
django.setup()
from lifecycle import tasks
from lifecycle.services import connector_work, outbox
connector_work.PAGE = int(sys.argv[2])
outbox.deliver(int(sys.argv[1]))
"""


def worker(job, home):
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("CELERY_", "GATEBOOK_"))
    }
    environment = kept | {
        "DJANGO_SETTINGS_MODULE": "config.settings_test", "DATABASE_URL": database_url(),
        "GATEBOOK_HOME": str(home),
        "GATEBOOK_SECRET_KEY": django_settings.SECRET_KEY, "GATEBOOK_OUTBOUND_ALLOW": "127.0.0.0/8",
        "GATEBOOK_DATABASE_POOL": "2",
    }  # fmt: skip
    return subprocess.Popen([sys.executable, "-c", WORK, str(job), str(PAGE)], cwd=ROOT, env=environment)


def all_runs(url, place):
    """What the tracker has, asked without any code of Gatebook's."""
    found, token = {}, ""
    while True:
        asked = {"experiment_ids": [place], "max_results": 1000, "page_token": token}
        request = urllib.request.Request(
            f"{url}/api/2.0/mlflow/runs/search",
            json.dumps(asked).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request) as answer:
            page = json.load(answer)
        for each in page.get("runs", []):
            data = each["data"]
            found[each["info"]["run_id"]] = tuple(
                {pair["key"]: pair["value"] for pair in data.get(part, [])}
                for part in ("params", "metrics", "tags")
            )
        token = page.get("next_page_token", "")
        if not token:
            return found


def test_a_worker_killed_many_times_ends_with_exactly_the_trackers_content(mlflow, mlflow_server, tmp_path):
    administrator, project = make.user(org_role="administrator"), make.small_project()
    place = experiment(mlflow, "killed")
    name = mlflow("answer = client.get_experiment(place).name", place=place)
    fill = [str(PEERS), str(ROOT / "tests/interop/fill_mlflow.py"), mlflow_server.store, place, str(RUNS)]
    subprocess.run(fill, check=True, env=peer_environment())
    connector = add_connector(key="killed", name="Killed", url=mlflow_server.url, actor=administrator)
    add_rule(connector=connector, project=project, experiment=name, run_kind="TRN", actor=project.created_by)
    sync = request_sync(connector=connector, actor=administrator)
    job = Job.objects.get(key=f"connector-sync:{sync.pk}")
    chance, kills, until = random.Random(7), 0, time.monotonic() + PATIENCE

    while Job.objects.get(pk=job.pk).state not in ("done", "failed"):
        assert time.monotonic() < until + KILLS * 30, Sync.objects.values().get(pk=sync.pk)
        before = Sync.objects.get(pk=sync.pk).counts.get("seen", 0)
        at_work = worker(job.pk, tmp_path)
        while kills < KILLS and at_work.poll() is None:
            if Sync.objects.get(pk=sync.pk).counts.get("seen", 0) > before:
                time.sleep(chance.random() * 0.2)
                at_work.kill()
                kills += 1
            time.sleep(0.01)
        at_work.wait(PATIENCE)
        Job.objects.filter(pk=job.pk, state="running").update(lease_until=now() - timedelta(seconds=1))

    sync.refresh_from_db()
    assert (sync.state, sync.error, kills) == ("finished", "", KILLS)
    wanted = all_runs(mlflow_server.url, place)
    kept = {
        each.external_id: tuple(each.record[part] for part in ("parameters", "metrics", "tags"))
        for each in Run.objects.filter(project=project).only("external_id", "record")
    }
    assert len(wanted) == RUNS
    assert kept == wanted
    assert Run.objects.filter(source=connector.source).count() == RUNS
    assert SourceRecord.objects.filter(connector=connector, kind="run", parent=place).count() == RUNS
    batches = RunBatch.objects.filter(project=project)
    assert sum(each.count for each in batches) == RUNS
    assert Entry.objects.filter(action="runs.recorded").count() == batches.count()
    history = json.loads(Run.objects.filter(project=project).first().history.text)
    assert [step for step, _, _ in history["loss"]] == [0, 1, 2]
