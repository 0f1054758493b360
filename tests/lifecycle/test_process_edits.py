"""Edits of drafts: each is one change of the whole document, none is lost, published versions stay."""

import pytest
from django.db import DatabaseError, transaction

from lifecycle.definitions import catalogue, digest, dump_yaml, load_yaml, parse, plain
from lifecycle.models import ProcessVersion
from lifecycle.services.process_edits import (
    Overtaken,
    Unfit,
    add_phase,
    changes_since,
    draft_from,
    move_part,
    retire_part,
    save_head,
    save_part,
)
from lifecycle.services.processes import change_draft, publish_process, retire_process
from tests import make
from tests.traces import forbidden, invalid, no_trace, one_entry, refused

pytestmark = pytest.mark.django_db


def owner():
    return make.user(org_role="process_owner")


def draft(person=None, **changes):
    return draft_from(document=make.small_document(**changes), actor=person or owner())


def data_of(version, part, key):
    return next(item for item in version.document[part] if item.get("key", item.get("code")) == key)


def keys(version, part):
    return [item.get("key", item.get("code")) for item in version.document[part]]


def edit(version, part, key, /, **changes):
    return save_part(
        version=version, part=part, key=key, data={**data_of(version, part, key), **changes},
        seen=version.digest, actor=version.created_by,
    )  # fmt: skip


def add(version, part, data):
    return save_part(
        version=version, part=part, key=None, data=data, seen=version.digest, actor=version.created_by
    )


def move(version, part, key, *, down):
    return move_part(
        version=version, part=part, key=key, down=down, seen=version.digest, actor=version.created_by
    )


def retire(version, part, key):
    return retire_part(version=version, part=part, key=key, seen=version.digest, actor=version.created_by)


def places(caught):
    return [problem.where for problem in caught.value.problems]


def test_a_draft_begins_with_crisp_ml_q_and_says_the_same():
    with one_entry("process.drafted") as detail:
        version = draft_from(document=catalogue(), actor=owner())

    assert version.digest == digest(catalogue()) == detail["digest"]
    assert (version.state, version.number) == ("draft", 1)


def test_a_draft_can_begin_a_process_of_its_own():
    version = draft_from(document=catalogue(), key="ours", name="Ours", actor=owner())

    assert (version.process.key, version.process.name, version.number) == ("ours", "Ours", 1)


def test_what_is_downloaded_and_uploaded_again_has_the_same_digest():
    version = draft_from(document=catalogue(), actor=owner())

    again = draft_from(
        document=load_yaml(dump_yaml(parse(version.document)).encode()), actor=version.created_by
    )

    assert (again.number, again.digest) == (2, version.digest)


def test_an_edit_is_one_change_and_the_ledger_says_it_in_words():
    version = draft()

    with one_entry("process.changed") as detail:
        changed = edit(version, "tasks", "1.1", name="Train well")

    assert data_of(changed, "tasks", "1.1")["name"] == "Train well"
    assert detail["changes"] == ["Task 1.1 “Train well”: name “Task 1.1” → “Train well”."]
    assert (detail["digest_before"], detail["digest"]) == (version.digest, changed.digest)


def test_a_key_never_changes():
    changed = edit(draft(), "tasks", "1.1", key="9.9")

    assert keys(changed, "tasks") == ["1.1", "1.2", "2.1"]


def test_a_new_task_comes_last_in_its_phase():
    version = draft()
    data = {**data_of(version, "tasks", "1.2"), "key": "1.3"}

    assert keys(add(version, "tasks", data), "tasks") == ["1.1", "1.2", "1.3", "2.1"]


def test_a_part_moves_among_those_of_its_phase_only():
    version = draft()

    moved = move(version, "tasks", "1.2", down=False)
    assert keys(moved, "tasks") == ["1.2", "1.1", "2.1"]
    assert keys(move(moved, "tasks", "1.1", down=True), "tasks") == ["1.2", "1.1", "2.1"]


def test_with_a_task_goes_what_could_not_be_without_it():
    left = retire(draft(), "tasks", "1.1")

    assert keys(left, "tasks") == ["1.2", "2.1"]
    assert left.document.get("risks", []) == []
    assert keys(left, "methods") == ["Q1-01"]


def test_a_method_vanishes_from_the_risks_that_name_it():
    left = retire(draft(), "methods", "Q1-01")

    assert "methods" not in data_of(left, "risks", "R1-01")


def test_a_role_that_owns_a_task_is_not_taken_out():
    version = draft()

    with no_trace(version), pytest.raises(Unfit) as caught:
        retire(version, "roles", "DS")

    assert places(caught) == ["handoffs[0].takers"]


def test_the_last_task_of_a_process_is_not_taken_out():
    version = draft()
    one = retire(retire(version, "tasks", "1.1"), "tasks", "1.2")

    with no_trace(one), pytest.raises(Unfit):
        retire(one, "tasks", "2.1")


def test_a_new_phase_comes_with_its_first_task():
    version = draft()
    first = {**data_of(version, "tasks", "2.1"), "key": "P3-1", "phase": "P3"}
    phase = {"key": "P3", "name": "Watch", "purpose": "Watch", "starts_when": "Live", "ends_when": "Never"}

    changed = add_phase(
        version=version, data=phase, first=first, seen=version.digest, actor=version.created_by
    )

    assert (keys(changed, "phases"), keys(changed, "tasks")[-1]) == (["P1", "P2", "P3"], "P3-1")


def test_the_name_of_the_process_changes():
    version = draft()
    data = {"name": "Smaller", "summary": "Still two phases."}

    changed = save_head(version=version, data=data, seen=version.digest, actor=version.created_by)

    assert changed.document["name"] == "Smaller"


def test_who_edits_what_somebody_else_changed_is_told_the_difference():
    version = draft()
    edit(version, "tasks", "2.1", name="Evaluate")

    with no_trace(), pytest.raises(Overtaken) as caught:
        edit(version, "tasks", "1.1", name="Train")

    assert caught.value.code == "changed_meanwhile"
    assert caught.value.changes == ["Task 2.1 “Evaluate”: name “Task 2.1” → “Evaluate”."]
    version.refresh_from_db()
    assert caught.value.digest == version.digest
    assert changes_since(version, "0" * 64) == []


def test_only_process_owners_and_administrators_edit():
    version = draft()
    for person in (make.user(), make.user(org_role="auditor")):
        with forbidden(version):
            save_part(
                version=version, part="tasks", key="1.1", data=data_of(version, "tasks", "1.1"),
                seen=version.digest, actor=person,
            )  # fmt: skip
        with forbidden(version):
            draft_from(document=catalogue(), actor=person)


def test_a_published_version_is_not_edited():
    version = publish_process(version=draft(), actor=owner())
    person = version.created_by

    with refused("wrong_state", version):
        edit(version, "tasks", "1.1", name="Later")
    with refused("wrong_state", version):
        change_draft(version=version, document=make.small_document(name="Later"), actor=person)
    with refused("wrong_state", version):
        publish_process(version=version, actor=person)


@pytest.mark.parametrize(
    "values",
    [{"document": {}}, {"digest": "0" * 64}, {"number": 99}, {"state": "draft", "published_at": None}],
)
def test_the_database_refuses_to_change_a_published_version(values):
    version = publish_process(version=draft(), actor=owner())

    with pytest.raises(DatabaseError, match="never changes"), transaction.atomic():
        ProcessVersion.objects.filter(pk=version.pk).update(**values)

    assert retire_process(version=version, actor=version.created_by).state == "retired"


def test_a_draft_that_changed_since_it_was_confirmed_is_not_published():
    version = draft()
    seen = version.digest
    edit(version, "tasks", "1.1", name="Later")

    with refused("changed_meanwhile", version):
        publish_process(version=version, actor=version.created_by, seen=seen)


# ---- bad input, by name ----


def test_an_unknown_field_is_refused_with_its_place():
    version = draft()

    with no_trace(version), pytest.raises(Unfit) as caught:
        edit(version, "tasks", "1.1", colour="red")

    assert places(caught) == ["tasks[0].colour"]


def test_a_circle_in_the_order_of_tasks_is_named():
    version = edit(draft(), "tasks", "1.2", after=["1.1"])

    with no_trace(version), pytest.raises(Unfit, match=r"1\.1 → 1\.2 → 1\.1") as caught:
        edit(version, "tasks", "1.1", after=["1.2"])

    assert places(caught) == ["tasks[0].after"]
    assert caught.value.place == "tasks[0]"


def test_a_key_that_is_there_already_is_refused():
    version = draft()

    with no_trace(version), pytest.raises(Unfit) as caught:
        add(version, "tasks", data_of(version, "tasks", "1.1"))

    assert places(caught) == ["tasks[2].key"]


def test_ten_megabytes_of_yaml_are_not_read():
    with invalid("too_long"):
        load_yaml(b"name: " + b"x" * 10_000_000)


def test_an_alias_bomb_is_not_opened():
    bomb = "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nd: [*c, *c]\n"

    with invalid("alias"):
        load_yaml(bomb)


@pytest.mark.parametrize(
    ("condition", "words"), [("event.share >", "column"), ("weather.rain > 3", "Unknown variable “weather”")]
)
def test_a_condition_that_cannot_be_read_is_refused_with_its_column(condition, words):
    version = draft()

    with no_trace(version), pytest.raises(Unfit, match=words) as caught:
        edit(version, "triggers", "T-01", condition=condition)

    assert places(caught) == ["triggers[0].condition"]


def test_a_criterion_that_asks_for_what_is_not_there_is_refused():
    version = draft()
    criterion = {"key": "dry", "expression": "weather.rain == 0", "why": "It should be dry"}

    with no_trace(version), pytest.raises(Unfit) as caught:
        edit(version, "gates", "G1", criteria=[criterion])

    assert places(caught) == ["gates[0].criteria[0].expression"]


def test_a_cron_line_that_never_fires_is_refused():
    version = draft()

    with no_trace(version), pytest.raises(Unfit, match="never fires") as caught:
        edit(version, "triggers", "T-01", kind="schedule", cron="0 0 30 2 *")

    assert places(caught) == ["triggers[0].cron"]


def test_a_name_of_300_characters_is_refused_with_its_place_and_200_of_any_script_are_kept():
    version, name = draft(), "مراقبة النموذج 🛰️ "
    with no_trace(version), pytest.raises(Unfit) as caught:
        edit(version, "tasks", "1.1", name=(name * 30)[:299].strip() + "x")
    assert places(caught) == ["tasks[0].name"]

    kept = (name * 30)[:199] + "x"
    assert data_of(edit(version, "tasks", "1.1", name=kept), "tasks", "1.1")["name"] == kept


def test_every_part_of_the_catalogue_can_be_saved_as_it_is():
    version = draft_from(document=catalogue(), actor=owner())
    whole = parse(version.document).model_dump(mode="json")

    for part in ("phases", "tasks", "risks", "methods", "loops", "handoffs", "triggers", "gates"):
        key = whole[part][0]["key"]
        save_part(
            version=version,
            part=part,
            key=key,
            data=whole[part][0],
            seen=version.digest,
            actor=version.created_by,
        )

    version.refresh_from_db()
    assert (version.digest, version.document) == (digest(catalogue()), plain(catalogue()))
