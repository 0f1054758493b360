import io
import json

import pytest
from django.core.management import CommandError, call_command

from ledger.models import Entry
from lifecycle.definitions import catalogue, dump_yaml
from lifecycle.models import ProcessVersion, Run
from tests import make

pytestmark = pytest.mark.django_db


def said(*words: str) -> str:
    out = io.StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


def refused(*words: str) -> CommandError:
    with pytest.raises(CommandError) as no:
        said(*words)
    return no.value


def test_process_check_names_digest_and_tasks(tmp_path):
    file = tmp_path / "process.yaml"
    file.write_text(dump_yaml(catalogue()))

    assert said("process", "check", str(file)).startswith("CRISP-ML(Q): 61 tasks, digest ")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("key: a\nkey: b\n", "the key “key” is there twice"),
        ("a: &x [1]\nb: *x\n", "line 1"),
        ("", "document is empty"),
        ("[1, 2]", "named fields"),
    ],
)
def test_process_check_says_what_is_wrong_and_where(tmp_path, text, says):
    file = tmp_path / "process.yaml"
    file.write_text(text)

    no = refused("process", "check", str(file))

    assert no.returncode == 2
    assert says in str(no)


def test_process_import_drafts_and_publishes_what_export_gives_back(tmp_path):
    owner = make.user("owner", org_role="process_owner")
    file = tmp_path / "process.yaml"
    file.write_text(dump_yaml(make.small_document()))

    said("process", "import", str(file), "--as", owner.username, "--publish")

    version = ProcessVersion.objects.get()
    assert version.state == "published"
    assert said("process", "export", str(version.pk)) == file.read_text()


def test_process_import_by_somebody_who_may_not_changes_nothing(tmp_path):
    member = make.user("member")
    file = tmp_path / "process.yaml"
    file.write_text(dump_yaml(make.small_document()))

    no = refused("process", "import", str(file), "--as", member.username)

    assert no.returncode == 2
    assert (ProcessVersion.objects.count(), Entry.objects.count()) == (0, 0)


def test_process_diff_is_in_words(tmp_path):
    old, new = tmp_path / "old.yaml", tmp_path / "new.yaml"
    old.write_text(dump_yaml(make.small_document()))
    new.write_text(dump_yaml(make.small_document(name="Smaller")))

    assert "Smaller" in said("process", "diff", str(old), str(new))
    assert said("process", "diff", str(old), str(old)) == "The documents say the same.\n"


@pytest.mark.parametrize(
    ("text", "code"),
    [("{", "not_json"), ("[]", "not_an_object"), ('{"target": "y"}', None)],
)
def test_run_refuses_a_specification_that_cannot_be_read_and_leaves_no_trace(tmp_path, text, code):
    manager = make.user("boss")
    project = make.small_project(manager)
    entries = Entry.objects.count()
    file = tmp_path / "spec.json"
    file.write_text(text)

    no = refused("run", project.slug, "training", str(file), "--as", manager.username)

    told = json.loads(str(no))
    assert no.returncode == 2
    assert told["where"]
    assert code in (None, told["code"])
    assert (Run.objects.count(), Entry.objects.count()) == (0, entries)


def test_run_names_what_it_cannot_find(tmp_path):
    file = tmp_path / "spec.json"
    file.write_text("{}")

    no = refused("run", "nowhere", "training", str(file), "--as", "nobody")

    assert json.loads(str(no))["where"] == "project"
