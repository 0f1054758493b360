"""What runs against what is authorized: files on disk, objects handed in; findings, once and settled."""

import hashlib
import os
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from governance.models import Authorization, Finding, HashedArtifact, RunningPlace, Sighting
from governance.services import artifact_digests, looks, sightings
from governance.services.authorizations import suspend_authorization, withdraw_authorization
from governance.services.findings import verify_finding
from governance.services.handing_in import hand_in
from governance.services.running_places import retire_place, watch_alias, watch_files
from governance.services.sightings import ClockBehind, Seen, judge_again, key_of, note_seen
from ledger.models import Entry
from ledger.reconciling import reconcile
from lifecycle.models import Notice
from tests import make, make_gates
from tests.governance.given import entry_of, refused

pytestmark = pytest.mark.django_db


@pytest.fixture
def disk(settings, tmp_path):
    settings.GATEBOOK_MODEL_ROOTS = [str(tmp_path)]
    return tmp_path


@pytest.fixture
def administrator():
    return make.user(org_role="administrator")


def place(home, path, administrator, **fields):
    values = {"environment": "production"} | fields
    return watch_files(project=home, path=str(path), actor=administrator, **values)


def written(disk, content=b"pizza"):
    """A model on disk and the project that has registered it, not authorized yet."""
    (disk / "model.onnx").write_bytes(content)
    home = make_gates.project()
    made = make_gates.gate(home, model_version=make.model_version(home, digest=artifact(disk)), scope={})
    return home, made


def artifact(disk):
    return hashlib.sha256((disk / "model.onnx").read_bytes()).hexdigest()


def authorize(gate):
    return make_gates.signed(
        gate, *(make.member(gate.iteration.project, "reviewer") for _ in range(gate.required_signatures))
    ).authorization


def look():
    RunningPlace.objects.filter(retired_at__isnull=True).update(next_look_at=timezone.now())
    return looks.look_at_due()


def test_what_runs_unauthorized_is_a_finding_at_once_and_not_again(disk, administrator):
    home, _gate = written(disk)
    make.member(home, "reviewer")
    place(home, disk / "model.onnx", administrator)

    found = look()

    assert (found.seen, found.changed, found.problems) == (1, 1, [])
    seen = Sighting.objects.get()
    assert (seen.state, seen.digest, seen.environment) == ("unauthorized", artifact(disk), "production")
    assert seen.reason.startswith("No model with the digest")
    finding = seen.finding
    assert (finding.state, finding.holds, finding.of_running, finding.project) == ("open", True, True, home)
    assert "runs in production without an authorization" in finding.title
    told = Notice.objects.filter(project=home, key__startswith=f"sighting:{seen.pk}:")
    assert {each.person_id for each in told} == {
        each.user_id for each in home.memberships.exclude(role="contributor")
    }
    entries = Entry.objects.count()

    for _again in range(3):
        assert look().changed == 0

    assert (Entry.objects.count(), Finding.objects.count()) == (entries, 1)
    assert list(reconcile()) == []


def test_what_becomes_authorized_settles_its_finding_which_another_person_verifies(disk, administrator):
    home, gate = written(disk)
    place(home, disk / "model.onnx", administrator)
    look()
    finding = Finding.objects.get()
    Finding.objects.update(holds=False)  # else the gate that authorizes it would not pass

    given = authorize(gate)
    look()

    seen = Sighting.objects.get()
    finding.refresh_from_db()
    assert (seen.state, seen.authorization, seen.reason[:10]) == ("authorized", given, "Authorized")
    assert (finding.state, finding.resolved_by) == ("resolved", None)
    assert finding.settlement.startswith("It is authorized since")
    judge = make.member(home, "reviewer")
    verify_finding(finding=finding, actor=judge)

    suspend_authorization(authorization=given, actor=home.created_by, reason="Odd")
    look()
    seen.refresh_from_db()
    assert (seen.state, seen.reason) == ("unauthorized", "The authorization is suspended: Odd.")
    assert seen.finding != finding  # what was verified stays so


def test_a_finding_that_nobody_has_verified_comes_back(disk, administrator):
    home, _gate = written(disk)
    place(home, disk / "model.onnx", administrator)
    look()
    (disk / "model.onnx").rename(disk / "away")

    with entry_of("finding.resolved", "sighting.gone"):
        look()
    seen = Sighting.objects.get()
    assert (seen.state, seen.finding.state) == ("gone", "resolved")
    assert "no longer seen there since" in seen.finding.settlement

    (disk / "away").rename(disk / "model.onnx")
    with entry_of("finding.returned", "sighting.unauthorized"):
        look()
    seen.refresh_from_db()
    assert (seen.state, seen.finding.state, Finding.objects.count()) == ("unauthorized", "in_work", 1)


def test_another_model_at_the_same_place_is_another_finding(disk, administrator):
    home, gate = written(disk)
    given = authorize(gate)
    place(home, disk / "model.onnx", administrator)
    look()
    assert Sighting.objects.get().state == "authorized"

    (disk / "model.onnx").write_bytes(b"calzone")
    look()
    first = Sighting.objects.get().finding
    (disk / "model.onnx").write_bytes(b"tiramisu")
    look()

    first.refresh_from_db()
    second = Sighting.objects.get().finding
    assert (first.state, second.state) == ("resolved", "open")
    assert "Something else is seen there" in first.settlement
    given.refresh_from_db()
    assert given.state == "active"  # what was decided is not stale by what runs


def test_files_are_read_again_only_when_they_changed(disk, administrator, monkeypatch):
    home, _gate = written(disk)
    place(home, disk, administrator)
    (disk / "second").write_bytes(b"two")
    read = []
    real = artifact_digests.take_manifest
    monkeypatch.setattr(artifact_digests, "take_manifest", lambda *a, **k: read.append(1) or real(*a, **k))

    look(), look(), look()
    assert len(read) == 1
    (disk / "second").write_bytes(b"owt")  # as long as before
    look()
    assert len(read) == 2
    HashedArtifact.objects.update(hashed_at=timezone.now() - timedelta(days=2))
    look()
    looks.look_at(places=looks.places_of(), afresh=True)
    assert len(read) == 4


@pytest.mark.parametrize("what", ["link", "pipe"])
def test_what_is_no_file_is_unknown_and_so_unauthorized(disk, administrator, what):
    home, _gate = written(disk)
    (disk / "model.onnx").unlink()
    place(home, disk / "model.onnx", administrator)
    if what == "link":
        (disk / "model.onnx").symlink_to("/etc/hostname")
    else:
        os.mkfifo(disk / "model.onnx")

    look()

    seen = Sighting.objects.get()
    assert (seen.state, seen.digest) == ("unauthorized", "")
    assert seen.reason.startswith("Nobody knows which model this is:")


def test_who_says_where_it_is_looked(disk, administrator):
    home, _gate = written(disk)
    tracker = make.connector()
    worker = make.member(home)
    alias = {"project": home, "connector": tracker, "model": "m", "alias": "champion", "environment": "e"}
    with refused("forbidden"):
        place(home, disk, home.created_by)
    with refused("forbidden"):
        watch_alias(actor=worker, **alias)
    with refused("outside_root"):
        place(home, "/etc/passwd", administrator)
    with refused("no_path"):
        place(home, "https://models.example/x", administrator)
    with refused("alias_reserved"):
        watch_alias(actor=home.created_by, **{**alias, "alias": "latest"})
    with refused("missing"):
        watch_alias(actor=home.created_by, **{**alias, "environment": " "})

    with entry_of("running_place.added"):
        made = watch_alias(actor=home.created_by, **alias)
    with refused("watched"):
        watch_alias(actor=home.created_by, **alias)
    with refused("forbidden"):
        retire_place(place=made, actor=worker)
    with entry_of("running_place.retired"):
        retire_place(place=made, actor=home.created_by)
    with refused("retired"):
        retire_place(place=made, actor=home.created_by)


def test_what_was_seen_at_a_retired_place_is_gone(disk, administrator):
    home, _gate = written(disk)
    made = place(home, disk / "model.onnx", administrator)
    look()

    retire_place(place=made, actor=administrator)

    assert Sighting.objects.get().state == "gone"
    assert look().places == 0


# ---- handed in ----


def served(name, digest="", namespace="production", **annotations):
    """An InferenceService as a cluster keeps it."""
    uri = f"s3://models/{name}" + (f"@sha256:{digest}" if digest else "")
    return {
        "apiVersion": "serving.kserve.io/v1beta1", "kind": "InferenceService",
        "metadata": {"name": name, "namespace": namespace, "annotations": annotations},
        "spec": {"predictor": {"model": {"storageUri": uri}}},
    }  # fmt: skip


def test_objects_of_a_cluster_are_judged_as_at_admission(administrator, settings):
    settings.GATEBOOK_NAMESPACES = {"live": "production"}
    given = make_gates.authorization(scope={"country": ["US"]})
    digest = given.model_digest
    us, jp = ({"gatebook/scope": f"country={each}"} for each in ("US", "JP"))
    objects = [
        served("good", digest, "live", **us), served("abroad", digest, "live", **jp),
        {"kind": "List", "items": [served("staged", digest, "staging"), served("loose")]},
        served("own", "", settings.GATEBOOK_NAMESPACE),
        served("odd", **{"gatebook/model-digest": "abc"}),
        {"kind": "Deployment", "apiVersion": "apps/v1", "metadata": {"name": "web", "namespace": "live"},
         "spec": {"template": {"spec": {"containers": [{"name": "a", "image": "web:1"}]}}}},
    ]  # fmt: skip

    done = hand_in(cluster="eu-1", objects=objects, actor=administrator)

    seen = {each.where.rpartition("/")[2]: each for each in Sighting.objects.all()}
    assert {name: each.state for name, each in seen.items()} == {
        "good": "authorized", "abroad": "unauthorized", "staged": "unauthorized", "loose": "unauthorized",
        "odd": "unauthorized", "web": "unauthorized",
    }  # fmt: skip
    assert done.noted.seen == 6
    assert seen["abroad"].project == given.project
    assert "country JP is outside" in seen["abroad"].reason
    assert "only for production" in seen["staged"].reason
    assert "No one digest is pinned" in seen["loose"].reason
    assert "is not named by its digest" in seen["web"].reason
    assert seen["loose"].project is None
    assert seen["loose"].finding is None
    assert Notice.objects.filter(
        person=administrator, key__startswith=f"sighting:{seen['loose'].pk}:"
    ).exists()
    assert Finding.objects.count() == 2  # of the project that registered the model


def test_a_complete_list_says_what_is_gone_and_only_of_the_same_cluster(administrator):
    given = make_gates.authorization()
    digest = given.model_digest
    hand_in(cluster="a", objects=[served("one", digest), served("two", digest)], actor=administrator)
    hand_in(cluster="b", objects=[served("one", digest)], actor=administrator)
    entries = Entry.objects.count()

    hand_in(cluster="a", objects=[served("one", digest)], actor=administrator)
    assert Entry.objects.count() == entries
    hand_in(cluster="a", objects=[], actor=administrator, complete=True)

    assert Entry.objects.count() == entries + 2
    states = Sighting.objects.order_by("pk").values_list("source", "state")
    assert list(states) == [
        ("cluster:a", "gone"), ("cluster:a", "gone"), ("cluster:b", "authorized"),
    ]  # fmt: skip


def test_people_hand_in_what_is_their_projects_and_touch_nothing_of_others(administrator):
    given = make_gates.authorization()
    other = make.project()
    worker, stranger, auditor = make.member(other), make.user(), make.member(other, "auditor")
    hand_in(cluster="a", objects=[served("one")], actor=administrator, project=given.project)
    before = Finding.objects.get()

    with refused("forbidden"):
        hand_in(cluster="a", objects=[], actor=worker, complete=True)
    with refused("forbidden"):
        hand_in(cluster="a", objects=[], actor=stranger, project=other)
    with refused("forbidden"):
        hand_in(cluster="a", objects=[], actor=auditor, project=other)
    hand_in(
        cluster="a", objects=[served("one", given.model_digest)], actor=worker, project=other, complete=True
    )

    before.refresh_from_db()
    assert before.state == "open"
    assert list(Sighting.objects.order_by("pk").values_list("project", "state")) == [
        (given.project_id, "unauthorized"), (other.pk, "authorized"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("objects", "code"),
    [
        ([7], "no_object"), ([{}], "no_object"), ([{"metadata": {"name": ""}}], "no_name"),
        ([{"metadata": {"name": "a", "namespace": 7}}], "no_name"), ([{"items": [[]]}], "no_object"),
        ([{"items": [{}] * 3000}], "too_many"),
    ],
)  # fmt: skip
def test_what_has_no_name_is_refused_and_nothing_kept(administrator, objects, code):
    with refused(code):
        hand_in(cluster="a", objects=[served("one"), *objects], actor=administrator)


def test_odd_names_are_kept_as_any_database_takes_them(administrator):
    deep = {"x": 1}
    for _ in range(60):
        deep = {"x": deep}
    odd = served("a\x00b", **{"gatebook/scope": "country=\x00"})
    hand_in(
        cluster="a", actor=administrator,
        objects=[odd, {"metadata": {"name": "deep"}, "spec": deep}, {"metadata": {"name": "bare"}}],
    )  # fmt: skip

    assert set(Sighting.objects.values_list("state", flat=True)) == {"unauthorized"}


def test_the_api_hands_in_once_for_each_key_and_lists(client, administrator):
    given = make_gates.authorization()
    client.force_login(administrator)
    body = {"cluster": "eu-1", "objects": [served("one", given.model_digest), served("two")]}
    headers = {"Idempotency-Key": "k"}

    said = client.post("/api/v1/running/", body, content_type="application/json", headers=headers)
    again = client.post("/api/v1/running/", body, content_type="application/json", headers=headers)

    assert said.status_code == 200, said.content
    assert said.json() == again.json()
    assert (said.json()["seen"], said.json()["unauthorized"]) == (2, 1)
    assert said.json()["sightings"][0]["reason"].startswith("Authorized by gate")
    listed = client.get("/api/v1/running/?state=unauthorized").json()["results"]
    assert [each["where"] for each in listed] == ["production/serving.kserve.io/InferenceService/two"]
    assert client.get("/api/v1/running/?state=odd").status_code == 400
    for wrong in ({}, {"cluster": "a"}, {"cluster": "a", "objects": {}}, {"cluster": "a", "objects": [7]}):
        assert client.post("/api/v1/running/", wrong, content_type="application/json").status_code == 400
    gone = client.post("/api/v1/running/", {**body, "project": "nowhere"}, content_type="application/json")
    assert gone.status_code == 404
    client.force_login(make.member(given.project))
    assert len(client.get("/api/v1/running/").json()["results"]) == 1  # what is nobody's is not theirs
    assert client.post("/api/v1/running/", body, content_type="application/json").status_code == 403


# ---- compared again ----


def test_a_withdrawn_and_an_expired_authorization_are_seen_without_a_new_look(administrator):
    given, ended = make_gates.authorization(), make_gates.authorization()
    for number, each in enumerate((given, ended)):
        objects = [served(f"m{number}", each.model_digest)]
        hand_in(cluster="a", objects=objects, actor=administrator)
    withdraw_authorization(authorization=given, actor=given.project.created_by, reason="Odd")
    past = timezone.now() - timedelta(days=2)
    Authorization.objects.filter(pk=ended.pk).update(valid_from=past, valid_until=past + timedelta(days=1))

    assert judge_again() == 2
    assert judge_again() == 0

    reasons = dict(Sighting.objects.values_list("authorization", "reason"))
    assert reasons[given.pk] == "The authorization is withdrawn: Odd."
    assert reasons[ended.pk].startswith("The authorization ended on")
    assert Finding.objects.filter(of_running=True).count() == 2


def test_open_glass_covers_what_runs_and_no_longer(administrator):
    given = make_gates.authorization()
    glass = make_gates.broken_glass(given.model_version, "staging")
    hand_in(cluster="a", objects=[served("m", given.model_digest, "staging")], actor=administrator)
    seen = Sighting.objects.get()
    assert (seen.state, seen.reason[:28]) == ("authorized", "The glass is broken for it u")

    type(glass).objects.filter(pk=glass.pk).update(ends_at=timezone.now())
    judge_again()

    seen.refresh_from_db()
    assert seen.state == "unauthorized"


def test_a_clock_behind_the_records_finds_nothing(administrator, monkeypatch):
    given = make_gates.authorization()
    hand_in(cluster="a", objects=[served("m", given.model_digest)], actor=administrator)
    monkeypatch.setattr(sightings, "latest_moment", lambda: timezone.now() + timedelta(hours=1))

    with pytest.raises(ClockBehind):
        judge_again()

    assert Sighting.objects.get().state == "authorized"
    assert looks.look_at_due().problems == ["The clock is behind the records, so nothing can be compared."]


def test_the_cost_does_not_grow_with_what_is_as_it_was():
    given = make_gates.authorization()
    rows = [
        Seen(key_of(n), "cluster:a", f"m{n}", given.model_digest, "production", project=given.project)
        for n in range(60)
    ]
    note_seen(rows[:10])
    with CaptureQueriesContext(connection) as few:
        assert note_seen(rows[:10]).changed == []
    note_seen(rows)
    with CaptureQueriesContext(connection) as many:
        assert note_seen(rows).changed == []
    assert len(many) == len(few) <= 6
    with CaptureQueriesContext(connection) as again:
        assert judge_again() == 0
    assert len(again) <= 6


# ---- pages and command ----


def test_the_pages_cost_the_same_for_any_number(client, administrator, disk):
    home, _gate = written(disk)
    place(home, disk / "model.onnx", administrator)
    look()
    client.force_login(administrator)
    slug = home.slug

    def cost(address):
        with CaptureQueriesContext(connection) as found:
            assert client.get(address).status_code == 200
        return len(found)

    pages = [reverse("governance:running"), reverse("governance:project-running", args=[slug])]
    pages += [f"{pages[0]}?state=unauthorized&words=model&environment=production&sort=-seen"]
    before = [cost(each) for each in pages]
    rows = [Seen(key_of(n), "a", f"model {n}", "0" * 64, "production", project=home) for n in range(20)]
    note_seen(rows)
    assert [cost(each) for each in pages] == before
    assert max(before) <= 25


def test_a_person_says_where_it_is_looked_and_has_it_looked_at(client, administrator, disk):
    home, _gate = written(disk)
    client.force_login(administrator)
    address = reverse("governance:project-running", args=[home.slug])
    bad = {"files-path": "/etc", "files-environment": "production"}
    answer = client.post(reverse("governance:files-watch", args=[home.slug]), bad)
    assert answer.status_code == 422
    assert "outside the folders" in answer.content.decode()
    good = {**bad, "files-path": str(disk)}
    assert client.post(reverse("governance:files-watch", args=[home.slug]), good).url == address
    tracker = make.connector()
    said = {
        "alias-connector": tracker.pk, "alias-model": "m", "alias-alias": "champion",
        "alias-environment": "production", "alias-scope": "country=US",
    }  # fmt: skip
    assert client.post(reverse("governance:alias-watch", args=[home.slug]), said).url == address
    assert client.post(reverse("governance:running-look", args=[home.slug])).url == address
    looks.look_at_project(project_id=home.pk)

    page = client.get(address).content.decode()

    assert "1 of 1 runs without an authorization" in page
    assert "Could not be looked at:" in page  # the tracker's name leads nowhere
    made = RunningPlace.objects.get(kind="alias")
    assert made.scope == {"country": ["US"]}
    retire = reverse("governance:running-place-retire", args=[made.pk])
    assert client.post(retire).url == address
    assert client.post(retire).status_code == 422


def test_the_command_looks_and_says_by_its_end_what_it_found(administrator, disk, capsys):
    home, gate = written(disk)
    call_command(
        "running", "watch-files", str(disk / "model.onnx"), project=home.slug, environment="production"
    )
    with pytest.raises(SystemExit, match="1"):
        call_command("running", "look")
    assert "unauthorized: " in capsys.readouterr().out
    Finding.objects.update(holds=False)
    authorize(gate)
    call_command("running", "look", project=home.slug)
    assert "authorized: " in capsys.readouterr().out
    watch_alias(
        project=home, connector=make.connector(), model="m", alias="a", environment="e", actor=home.created_by
    )
    with pytest.raises(SystemExit, match="2"):
        call_command("running", "look")
