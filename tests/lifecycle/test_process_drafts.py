"""The pages on which a process owner drafts, edits, compares and publishes."""

import io

import pytest
from django.urls import reverse

from lifecycle.definitions import (
    MaterialChange,
    SignedChange,
    catalogue,
    difference,
    digest,
    json_schema,
    parse,
)
from lifecycle.forms.process_drafts import PartForm
from lifecycle.forms.process_fields import ParamsField
from lifecycle.models import ProcessVersion
from lifecycle.process_parts import KINDS
from lifecycle.services.process_edits import draft_from, save_part
from lifecycle.services.processes import publish_process
from tests import make
from tests.traces import no_trace

pytestmark = pytest.mark.django_db

EDIT = "lifecycle:process-draft-change"


@pytest.fixture
def person(client):
    someone = make.user(org_role="process_owner")
    client.force_login(someone)
    return someone


@pytest.fixture
def draft(person):
    return draft_from(document=make.small_document(), actor=person)


def typed(version, part, key):
    """What the browser sends when somebody opens the form of a part and saves it as it is."""
    doc = parse(version.document)
    item = next(
        each
        for each in doc.model_dump(mode="json")[part]
        if each.get("key", each.get("code", each.get("id"))) == key
    )
    form = PartForm(KINDS[part], doc, item=item, seen=version.digest)
    data = _values(form)
    for entry, rows in form.sets:
        data |= _values(rows.management_form)
        for row in rows.forms:
            data |= _values(row)
        data.setdefault(f"{entry.name}-TOTAL_FORMS", len(rows.forms))
    return data


def _values(form):
    found = {}
    for bound in form:
        value = bound.value()
        if value is True:
            value = "on"
        if value or type(value) is int:
            found[bound.html_name] = value
    return found


def upload(text, name="process.yaml"):
    file = io.BytesIO(text.encode() if isinstance(text, str) else text)
    file.name = name
    return file


def post(client, address, /, *args, **data):
    return client.post(reverse(address, args=args), data)


def save(client, version, part, key, **changes):
    data = {**typed(version, part, key), **changes}
    return client.post(reverse(EDIT, args=[version.pk, part, key]), data)


def test_a_draft_begins_with_crisp_ml_q(client, person):
    answer = post(client, "lifecycle:process-new", base="catalogue")

    version = ProcessVersion.objects.get()
    assert answer.url == reverse("lifecycle:process-draft", args=[version.pk])
    assert version.digest == digest(catalogue())


def test_a_draft_begins_with_any_version_under_a_name_of_its_own(client, person):
    base = make.process_version(make.small_document())

    post(client, "lifecycle:process-new", base=base.pk, key="ours", name="Ours")

    assert ProcessVersion.objects.get(process__key="ours").document["name"] == "Ours"


def test_a_bad_key_stands_at_its_field(client, person):
    answer = post(client, "lifecycle:process-new", base="catalogue", key="Not a key")

    assert answer.status_code == 422
    assert "key" in answer.context["form"].errors
    assert not ProcessVersion.objects.exists()


def test_what_is_downloaded_can_be_uploaded_and_has_the_same_digest(client, person):
    post(client, "lifecycle:process-new", base="catalogue")
    version = ProcessVersion.objects.get()
    text = client.get(reverse("lifecycle:process-yaml", args=[version.pk])).content

    post(client, "lifecycle:process-new", base="file", file=upload(text))

    again = ProcessVersion.objects.latest("number")
    assert (again.number, again.digest, again.document) == (2, version.digest, version.document)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("key: small\nkey: other\n", "Line 2: the key “key” is there twice."),
        ("a: &a [x]\nb: [*a, *a]\n", "Line 1: anchors (&a) are not read."),
        ("a: [", "Line"),
        ("", "empty"),
        (b"\xff\xfe", "UTF-8"),
        (b"x" * 10_000_000, "KiB"),
        ("format: gatebook-process/1\ncolour: red\n", "colour: unknown field"),
    ],
    ids=["duplicate keys", "alias bomb", "no YAML", "empty", "no UTF-8", "10 MB", "unknown keys"],
)
def test_a_bad_file_is_refused_with_the_place_and_changes_nothing(client, person, text, words):
    with no_trace():
        answer = post(client, "lifecycle:process-new", base="file", file=upload(text))

    assert answer.status_code == 422
    assert words in " ".join(answer.context["form"].errors["file"])
    assert words.replace("&", "&amp;") in answer.content.decode()
    assert not ProcessVersion.objects.exists()


def test_the_schema_is_served(client, person):
    answer = client.get(reverse("lifecycle:process-schema"))

    assert (answer.json(), answer["Content-Type"]) == (json_schema(), "application/schema+json")


def test_every_form_saved_as_it_is_leaves_the_document_as_it_is(client, person):
    change = MaterialChange(key=SignedChange.MODEL, material=False, why="It stays as it was signed.")
    whole = catalogue().model_copy(update={"material_changes": (change,)})
    version = draft_from(document=whole, actor=person)
    doc = parse(version.document)

    for part in KINDS:
        item = getattr(doc, part)[-1]
        key = getattr(item, "key", "") or getattr(item, "code", "") or item.id
        answer = save(client, version, part, key)
        assert answer.status_code == 302, (part, key, answer.context["form"].errors)
        version.refresh_from_db()
        assert [each.words for each in difference(doc, parse(version.document))] == []


def test_every_gate_and_trigger_of_the_catalogue_can_be_read_back_from_its_form():
    doc = catalogue()
    whole = doc.model_dump(mode="json")
    for part in ("gates", "triggers", "tasks", "handoffs"):
        for item in whole[part]:
            form = PartForm(KINDS[part], doc, item=item, seen="")
            values = {name: value for name, value in _values(form).items() if name in form.fields}
            for name, value in values.items():
                field = form.fields[name]
                assert field.clean(field.prepare_value(value) if value != "on" else True) is not None


@pytest.mark.parametrize("value", [0.3, 3, True, "text", "0.3", "true", " edges ", '"quoted"', "", "a = b"])
def test_parameters_are_read_as_they_are_shown(value):
    field = ParamsField(required=False)

    assert field.clean(field.prepare_value({"name": value})) == {"name": value}


def test_a_task_is_changed(client, draft):
    answer = save(
        client, draft, "tasks", "1.1", name="Train", due_days="9", outputs="Model\r\nReport", after=["1.2"]
    )

    draft.refresh_from_db()
    task = parse(draft.document).task("1.1")
    assert answer.url == reverse("lifecycle:process-draft-part", args=[draft.pk, "tasks"]) + "#tasks-1.1"
    assert (task.name, task.due_days, task.outputs, task.after) == ("Train", 9, ("Model", "Report"), ("1.2",))


def test_a_criterion_is_added_and_another_taken_away(client, draft):
    more = {"criteria-1-key": "none-open", "criteria-1-expression": "findings.size() == 0",
            "criteria-1-why": "Harm", "criteria-0-DELETE": "on"}  # fmt: skip

    save(client, draft, "gates", "G1", **more)

    draft.refresh_from_db()
    criteria = parse(draft.document).gate("G1").criteria
    assert [(each.key, each.blocking) for each in criteria] == [("none-open", True)]


def test_what_is_wrong_stands_at_its_field_with_what_was_typed(client, draft):
    with no_trace(draft):
        answer = save(client, draft, "gates", "G1", **{"criteria-0-expression": "weather.rain == 0"})

    row = answer.context["form"].sets[0][1].forms[0]
    assert answer.status_code == 422
    assert "Unknown variable “weather” in column 1" in row.errors["expression"][0]
    assert row["expression"].value() == "weather.rain == 0"


@pytest.mark.parametrize(
    ("part", "key", "field", "value", "words"),
    [
        ("triggers", "T-01", "condition", "event.share >", "Cannot be read in column"),
        ("triggers", "T-01", "condition", "weather > 3", "Unknown variable “weather” in column 1"),
        ("triggers", "T-01", "timezone", "Mars/Olympus", "unknown time zone"),
        ("triggers", "T-01", "params", "share: 0.3", "Line 1"),
        ("tasks", "1.1", "name", "نموذج 🛰️ " * 40, "at most 200"),
        ("tasks", "1.1", "after", ["1.1"], "1.1 → 1.1"),
        ("tasks", "1.1", "due_days", "-3", "at least 0"),
        ("risks", "R1-01", "severity", "6", "at most 5"),
    ],
)
def test_a_bad_value_is_refused_at_its_field(client, draft, part, key, field, value, words):
    with no_trace(draft):
        answer = save(client, draft, part, key, **{field: value})

    assert answer.status_code == 422
    assert words in answer.context["form"].errors[field][0]


def test_a_cron_line_that_never_fires_is_refused_at_its_field(client, draft):
    with no_trace(draft):
        answer = save(client, draft, "triggers", "T-01", kind="schedule", cron="0 0 30 2 *")

    assert "never fires" in answer.context["form"].errors["cron"][0]


def test_a_problem_elsewhere_is_named_in_words(client, draft):
    with no_trace(draft):
        answer = save(client, draft, "tasks", "2.1", phase="P1")

    assert "Phase P2: phase “P2” has no task" in answer.context["form"].non_field_errors()


def test_who_was_overtaken_sees_the_difference_and_keeps_what_was_typed(client, draft, person):
    sent = typed(draft, "tasks", "1.1") | {"name": "Mine"}
    other = draft.document["tasks"][2] | {"name": "Theirs"}
    save_part(version=draft, part="tasks", key="2.1", data=other, seen=draft.digest, actor=person)

    answer = client.post(reverse(EDIT, args=[draft.pk, "tasks", "1.1"]), sent)

    assert answer.status_code == 422
    assert answer.context["changes"] == ["Task 2.1 “Theirs”: name “Task 2.1” → “Theirs”."]
    assert answer.context["form"]["name"].value() == "Mine"
    draft.refresh_from_db()
    again = {**sent, "seen": answer.context["form"]["seen"].value()}
    assert client.post(reverse(EDIT, args=[draft.pk, "tasks", "1.1"]), again).status_code == 302


def test_a_task_is_added_in_a_phase(client, draft):
    data = {
        "seen": draft.digest, "key": "1.3", "name": "Look", "phase": "P1", "summary": "Look at it",
        "owner": "DS",
        "due_days": "3", "proof.provability": "review", "proof.evidence-TOTAL_FORMS": "1",
        "proof.evidence-INITIAL_FORMS": "0", "proof.evidence-0-kind": "REV",
        "proof.evidence-0-asks": "A review",
    }  # fmt: skip
    page = client.get(reverse("lifecycle:process-draft-add", args=[draft.pk, "tasks"]) + "?phase=P1")
    assert page.context["form"].initial["phase"] == "P1"

    client.post(reverse("lifecycle:process-draft-add", args=[draft.pk, "tasks"]), data)

    draft.refresh_from_db()
    assert [task["key"] for task in draft.document["tasks"]] == ["1.1", "1.2", "1.3", "2.1"]


def test_a_phase_is_added_with_its_first_task(client, draft):
    data = {
        "seen": draft.digest, "key": "P3", "name": "Watch", "purpose": "Watch", "starts_when": "Live",
        "ends_when": "Never", "first_task": "Watch it", "first_owner": "DS",
    }  # fmt: skip

    answer = client.post(reverse("lifecycle:process-draft-add", args=[draft.pk, "phases"]), data)

    assert answer.status_code == 302, answer.context["form"].errors
    draft.refresh_from_db()
    assert parse(draft.document).tasks_of("P3")[0].name == "Watch it"


def test_a_task_is_moved_up(client, draft):
    post(client, "lifecycle:process-draft-move", draft.pk, "tasks", move="up:1.2", seen=draft.digest)

    draft.refresh_from_db()
    assert [task["key"] for task in draft.document["tasks"]] == ["1.2", "1.1", "2.1"]


def test_moving_in_an_older_draft_is_refused(client, draft):
    answer = post(client, "lifecycle:process-draft-move", draft.pk, "tasks", move="up:1.2", seen="0" * 64)

    assert answer.status_code == 422
    assert "Somebody else changed this draft" in answer.content.decode()


def test_taking_out_shows_first_what_goes_with_it(client, draft):
    address = reverse("lifecycle:process-draft-retire", args=[draft.pk, "tasks", "1.1"])

    page = client.get(address)
    assert "Risk R1-01 “It breaks” removed." in page.content.decode()
    client.post(address, {"seen": draft.digest})

    draft.refresh_from_db()
    assert [task["key"] for task in draft.document["tasks"]] == ["1.2", "2.1"]


def test_what_others_need_is_not_taken_out(client, draft):
    address = reverse("lifecycle:process-draft-retire", args=[draft.pk, "roles", "DS"])

    page = client.get(address)
    assert page.context["problems"][0][0] == "Handoff H-01, takers"
    with no_trace(draft):
        assert client.post(address, {"seen": draft.digest}).status_code == 422


def test_name_and_summary_change(client, draft):
    post(client, "lifecycle:process-draft-head", draft.pk, name="Tiny", summary="Short.", seen=draft.digest)

    draft.refresh_from_db()
    assert (draft.document["name"], draft.document["summary"]) == ("Tiny", "Short.")


@pytest.mark.parametrize(
    ("kind", "expression", "words"),
    [
        ("gate", "tasks.all(t, t.verified)", "This can be read."),
        ("gate", "tasks.all(t, t.verified", "Cannot be read in column"),
        ("gate", "event.share > 1", "Unknown variable “event” in column 1"),
        ("trigger", "event.share_drifted > params.share", "This can be read."),
        ("trigger", "event.colour > params.share", "There is no “event.colour” in column 1"),
        ("trigger", "event.share_drifted > params.limit", "There is no “params.limit” in column 23"),
        ("trigger", "", "params"),
        ("trigger", "x" * 3000, "At most 2000"),
    ],
)
def test_an_expression_is_checked_while_it_is_typed(client, person, kind, expression, words):
    answer = client.post(
        reverse("lifecycle:process-check-expression") + f"?kind={kind}",
        {"criteria-0-expression": expression, "kind": "drift", "params": "share = 0.3"},
        headers={"HX-Request": "true", "HX-Trigger-Name": "criteria-0-expression"},
    )  # fmt: skip

    assert words in answer.content.decode()


def test_publishing_shows_the_difference_and_then_nothing_changes_any_more(client, person):
    first = publish_process(version=draft_from(document=make.small_document(), actor=person), actor=person)
    second = draft_from(document=make.small_document(), actor=person)
    save(client, second, "tasks", "1.1", name="Train")
    second.refresh_from_db()

    page = client.get(reverse("lifecycle:process-publish", args=[second.pk]))
    assert page.context["before"] == first
    assert "name “Task 1.1” → “Train”" in page.content.decode()
    answer = post(client, "lifecycle:process-publish", second.pk, seen=second.digest)

    assert answer.url == reverse("lifecycle:process-version", args=[second.pk])
    second.refresh_from_db()
    assert second.state == "published"
    assert save(client, second, "tasks", "1.1", name="Later").status_code == 422
    assert client.get(reverse(EDIT, args=[second.pk, "tasks", "1.1"])).status_code == 302


def test_two_versions_are_compared_in_words_by_part(client, person):
    old = make.process_version(make.small_document())
    new = make.process_version(make.small_document(name="Tiny"))
    client.force_login(make.user())

    page = client.get(reverse("lifecycle:process-difference"), {"old": old.pk, "new": new.pk})

    assert [group.title for group in page.context["groups"]] == ["The process itself"]
    assert "Process: name “Small” → “Tiny”." in page.content.decode()


def test_others_do_not_edit(client, draft):
    addresses = [
        reverse("lifecycle:process-new"),
        reverse("lifecycle:process-draft", args=[draft.pk]),
        reverse("lifecycle:process-draft-part", args=[draft.pk, "tasks"]),
        reverse("lifecycle:process-draft-add", args=[draft.pk, "tasks"]),
        reverse(EDIT, args=[draft.pk, "tasks", "1.1"]),
        reverse("lifecycle:process-draft-retire", args=[draft.pk, "tasks", "1.1"]),
        reverse("lifecycle:process-draft-head", args=[draft.pk]),
        reverse("lifecycle:process-publish", args=[draft.pk]),
    ]
    for person in (make.user(), make.user(org_role="auditor")):
        client.force_login(person)
        assert [client.get(address).status_code for address in addresses] == [403] * len(addresses)
        assert [client.post(address).status_code for address in addresses] == [403, 405, 405, *[403] * 5]
    client.force_login(make.user(org_role="administrator"))
    assert [client.get(address).status_code for address in addresses] == [200] * len(addresses)


def test_what_is_not_there_is_not_found(client, draft):
    for name, args in [
        ("lifecycle:process-draft", [0]),
        ("lifecycle:process-draft-part", [draft.pk, "nonsense"]),
        (EDIT, [draft.pk, "tasks", "9.9"]),
        ("lifecycle:process-draft-retire", [draft.pk, "tasks", "9.9"]),
    ]:
        assert client.get(reverse(name, args=args)).status_code == 404


def test_the_number_of_queries_does_not_grow_with_the_process(
    client, person, draft, django_assert_max_num_queries
):
    large = draft_from(document=catalogue(), actor=person)
    for version in (draft, large):
        for name, args in [
            ("lifecycle:process-draft", []),
            ("lifecycle:process-draft-part", ["tasks"]),
            ("lifecycle:process-draft-part", ["methods"]),
            ("lifecycle:process-draft-add", ["gates"]),
            ("lifecycle:process-publish", []),
        ]:
            with django_assert_max_num_queries(8):
                assert client.get(reverse(name, args=[version.pk, *args])).status_code == 200
