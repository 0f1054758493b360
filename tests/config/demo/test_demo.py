"""The demo as a newcomer meets it: the real command, a real worker, the files that it leaves."""

import json
import os
import re
import subprocess
import sys
import uuid
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from tests.patience import PATIENCE

ROOT = Path(__file__).resolve().parents[3]

# Asks `gate_check` as the command line does: what it prints, and with which code it ends.
ASK = """
import contextlib, io, json
from django.core.management import ManagementUtility
said = []
for digest, scope in questions:
    words = ["manage.py", "gate_check", "--model-digest", digest, "--environment", "production"]
    code, out = 0, io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
        try:
            ManagementUtility(words + (["--scope", scope] if scope else [])).execute()
        except SystemExit as end:
            code = end.code
    said.append([[digest, scope], code, json.loads(out.getvalue())["decision"] if out.getvalue() else ""])
print(json.dumps(said))
"""

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Told:
    """An installation in which a story was told."""

    home: Path
    environment: dict[str, str]
    output: str

    def manage(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a management command there."""
        return subprocess.run(
            [sys.executable, "manage.py", *words], cwd=ROOT, env=self.environment, text=True,
            capture_output=True, timeout=8 * PATIENCE, check=False,
        )  # fmt: skip

    def rows(self, code: str) -> str:
        """What a line of Python prints there."""
        done = self.manage("shell", "--verbosity", "0", "-c", code)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    @property
    def report(self) -> Path:
        """The PDF that the demo names in its output."""
        found = re.search(r"\S+\.pdf", self.output)
        assert found, self.output
        return Path(found[0])


def tell(story: str, home: Path) -> Told:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GATEBOOK_")}
    environment |= {
        "GATEBOOK_HOME": str(home),
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }
    if environment.get("DATABASE_URL", "").startswith("postgres"):
        environment["DATABASE_URL"] = own_database(environment["DATABASE_URL"])
    done = Told(home, environment, "").manage("demo", story, "--no-serve")
    assert done.returncode == 0, done.stdout + done.stderr
    return Told(home, environment, done.stdout)


def own_database(url: str) -> str:
    """A database beside the one that the tests use."""
    name = f"story_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    scheme, rest = url.split("://", 1)
    place, _slash, tail = rest.partition("/")
    options = tail.partition("?")[2]
    return f"{scheme}://{place}/{name}" + (f"?{options}" if options else "")


@pytest.fixture(scope="module")
def pizzatron(tmp_path_factory: pytest.TempPathFactory) -> Told:
    return tell("pizzatron", tmp_path_factory.mktemp("pizzatron"))


def digests(told: Told) -> list[str]:
    """The digests of the models, in the order in which they were made."""
    code = (
        "from lifecycle.models import ModelVersion; "
        "print(*ModelVersion.objects.order_by('number').values_list('digest', flat=True))"
    )
    return told.rows(code).split()


def test_the_demo_says_that_the_ledger_is_intact_and_who_can_log_in(pizzatron):
    logins = json.loads((pizzatron.home / "demo-logins.json").read_text())

    assert re.search(r"\d+ entries, root [0-9a-f]{64}, intact", pizzatron.output)
    assert all(password in pizzatron.output for password in logins.values())
    assert (pizzatron.home / "demo-logins.json").stat().st_mode & 0o077 == 0


def test_the_first_candidate_was_refused_for_christmas_and_for_the_stock(pizzatron):
    assert "In December, too, the recommendations beat last year's best-sellers." in pizzatron.output
    assert "At most 2 % of the recommendations lack the ingredients." in pizzatron.output
    assert "G4 Deployment decision: refused" in pizzatron.output


def test_the_report_is_tagged_and_carries_its_evidence(pizzatron):
    seen = subprocess.run(["pdfinfo", pizzatron.report], text=True, capture_output=True, check=True).stdout
    listed = subprocess.run(
        ["pdfdetach", "-list", pizzatron.report], text=True, capture_output=True, check=True
    ).stdout

    assert re.search(r"Tagged:\s+yes", seen)
    assert "evidence.json" in listed


def test_each_model_may_run_exactly_where_it_was_authorized(pizzatron):
    first, mended, everywhere = digests(pizzatron)
    asked = {
        (everywhere, ""): (0, "allow"),
        (everywhere, "country=IT"): (0, "allow"),
        (mended, "country=US"): (0, "allow"),
        (mended, "country=IT"): (1, "deny"),
        (first, ""): (1, "deny"),
        ("0" * 64, ""): (1, "deny"),
        ("no digest", ""): (2, ""),
    }

    # All in one process, since a start takes longer than the answer.
    said = json.loads(pizzatron.rows(f"questions = {list(asked)!r}\n{ASK}"))

    assert {tuple(question): (code, decision) for question, code, decision in said} == asked


def test_pizzatron_answers_a_store_from_the_authorized_model(pizzatron):
    done = pizzatron.manage("pizzatron", "IT-003")

    assert done.returncode == 0
    assert f"By model {digests(pizzatron)[-1][:16]}" in done.stdout


STANDINGS = Path(__file__).with_name("standings.py").read_text(encoding="utf-8")


def test_records_decide_most_controls_and_each_with_its_evidence(pizzatron):
    found = json.loads(pizzatron.rows(STANDINGS))
    covered = found["coverage"]

    assert (found["frameworks"], found["assurances"]) == (9, 0)  # nobody vouched for anything
    assert covered["decided"] >= 0.6 * covered["asked"]
    assert covered["bare"] == []
    for name, turned in found["breaks"].items():
        assert turned["turned"] > 0, name
        assert turned["others"] == turned["still_good"] == [], name


def test_a_suspended_model_does_not_answer(pizzatron):
    code = (
        "from governance.models import *; from governance.services.authorizations import *; "
        "from ledger.actors import SystemActor; "
        "a = Authorization.objects.filter(state='active').latest('pk'); "
        "suspend_authorization(authorization=a, actor=SystemActor('test'), reason='A test'); print('done')"
    )
    assert pizzatron.rows(code) == "done"

    done = pizzatron.manage("pizzatron", "IT-003")

    assert done.returncode == 0
    assert "By last year's benchmark, not by the model. The authorization is suspended: A test" in done.stdout


def test_telling_the_story_again_does_nothing_twice(pizzatron):
    count = (
        "from lifecycle.models import Run, Iteration; print(Run.objects.count(), Iteration.objects.count())"
    )
    before = pizzatron.rows(count)

    done = pizzatron.manage("demo", "pizzatron", "--no-serve")

    assert done.returncode == 0, done.stdout + done.stderr
    assert pizzatron.rows(count) == before


@pytest.mark.postgres_only
def test_the_flights_story_is_told_to_its_end(tmp_path):
    told = tell("flights", tmp_path)

    assert "Iteration 2 opened by T-04 at P2." in told.output
    assert "from MLflow is evidence of task 3.5: Logistic regression" in told.output
    assert "by Evidently" in told.output
    assert "intact" in told.output
    assert told.report.exists()
    covered = json.loads(told.rows(STANDINGS))["coverage"]
    assert covered["decided"] >= 0.6 * covered["asked"]
    assert covered["bare"] == []
