import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from ledger.models import Entry
from lifecycle.definitions.stack import stack_catalogue
from lifecycle.errors import Invalid, Refused
from lifecycle.models import SavedView, StackPart
from lifecycle.queries.score import score_of
from lifecycle.queries.score_evidence import LOOKS, evidence_for
from lifecycle.services.saved_views import MOST, remove_view, save_view
from lifecycle.services.stack import answer_canvas, assess_maturity, change_component, mark_score_item
from tests import make

pytestmark = pytest.mark.django_db

PAGES = ("project-stack", "project-canvas", "project-maturity", "project-test-score")
EDITS = (
    ("stack-component", "ml-pipeline", {"tool": "Airflow"}),
    ("canvas-block", "registry", {"need": "Yes"}),
    ("maturity-level", "google", {"level": "0", "reason": "By hand"}),
    ("test-score-item", "D3", {"value": "by_hand", "reason": "Looked at"}),
)


def last():
    return Entry.objects.select_related("payload").order_by("-index").first()


def detail():
    return last().payload.content["detail"]


def numbers(client, user, name, *args, query=""):
    client.force_login(user)
    return client.get(reverse(f"lifecycle:{name}", args=args) + query)


def test_the_catalogue_holds_nine_components_eleven_blocks_four_scales_and_28_items():
    catalogue = stack_catalogue()
    assert len(catalogue.components.items) == 9
    assert [each.key for each in catalogue.components.items if each.kind == "store"] == [
        "feature-store",
        "code-repository",
        "metadata-store",
        "model-registry",
    ]
    assert len(catalogue.canvas.blocks) == 12  # the dilemmas are the twelfth
    assert [len(scale.levels) for scale in catalogue.maturity] == [3, 3, 5, 3]
    assert [len(section.items) for section in catalogue.test_score.sections] == [7, 7, 7, 7]


def test_every_name_in_the_catalogue_leads_somewhere():
    catalogue = stack_catalogue()
    for each in catalogue.components.items:
        assert set(each.feeds) <= set(catalogue.component_by_key)
    named = {item.evidence for item in catalogue.item_by_key.values() if item.evidence}
    assert named == LOOKS
    used = {catalogue.components.source, catalogue.canvas.source, catalogue.test_score.source}
    for key in used | {scale.source for scale in catalogue.maturity}:
        assert catalogue.source(key).url.startswith("https://")


@pytest.mark.parametrize(
    ("score", "begins"),
    [(0, "More of a research"), (0.5, "Not untested"), (1, "Not untested"), (1.5, "A first step"),
     (3, "Reasonably"), (5, "Strong"), (5.5, "Exceptional"), (7, "Exceptional")],
)  # fmt: skip
def test_the_bands_of_the_score_are_those_of_the_rubric(score, begins):
    assert stack_catalogue().test_score.band_of(score).startswith(begins)


def test_a_component_is_changed_with_one_entry_that_says_what_was():
    home = make.small_project()
    ken = make.member(home)
    change_component(project=home, component="ml-pipeline", actor=home.created_by, requirements="Nightly")
    before = Entry.objects.count()
    part = change_component(
        project=home, component="ml-pipeline", actor=home.created_by, requirements="Nightly", tool="Airflow",
        owner=ken, link="https://example.org/dags?x=1",
    )  # fmt: skip
    assert (part.tool, part.owner, part.link) == ("Airflow", ken, "https://example.org/dags?x=1")
    assert Entry.objects.count() == before + 1
    assert last().action == "stack.changed"
    assert detail()["from"] == {"tool": "", "owner_id": None, "link": ""}
    assert detail()["to"]["owner_id"] == ken.pk
    assert StackPart.objects.count() == 1


@pytest.mark.parametrize(
    "link",
    ["javascript:alert(1)", "data:text/html,x", "//example.org", "ftp://example.org", "https://", "http://[",
     "example.org", "https://exa mple.org"],
)  # fmt: skip
def test_a_link_that_is_not_http_is_refused_without_a_trace(link):
    home = make.small_project()
    before = Entry.objects.count()
    with pytest.raises(Invalid) as no:
        change_component(project=home, component="ml-pipeline", actor=home.created_by, link=link)
    assert (no.value.code, no.value.where) == ("bad_link", "link")
    assert (StackPart.objects.count(), Entry.objects.count()) == (0, before)


def test_the_database_refuses_such_a_link_too():
    home = make.small_project()
    with pytest.raises(IntegrityError), transaction.atomic():
        StackPart.objects.create(
            project=home, component="x", link="javascript:x", changed_by=home.created_by,
            changed_at=timezone.now(),
        )  # fmt: skip


def test_strangers_own_no_component_and_nothing_is_recorded_where_nothing_changes():
    home = make.small_project()
    with pytest.raises(Refused) as no:
        change_component(project=home, component="ml-pipeline", actor=home.created_by, owner=make.user())
    assert no.value.code == "not_member"
    with pytest.raises(Refused) as no:
        change_component(project=home, component="ml-pipeline", actor=home.created_by)
    assert no.value.code == "no_change"
    with pytest.raises(Invalid):
        change_component(project=home, component="oven", actor=home.created_by, tool="Fire")


def test_only_managers_change_and_only_in_an_open_project():
    home = make.small_project()
    for role in ("contributor", "reviewer", "auditor"):
        with pytest.raises(PermissionDenied):
            change_component(project=home, component="ml-pipeline", actor=make.member(home, role), tool="x")
    type(home).objects.update(state="closed")
    with pytest.raises(Refused) as no:
        assess_maturity(project=home, scale="google", level=0, reason="x", actor=home.created_by)
    assert no.value.code == "project_closed"


def test_the_canvas_keeps_what_was_said_to_each_question():
    home = make.small_project()
    answer = answer_canvas(
        project=home, block="registry", texts={"need": "Yes", "scheme": " "}, actor=home.created_by
    )
    assert answer.texts == {"need": "Yes"}
    with pytest.raises(Invalid) as no:
        answer_canvas(project=home, block="registry", texts={"colour": "red"}, actor=home.created_by)
    assert no.value.where == "colour"


def test_level_0_is_a_level_and_is_recorded():
    home = make.small_project()
    found = assess_maturity(project=home, scale="google", level=0, reason="By hand", actor=home.created_by)
    assert found.level == 0
    assert detail()["to"] == {"level": 0, "reason": "By hand"}
    with pytest.raises(Invalid):
        assess_maturity(project=home, scale="google", level=3, reason="x", actor=home.created_by)
    with pytest.raises(Invalid):
        assess_maturity(project=home, scale="google", level=1, reason=" ", actor=home.created_by)


def training(home, digest, *, spec="s" * 64, **record):
    return make.run(home, spec_digest=spec, record={"model_sha256": digest, **record})


def test_the_score_is_the_smallest_of_the_four_sums():
    home = make.small_project()
    for key in ("D1", "D2", "M1", "I2", "O1"):
        mark_score_item(project=home, item=key, value="automated", reason="Shown", actor=home.created_by)
    score = score_of(home)
    assert [section.points for section in score.sections] == [2, 1, 1, 1]
    assert score.score == 1
    assert score.band.startswith("Not untested")
    assert [section.key for section in score.weakest] == ["model", "infrastructure", "monitoring"]


def test_two_trainings_with_the_same_model_prove_that_training_is_reproducible():
    home = make.small_project()
    training(home, "a" * 64)
    assert "training_reproduced" not in evidence_for(home)
    training(home, "a" * 64)
    assert evidence_for(home)["training_reproduced"].points == 1


def test_two_models_of_one_specification_disprove_it():
    home = make.small_project()
    training(home, "a" * 64)
    training(home, "b" * 64)
    assert evidence_for(home)["training_reproduced"].points == 0


def test_what_a_schedule_starts_counts_more_than_what_a_person_starts():
    home = make.small_project()
    record = {"share_drifted": 0.0, "metrics": {"accuracy": 0.9}}
    make.run(home, "MON", record=record, started_by=home.created_by)
    found = evidence_for(home)
    assert (found["inputs_watched"].points, found["quality_watched"].points) == (0.5, 0.5)
    make.run(home, "MON", record=record)
    assert evidence_for(home)["skew_watched"].points == 1


def test_slices_and_baseline_count_whole_when_a_gate_checks_them():
    home = make.small_project()
    record = {
        "main_metric": "accuracy", "metrics": {"accuracy": 0.9, "accuracy_vs_baseline": 0.2},
        "slices": {"country=IT": {"rows": 9}}, "limits": [{"slice": "country=IT", "holds": True}],
    }  # fmt: skip
    make.run(home, "EVR", record=record)
    found = evidence_for(home)
    assert (found["baseline_beaten"].points, found["slices_hold"].points) == (0.5, 0.5)
    make.requirement(home, metric="accuracy_vs_baseline", slice="country=IT")
    found = evidence_for(home)
    assert (found["baseline_beaten"].points, found["slices_hold"].points) == (1, 1)
    record["metrics"]["accuracy_vs_baseline"] = -0.1
    record["limits"][0]["holds"] = False
    make.run(home, "EVR", record=record)
    found = evidence_for(home)
    assert (found["baseline_beaten"].points, found["slices_hold"].points) == (0, 0)


def test_schema_and_useful_features_are_seen_in_runs():
    home = make.small_project()
    make.run(home, "DVR", spec={"columns": [{"name": "a"}]}, record={"violations": []})
    training(home, "a" * 64, importances=[{"feature": "a", "mean": 0.2}, {"feature": "b", "mean": 0.0}])
    found = evidence_for(home)
    assert found["data_schema"].points == 1
    assert found["features_useful"].points == 0
    assert "b" in found["features_useful"].text


def test_a_value_above_the_evidence_is_possible_and_never_silent(client):
    home = make.small_project()
    training(home, "a" * 64)
    training(home, "b" * 64)
    mark_score_item(project=home, item="I1", value="automated", reason="Rounding", actor=home.created_by)
    score = score_of(home)
    [line] = score.above
    assert (line.item.key, line.points, line.found.points) == ("I1", 1, 0)
    text = numbers(client, home.created_by, "project-test-score", home.slug).content.decode()
    assert "stands above what the evidence shows" in text
    mark_score_item(project=home, item="I1", value="evidence", reason="Right", actor=home.created_by)
    assert score_of(home).above == []


def test_other_projects_are_no_evidence():
    home, other = make.small_project(), make.small_project()
    training(other, "a" * 64)
    training(other, "a" * 64)
    assert evidence_for(home) == {}


@pytest.mark.parametrize("name", PAGES)
def test_members_and_auditors_read_strangers_do_not(client, name):
    home = make.small_project()
    for reader in (make.member(home), make.member(home, "auditor"), make.user(org_role="auditor")):
        answer = numbers(client, reader, name, home.slug)
        assert answer.status_code == 200
        assert "/stack/components/" not in answer.content.decode()
    assert numbers(client, make.user(), name, home.slug).status_code == 404
    assert client.post(reverse(f"lifecycle:{name}", args=[home.slug])).status_code in (404, 405)


@pytest.mark.parametrize(("name", "key", "values"), EDITS)
def test_managers_edit_and_nobody_else(client, name, key, values):
    home = make.small_project()
    assert numbers(client, make.member(home), name, home.slug, key).status_code == 403
    assert client.post(reverse(f"lifecycle:{name}", args=[home.slug, key]), values).status_code == 403
    assert numbers(client, make.user(), name, home.slug, key).status_code == 404
    assert numbers(client, home.created_by, name, home.slug, "nothing").status_code == 404
    assert numbers(client, home.created_by, name, home.slug, key).status_code == 200
    before = Entry.objects.count()
    answer = client.post(reverse(f"lifecycle:{name}", args=[home.slug, key]), values)
    assert answer.status_code == 302
    assert Entry.objects.count() == before + 1
    assert client.get(answer["Location"]).status_code == 200


def test_a_refused_form_keeps_what_was_typed(client):
    home = make.small_project()
    client.force_login(home.created_by)
    url = reverse("lifecycle:stack-component", args=[home.slug, "ml-pipeline"])
    answer = client.post(url, {"tool": "Airflow 3", "link": "javascript:x"})
    assert answer.status_code == 422
    assert 'value="Airflow 3"' in answer.content.decode()
    assert "A link begins with http" in answer.content.decode()


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("name", PAGES)
def test_pages_of_the_stack_cost_the_same_for_any_number_of_records(
    client, django_assert_max_num_queries, name, count
):
    home = make.small_project()
    keys = list(stack_catalogue().component_by_key)[:count]
    items = list(stack_catalogue().item_by_key)[:count]
    for key, item in zip(keys, items, strict=True):
        owner = make.member(home)
        change_component(project=home, component=key, actor=home.created_by, tool="x", owner=owner)
        mark_score_item(project=home, item=item, value="by_hand", reason="x", actor=home.created_by)
        training(home, "a" * 64)
        make.run(home, "MON", record={"share_drifted": 0.1, "metrics": {"a": 1}})
    client.force_login(home.created_by)
    wanted = {"project-stack": 8, "project-canvas": 8, "project-maturity": 8, "project-test-score": 16}
    with django_assert_max_num_queries(wanted[name]):
        assert client.get(reverse(f"lifecycle:{name}", args=[home.slug])).status_code == 200


def test_a_kept_view_is_found_beside_the_filters_and_only_by_its_owner(client):
    home = make.small_project()
    make.iteration(home)
    url = reverse("lifecycle:project-tasks", args=[home.slug])
    client.force_login(home.created_by)
    sent = {"name": "Late <b>", "page": url, "query": "phase=P1&state=&cursor=8"}
    answer = client.post(reverse("lifecycle:view-save"), sent)
    assert answer["Location"] == f"{url}?phase=P1"
    text = client.get(answer["Location"]).content.decode()
    assert "Late &lt;b&gt;" in text
    other = make.member(home)
    assert "Late &lt;b&gt;" not in numbers(client, other, "project-tasks", home.slug).content.decode()
    view = SavedView.objects.get()
    assert client.post(reverse("lifecycle:view-remove", args=[view.pk])).status_code == 404
    client.force_login(home.created_by)
    assert client.post(reverse("lifecycle:view-remove", args=[view.pk]))["Location"] == url
    assert not SavedView.objects.exists()


def test_the_same_name_on_the_same_list_replaces_a_view():
    user = make.user()
    save_view(user=user, name="Mine", page="/", query="show=harm")
    view = save_view(user=user, name="Mine", page="/", query="?show=late")
    assert [each.url for each in SavedView.objects.all()] == ["/?show=late"]
    remove_view(view=view, user=user)


@pytest.mark.parametrize(
    "page", ["//evil.example", "https://evil.example/", "/login", "/projects/../", "", "/ledger"]
)
def test_a_view_leads_to_a_list_of_this_site_only(client, page):
    user = make.user()
    with pytest.raises(Invalid):
        save_view(user=user, name="x", page=page)
    client.force_login(user)
    answer = client.post(reverse("lifecycle:view-save"), {"name": "x", "page": page, "query": ""})
    assert answer["Location"] == "/"
    assert not SavedView.objects.exists()


def test_a_person_keeps_so_many_views_and_no_more():
    user = make.user()
    SavedView.objects.bulk_create(
        SavedView(user=user, name=f"v{n}", page="/", created_at=timezone.now()) for n in range(MOST)
    )
    with pytest.raises(Refused) as no:
        save_view(user=user, name="one more", page="/")
    assert no.value.code == "too_many"
    save_view(user=user, name="v1", page="/", query="show=late")


def test_keeping_a_view_is_a_post(client):
    client.force_login(make.user())
    assert client.get(reverse("lifecycle:view-save")).status_code == 405
    client.logout()
    assert client.post(reverse("lifecycle:view-save")).status_code == 302
