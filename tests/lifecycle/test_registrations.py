"""Models and data sets that people ask to have named: kept whole or not at all, once, in the background."""

import hashlib
import json

import pandas as pd
import pytest
from django.core.files.storage import default_storage
from django.urls import reverse

from ledger.actors import SystemActor
from lifecycle.errors import Invalid, Refused
from lifecycle.intake.reading import read_runs
from lifecycle.models import (
    DataSet,
    DataSetVersion,
    DataUse,
    Job,
    ModelSignature,
    ModelVersion,
    Registration,
    Run,
)
from lifecycle.services.outbox import deliver
from lifecycle.services.registering import carry_out as work
from lifecycle.services.registering_models import keep_model, read_model
from lifecycle.services.registrations import begin, request_data_set, request_model
from lifecycle.services.run_intake import upsert_runs
from lifecycle.services.runs import finish_run
from tests import make
from tests.lifecycle.artifacts.test_models import key_pair, sign, zipped
from tests.traces import forbidden, invalid, no_trace, one_entry, refused

pytestmark = pytest.mark.django_db

CONNECTOR = SystemActor("connector")


@pytest.fixture
def root(tmp_path, settings):
    folder = tmp_path / "root"
    folder.mkdir()
    settings.GATEBOOK_MODEL_ROOTS = [str(folder)]
    settings.GATEBOOK_DATA_ROOT = folder
    return folder


@pytest.fixture
def home():
    return make.small_project()


def carry_out(registration):
    assert work is not None  # what a worker has loaded
    deliver(Job.objects.get(key=f"registration:{registration.pk}").pk)
    registration.refresh_from_db()
    return registration


def ask_model(home, uri, **more):
    return request_model(project=home, uri=uri, actor=home.created_by, **more)


def ask_data(home, **spec):
    values = {"name": "sales", "uri": "sales.csv", "digest": "any"} | spec
    return request_data_set(project=home, spec=values, actor=home.created_by)


# ---- models ----


def test_a_model_is_asked_for_carried_out_and_named_by_its_digest(root, home):
    (root / "m.onnx").write_bytes(b"model")
    run = make.run(home)
    with one_entry("registration.requested") as detail:
        asked = ask_model(home, "m.onnx", run=run)
    assert (detail["uri"], asked.state) == ("m.onnx", "queued")

    with one_entry("model.registered") as detail:
        carry_out(asked)

    version = asked.model_version
    assert version.digest == hashlib.sha256(b"model").hexdigest() == detail["digest"]
    assert (asked.state, asked.progress, version.source_uri, version.size) == ("finished", 1.0, "m.onnx", 5)
    with default_storage.open(version.path) as kept:
        assert kept.read() == b"model"
    run.refresh_from_db()
    assert run.model_version == version


def test_a_folder_has_a_manifest_and_no_copy_here(root, home):
    (root / "net").mkdir()
    (root / "net" / "w.bin").write_bytes(b"1")

    version = carry_out(ask_model(home, "net")).model_version

    assert [each["name"] for each in json.loads(version.manifest)["files"]] == ["w.bin"]
    assert version.path == ""


def test_the_same_bytes_again_are_the_same_version(root, home):
    (root / "one.bin").write_bytes(b"1")
    (root / "two.bin").write_bytes(b"1")

    one, two = carry_out(ask_model(home, "one.bin")), carry_out(ask_model(home, "two.bin"))

    assert one.model_version == two.model_version
    assert ModelVersion.objects.count() == 1


def test_the_same_files_under_other_names_are_refused_since_the_digest_does_not_tell(root, home):
    for folder, name in (("one", "b"), ("two", "c")):
        (root / folder).mkdir()
        (root / folder / "a").write_bytes(b"1")
        (root / folder / name).write_bytes(b"2")
    carry_out(ask_model(home, "one"))

    failed = carry_out(ask_model(home, "two"))

    assert (failed.state, "other names" in failed.error) == ("failed", True)


@pytest.mark.parametrize(
    ("prepare", "words"),
    [
        (lambda _root: None, "nothing at this address"),
        (lambda root: (root / "x").symlink_to("/etc/passwd"), "is a link"),
        (lambda root: zipped(root / "x", ("../out", b"1")), "leads elsewhere"),
        (lambda root: zipped(root / "x", ("zeros", bytes(100 * 1024**2))), "would unpack"),
    ],
)
def test_what_is_refused_leaves_nothing_but_its_reason(root, home, prepare, words):
    prepare(root)
    asked = ask_model(home, "x")

    with one_entry("registration.failed") as detail:
        carry_out(asked)

    assert (asked.state, words in asked.error) == ("failed", True)
    assert detail["error"] == asked.error
    assert not ModelVersion.objects.exists()


def test_a_worker_that_dies_half_way_leaves_it_to_be_done_again_and_once(root, home):
    (root / "m.bin").write_bytes(b"1")
    asked = ask_model(home, "m.bin")
    taken = begin(registration_id=asked.pk)
    read = read_model(taken)  # and then it dies

    carry_out(asked)
    with no_trace(asked):
        assert keep_model(taken, read) == asked.model_version
    assert ModelVersion.objects.count() == 1


def test_a_place_that_does_not_answer_is_asked_again(home, settings):
    settings.GATEBOOK_OUTBOUND_ALLOW = ["127.0.0.1"]
    asked = ask_model(home, "http://127.0.0.1:9/m.onnx")

    carry_out(asked)

    assert asked.state == "running"
    assert Job.objects.get(key=f"registration:{asked.pk}").state == "pending"


def test_the_same_key_asks_once_and_for_something_else_is_refused(root, home):
    (root / "m.bin").write_bytes(b"1")
    first = ask_model(home, "m.bin", key="v1")
    with no_trace(first):
        assert ask_model(home, "m.bin", key="v1") == first
    with refused("key_reused"):
        ask_model(home, "other.bin", key="v1")


def test_who_does_not_work_here_registers_nothing_and_a_connector_may(root, home):
    for person in (make.user(), make.member(home, "auditor"), make.member(home, "reviewer")):
        with forbidden():
            request_model(project=home, uri="m.bin", actor=person)
    assert request_model(project=home, uri="m.bin", actor=CONNECTOR).requested_by is None


@pytest.mark.parametrize("uri", ["", "pickle:x", "../x", "/etc/passwd", "s3://other/x"])
def test_a_bad_address_is_refused_at_once(root, home, uri):
    with pytest.raises(Invalid) as no:
        ask_model(home, uri)
    assert no.value.where == "/uri"
    assert not Registration.objects.exists()


def test_a_run_of_another_project_is_refused(root, home):
    foreign = make.run(make.small_project())
    with invalid("other_project", "run"):
        ask_model(home, "x", run=foreign)


def test_the_signature_beside_a_model_is_verified_and_kept(root, home, tmp_path, settings):
    keys = tmp_path / "keys"
    keys.mkdir()
    settings.GATEBOOK_MODEL_KEYS = str(keys)
    (root / "net").mkdir()
    (root / "net" / "w.bin").write_bytes(b"1")
    (root / "m.bin").write_bytes(b"2")
    secret = key_pair(keys, "release")
    sign(root / "net", root / "net" / "model.sig", secret)
    sign(root / "m.bin", root / "m.bin.sig", secret)

    with one_entry("registration.requested"):
        asked = ask_model(home, "net")
    with one_entry("model.registered") as detail:
        carry_out(asked)
    assert (detail["signature"], detail["key"]) == ("verified", "release")
    assert carry_out(ask_model(home, "m.bin")).model_version.signatures.get().state == "verified"

    (root / "net" / "w.bin").write_bytes(b"changed")
    assert carry_out(ask_model(home, "net")).model_version.signatures.get().state == "failed"
    assert ModelSignature.objects.count() == 3


# ---- data ----


def write(root, lines, name="sales.csv"):
    (root / name).write_text("\n".join(lines) + "\n")


def test_a_data_set_has_versions_by_digest_with_rows_and_schema(root, home):
    write(root, ["country,sold", "IT,3", "US,4"])
    with one_entry("registration.requested"):
        first = ask_data(home, licence="CC0", owner="Sales")
    with one_entry("data_set.registered"):
        carry_out(first)
    write(root, ["country,sold", "US,4", "IT,3"])
    same = carry_out(ask_data(home)).data_version
    write(root, ["country,sold", "US,4", "IT,3", "IT,3"])
    second = carry_out(ask_data(home)).data_version

    version = first.data_version
    assert same == version
    assert (version.rows, second.rows, second.number) == (2, 3, 2)
    assert version.schema == [{"name": "country", "type": "text"}, {"name": "sold", "type": "integer"}]
    assert (version.data_set.licence, version.data_set.owner) == ("CC0", "Sales")


def test_the_order_counts_only_where_the_specification_says_so(root, home):
    write(root, ["a", "1", "2"])
    kept, file = (carry_out(ask_data(home, digest=each)).data_version for each in ("kept", "bytes"))
    write(root, ["a", "2", "1"])
    assert carry_out(ask_data(home, digest="kept")).data_version != kept
    assert carry_out(ask_data(home, digest="bytes")).data_version != file
    assert file.digest == file.file_digest


def test_parquet_is_read_and_a_broken_table_is_refused(root, home):
    pd.DataFrame({"a": [1, 2]}).to_parquet(root / "x.parquet")
    found = carry_out(ask_data(home, uri="x.parquet", format="parquet")).data_version
    assert found.schema == [{"name": "a", "type": "int64"}]

    write(root, ["a,b", "1"])
    failed = carry_out(ask_data(home))
    assert (failed.state, failed.error) == ("failed", "Line 2 has 1 fields; the header has 2.")


@pytest.mark.parametrize(
    ("spec", "where"),
    [
        ({"name": ""}, "/name"), ({"format": "excel"}, "/format"), ({"digest": "md5"}, "/digest"),
        ({"odd": 1}, "/odd"), ({"format": "sql"}, "/query"), ({"name": "a\nb"}, "/name"),
        ({"format": "sql", "query": "select 1", "digest": "bytes"}, "/digest"), ({"uri": 5}, "/uri"),
    ],
)  # fmt: skip
def test_a_specification_that_is_none_is_refused_with_its_place(root, home, spec, where):
    with pytest.raises(Invalid) as no:
        ask_data(home, **spec)
    assert no.value.where == where
    assert not Registration.objects.exists()


# ---- what runs used ----


def test_a_run_of_ours_says_which_data_it_used_and_registering_the_file_takes_it_over(root, home):
    write(root, ["a", "1"])
    sha = hashlib.sha256((root / "sales.csv").read_bytes()).hexdigest()
    run = make.run(home, state="running")
    record = {"data": {"uri": "sales.csv", "sha256": sha, "bytes": 4, "rows": 1, "columns": ["a"]}}
    with one_entry("run.finished"):
        finish_run(run=run, record=record)

    use = DataUse.objects.get()
    assert (use.run, use.role, use.version.data_set.name, use.version.rows) == (run, "data", "sales.csv", 1)

    named = carry_out(ask_data(home, name="Sales of 2025", digest="bytes")).data_version
    use.refresh_from_db()
    assert use.version == named
    later = make.run(home, state="running")
    finish_run(run=later, record=record)
    assert DataUse.objects.get(run=later).version == named


def outside(name, **fields):
    return {"external_id": name, "kind": "TRN", "title": "T", "finished_at": "2026-01-02T10:00:00Z"} | fields


def test_inputs_and_outputs_of_runs_from_outside_become_versions(home, django_assert_max_num_queries):
    one = {"name": "orders", "namespace": "dwh", "digest": "abc", "role": "training", "rows": 5}
    two = {"name": "orders", "namespace": "dwh", "digest": "def", "fields": {"id": "int"}, "owners": ["Ana"]}

    def send(*runs):
        upsert_runs(project=home, source="api", runs=read_runs(list(runs)), actor=CONNECTOR)

    send(outside("1", inputs=[one], outputs=[two]), outside("2", inputs=[two, {"name": "no digest"}]))

    data_set = DataSet.objects.get()
    assert (data_set.name, data_set.owner) == ("dwh/orders", "Ana")
    assert [each.digest for each in data_set.versions.order_by("number")] == ["abc", "def"]
    assert {(each.run.external_id, each.role, each.written) for each in DataUse.objects.all()} == {
        ("1", "training", False), ("1", "made", True), ("2", "data", False),
    }  # fmt: skip

    send(outside("1", inputs=[two]))
    assert [each.version.digest for each in DataUse.objects.filter(run__external_id="1")] == ["def"]
    many = [outside(f"m{n}", inputs=[{"name": f"s{n}", "digest": "1"}]) for n in range(50)]
    with django_assert_max_num_queries(25):
        send(*many)
    assert DataSetVersion.objects.count() == 52
    assert Run.objects.count() == 52


def test_a_record_with_strange_data_is_no_harm(home):
    for record in (
        {"data": 5, "inputs": "x"}, {"inputs": [1, None, {}]}, {"data": {"uri": "x"}},
        {"outputs": [{"name": 1}]},
        {"data": {"uri": 1, "sha256": 2, "rows": True, "columns": 5}},
    ):  # fmt: skip
        finish_run(run=make.run(home, state="running"), record=record)
    assert DataUse.objects.count() == 1


def test_a_model_that_is_asked_for_in_a_closed_project_is_refused(root, home):
    home.state = "closed"
    home.save()

    with pytest.raises(Refused):
        ask_model(home, "m.bin")


# ---- pages and API ----


@pytest.fixture
def used(root, home):
    """A data set version that a run used."""
    write(root, ["country,sold", "IT,3"])
    version = carry_out(ask_data(home, digest="bytes")).data_version
    record = {"data": {"uri": "sales.csv", "sha256": version.file_digest}}
    finish_run(run=make.run(home, state="running"), record=record)
    return version


def test_a_stranger_sees_no_data_and_no_registration(client, used):
    registration = used.registrations.get()
    client.force_login(make.user())
    for name, arg in (
        ("project-data-sets", registration.project.slug), ("data-set", used.data_set_id),
        ("registration", registration.pk), ("registration-progress", registration.pk),
    ):  # fmt: skip
        assert client.get(reverse(f"lifecycle:{name}", args=[arg])).status_code == 404
    assert client.post(reverse("lifecycle:data-set-describe", args=[used.data_set_id])).status_code == 404
    assert client.post(reverse("lifecycle:data-version-freeze", args=[used.pk])).status_code == 404
    assert client.get(reverse("api:registration-detail", args=[registration.pk])).status_code == 404
    assert client.get(reverse("api:data-set-list")).json()["results"] == []


def test_the_page_of_a_data_set_shows_versions_columns_and_who_used_them(client, used):
    client.force_login(used.data_set.project.created_by)

    html = client.get(reverse("lifecycle:data-set", args=[used.data_set_id])).text

    assert used.digest in html
    assert "country" in html
    assert DataUse.objects.get().run.title in html
    assert (
        used.data_set.name
        in client.get(reverse("lifecycle:project-data-sets", args=[used.data_set.project.slug])).text
    )


@pytest.mark.parametrize("count", [1, 3])
def test_lists_cost_the_same_for_any_number(client, home, count, django_assert_max_num_queries):
    data_set = DataSet.objects.create(project=home, name="a", created_at=home.created_at)
    for number in range(count):
        DataSet.objects.create(project=home, name=f"b{number}", created_at=home.created_at)
        version = DataSetVersion.objects.create(
            data_set=data_set, number=number, method="bytes", digest=f"{number}", created_at=home.created_at
        )
        for _each in range(count):
            DataUse.objects.create(run=make.run(home), version=version, role="data")
    client.force_login(home.created_by)

    with django_assert_max_num_queries(11):
        client.get(reverse("lifecycle:project-data-sets", args=[home.slug]))
    with django_assert_max_num_queries(10):
        client.get(reverse("lifecycle:data-set", args=[data_set.pk]))


def test_people_describe_a_data_set_and_freeze_a_version_for_a_handoff(client, used):
    boss = used.data_set.project.created_by
    client.force_login(boss)

    with one_entry("data_set.described") as detail:
        said = {"source": "The till", "licence": "internal", "owner": "Sales", "description": "All sold"}
        client.post(reverse("lifecycle:data-set-describe", args=[used.data_set_id]), said)
    assert detail["changes"]["licence"] == {"from": "", "to": "internal"}
    again = client.post(reverse("lifecycle:data-set-describe", args=[used.data_set_id]), said)
    assert again.status_code == 422

    with one_entry("snapshot.frozen"):
        client.post(reverse("lifecycle:data-version-freeze", args=[used.pk]))
    used.refresh_from_db()
    assert json.loads(used.snapshot.content)["content"]["digest"] == used.digest
    with no_trace(used):
        client.post(reverse("lifecycle:data-version-freeze", args=[used.pk]))


@pytest.mark.parametrize("kind", ["model", "data"])
def test_people_register_by_page_and_see_how_far_it_is(client, root, home, kind):
    (root / "x.csv").write_text("a\n1\n")
    client.force_login(home.created_by)
    address = reverse("lifecycle:register", args=[home.slug, kind])
    assert client.get(address).status_code == 200
    assert client.post(address, {"uri": "/etc/passwd", "name": "\x01"}).status_code == 422

    said = {"uri": "x.csv", "name": "X", "format": "csv", "digest": "any"}
    page = client.post(address, said, follow=True)
    assert "Being read and hashed" in page.text
    made = Registration.objects.get()
    progress = reverse("lifecycle:registration-progress", args=[made.pk])
    assert "HX-Refresh" not in client.get(progress).headers

    carry_out(made)
    assert client.get(progress).headers["HX-Refresh"] == "true"
    assert "It is " in client.get(reverse("lifecycle:registration", args=[made.pk])).text


def test_reviewers_and_auditors_register_nothing(client, home):
    for role in ("reviewer", "auditor"):
        client.force_login(make.member(home, role))
        assert client.get(reverse("lifecycle:register", args=[home.slug, "model"])).status_code == 403
        assert client.post(reverse("lifecycle:register", args=[home.slug, "model"])).status_code == 403


def test_the_api_registers_once_for_a_key_and_lists_versions_by_digest(client, root, home):
    write(root, ["a", "1"])
    client.force_login(home.created_by)
    said = {"project": home.slug, "kind": "data", "spec": {"name": "S", "uri": "sales.csv", "digest": "any"}}

    def send(**changes):
        return client.post(
            reverse("api:registration-list"), said | changes, content_type="application/json",
            headers={"Idempotency-Key": "k"},
        )  # fmt: skip

    first, second = send(), send()
    assert (first.status_code, first.json()["id"]) == (202, second.json()["id"])
    assert send(spec={"name": "T", "uri": "sales.csv"}).status_code == 409
    assert send(kind="model").json()["errors"][0]["where"] == "/uri"
    wrong = send(spec={"name": "S", "uri": "sales.csv", "digest": "crc"}).json()
    assert (wrong["code"], wrong["where"]) == ("bad_specification", "/digest")

    carry_out(Registration.objects.get())
    made = client.get(reverse("api:registration-detail", args=[first.json()["id"]])).json()["data_set"]
    found = client.get(reverse("api:data-set-list"), {"digest": made["digest"]}).json()["results"]
    assert [each["id"] for each in found] == [made["id"]]
