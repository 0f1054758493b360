import json

import pytest
from django.urls import reverse

from ledger.models import Entry
from lifecycle.definitions import TriggerKind
from lifecycle.definitions.event_fields import EVENT_FIELDS, missing_field
from lifecycle.errors import Invalid
from lifecycle.models import Firing, Trigger
from lifecycle.services.event_shapes import SHAPES
from lifecycle.services.observations import observations_of
from lifecycle.services.trigger_definitions import change_trigger, define_trigger
from tests import make

pytestmark = pytest.mark.django_db

RTL = ("\u200f" + "مشغل " + "🚕🍕") * 40
RTL = RTL[:299] + "x"


@pytest.fixture
def trigger():
    return make.trigger(
        kind="drift", name="Inputs drift", condition="event.psi >= params.psi", params={"psi": 0.25},
        cooldown_hours=24,
    )  # fmt: skip


def get(client, user, name, *args):
    client.force_login(user)
    return client.get(reverse(f"lifecycle:{name}", args=args))


def post(client, user, page, *args, headers=None, **values):
    client.force_login(user)
    return client.post(reverse(f"lifecycle:{page}", args=args), values, headers=headers or {})


def sent(**changes):
    """What the form of a trigger sends."""
    values = {
        "name": "Inputs drift", "condition": "event.psi >= params.psi", "params": "psi = 0.3",
        "cooldown_hours": "24", "mode": "ask", "action": "notify", "target_phase": "", "enabled": "on",
    }  # fmt: skip
    return {name: value for name, value in (values | changes).items() if value is not None}


def ask(client, trigger, field, **values):
    """What is said of a field while it is typed."""
    project = trigger.project
    answer = post(
        client, project.created_by, "trigger-check", project.slug, headers={"HX-Trigger-Name": field},
        kind=trigger.kind, **values,
    )  # fmt: skip
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_manager_changes_everything_of_a_trigger(client, trigger):
    changes = sent(
        name="Taxis drift", condition="event.share_drifted > params.share",
        params='share = 0.5\nnote = "x y"',
        cooldown_hours="48", mode="auto", action="reopen_phase", target_phase="P2", enabled=None,
    )  # fmt: skip

    answer = post(client, trigger.project.created_by, "trigger-edit", trigger.pk, **changes)

    assert answer.status_code == 302
    trigger.refresh_from_db()
    assert (trigger.name, trigger.condition) == ("Taxis drift", "event.share_drifted > params.share")
    assert (trigger.params, trigger.cooldown_hours) == ({"share": 0.5, "note": "x y"}, 48)
    assert (trigger.mode, trigger.action, trigger.target_phase, trigger.enabled) == (
        "auto",
        "reopen_phase",
        "P2",
        False,
    )
    assert Entry.objects.order_by("-index").values_list("action", flat=True)[0] == "trigger.changed"


def test_lists_and_objects_among_the_params_stay_as_they_are(client, trigger):
    spec = {"pipeline": {"estimator": "ridge"}}
    Trigger.objects.filter(pk=trigger.pk).update(params={"psi": 0.25, "training": spec})
    assert post(client, trigger.project.created_by, "trigger-edit", trigger.pk, **sent()).status_code == 302
    trigger.refresh_from_db()
    assert trigger.params == {"psi": 0.3, "training": spec}


@pytest.mark.parametrize(("typed", "kept"), [(None, 3), ("", 3), ("2", 2)])
def test_windows_running_stay_as_they_are_unless_others_are_typed(client, trigger, typed, kept):
    Trigger.objects.filter(pk=trigger.pk).update(consecutive=3)
    changes = sent(consecutive=typed)
    assert post(client, trigger.project.created_by, "trigger-edit", trigger.pk, **changes).status_code == 302
    trigger.refresh_from_db()
    assert trigger.consecutive == kept


def test_a_manager_defines_a_trigger_and_lands_on_its_dry_run(client):
    project = make.small_project()
    values = sent(key="X-01", kind="schedule", condition="", params="", schedule="0 6 * * 1", enabled=None)

    answer = post(client, project.created_by, "trigger-new", project.slug, **values)

    made = project.triggers.get(key="X-01")
    assert (made.kind, made.schedule, made.enabled, made.consecutive) == ("schedule", "0 6 * * 1", True, 1)
    assert answer.url == reverse("lifecycle:trigger-dry-run", args=[made.pk])
    assert client.get(answer.url).status_code == 200


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"condition": "event.psi >"}, "column"),
        ({"condition": "metrics.psi > 1.0"}, "Unknown variable “metrics” in column 1"),
        ({"condition": "event.psi > params.limit"}, "There is no “params.limit” in column 13"),
        ({"condition": "event.speed > 1.0"}, "There is no “event.speed” in column 1"),
        ({"params": "psi"}, "Line 1"),
        ({"params": "psi = 1e999"}, "not a finite number"),
        ({"cooldown_hours": "9000"}, "8784"),
        ({"action": "reopen_phase"}, "Say which phase"),
        ({"target_phase": "P9"}, "P9"),
        ({"name": "bell \x07"}, "U+0007"),
        ({"name": "x" * 301}, "300"),
    ],
)
def test_what_cannot_work_comes_back_with_its_place_and_what_was_typed(client, trigger, changes, words):
    before = Entry.objects.count()
    answer = post(client, trigger.project.created_by, "trigger-edit", trigger.pk, **sent(**changes))
    text = answer.content.decode()
    assert answer.status_code == 422
    assert words in text.replace("&quot;", '"').replace("&gt;", ">")
    assert (Entry.objects.count(), Trigger.objects.get(pk=trigger.pk).condition) == (
        before,
        trigger.condition,
    )


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("0 0 30 2 *", "never fires"),
        ("0 6 * *", "five columns"),
        ("61 * * * *", "cannot be read"),
        ("", "cron line"),
    ],
)
def test_a_cron_line_that_never_fires_or_cannot_be_read_is_refused(client, line, words):
    clock = make.trigger(kind="schedule", schedule="0 6 * * 1")
    values = sent(condition="", params="", schedule=line)
    answer = post(client, clock.project.created_by, "trigger-edit", clock.pk, **values)
    assert (answer.status_code, words in answer.content.decode()) == (422, True)
    if line:
        assert words in ask(client, clock, "schedule", schedule=line)


def test_a_time_zone_that_there_is_not_is_refused():
    clock = make.trigger(kind="schedule", schedule="0 6 * * 1")
    with pytest.raises(Invalid) as no:
        change_trigger(trigger=clock, actor=clock.project.created_by, params={"timezone": "Mars/Olympus"})
    assert no.value.where == "params"


def test_a_cron_line_shows_its_next_three_times_in_its_zone(client):
    clock = make.trigger(kind="schedule", schedule="0 6 * * 1", params={"timezone": "Europe/Berlin"})
    text = ask(client, clock, "schedule", schedule="0 12 * * *", params='timezone = "Asia/Tokyo"')
    assert text.count("<time") == 3
    assert text.count("03:00") >= 3
    page = get(client, clock.project.created_by, "trigger-edit", clock.pk).content.decode()
    assert page.split('id="say-schedule"')[1].split("</div>")[0].count("<time") == 3


def test_a_condition_is_checked_while_it_is_typed(client, trigger):
    assert "This can be read" in ask(client, trigger, "condition", condition="event.psi > 1.0")
    assert "column" in ask(client, trigger, "condition", condition="event.psi >")
    assert "event.speed" in ask(client, trigger, "condition", condition="event.speed > 1.0")
    assert "params.psi" in ask(client, trigger, "condition", condition="event.psi > params.psi")
    assert "can be read" in ask(
        client, trigger, "condition", condition="event.psi > params.psi", params="psi = 2"
    )
    assert "event.prediction_psi" in ask(client, trigger, "condition", condition="")


@pytest.mark.parametrize(
    ("condition", "kind", "missing"),
    [
        ("has(event.speed) && event.speed > 1.0", "drift", ""),
        ("event.summary.contains('event.speed')", "drift", ""),
        ("event.drifted.exists(name, name == 'x')", "drift", ""),
        ("event.details.anything == 1", "incident", ""),
        ("event.anything == 1", "incident", "event.anything"),
        ("event.rows > 1", "new_data", "event.rows"),
        ("event.psi > 1.0", "metric", "event.psi"),
        ("event.slices.size() > 1 && event.kpi > 1.0", "metric", ""),
        ("event.version > 1", "change", ""),
        ("event.severity == 'high'", "regulation", "event.severity"),
        ("event.model_age_days > 9 || event.age > 9", "expiry", "event.age"),
        ("event.state == 'accepted' && event.days_late > 3", "handoff", ""),
        ("event.environment == 'test' && event.country == 'IT'", "deployment", "event.country"),
        ("event.due != ''", "manual", "event.due"),
        ("event.features.speed > 1.0", "drift", ""),
        ("has(params.psi) && params.psi > 1.0", "drift", ""),
        ("event.psi > 1.0 && event.nothing", "drift", "event.nothing"),
        ("event.due == '' || event.psi > 1.0", "schedule", "event.psi"),
    ],
)
def test_which_fields_are_missed(condition, kind, missing):
    assert (missing_field(condition, kind, {}) or "").find(missing) >= 0
    assert (missing_field(condition, kind, {}) is None) == (missing == "")


def test_every_kind_of_trigger_knows_its_fields():
    assert set(EVENT_FIELDS) == set(TriggerKind)
    for kind, shape in SHAPES.items():
        assert set(shape.fields) <= EVENT_FIELDS[kind]


def test_what_a_look_at_data_shows_are_fields_of_its_kind():
    run = make.run(
        kind="MON",
        record={
            "metrics": {"rmse": 2.0}, "metrics_reference": {"rmse": 1.0}, "main_metric": "rmse",
            "features": {"speed": {"psi": 0.3}},
        },
    )  # fmt: skip
    seen = observations_of(run)

    assert [each.kind for each in seen] == ["drift", "anomaly", "metric"]
    assert "error_growth" in seen[0].event
    for kind, event in seen:
        assert set(event) <= EVENT_FIELDS[kind]


@pytest.mark.parametrize("kind", TriggerKind)
def test_a_field_that_no_event_of_the_kind_has_is_refused_for_every_kind(kind):
    project = make.small_project()
    before = Entry.objects.count()
    with pytest.raises(Invalid) as no:
        define_trigger(
            project=project, key="X-1", name="Odd", kind=kind, mode="ask", action="notify",
            condition="event.colour == 'red'", schedule="0 6 * * 1" if kind == "schedule" else "",
            actor=project.created_by,
        )  # fmt: skip
    assert (no.value.code, no.value.where) == ("unknown_field", "condition")
    assert "“event.colour” in column 1" in no.value.text
    assert (Entry.objects.count(), project.triggers.filter(key="X-1").exists()) == (before, False)


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../../etc/passwd", "UTC+25", "x" * 300, "🕰️"])
def test_a_time_zone_that_there_is_not_stands_at_its_field(client, zone):
    clock = make.trigger(kind="schedule", schedule="0 6 * * 1")
    values = sent(condition="", params=f"timezone = {json.dumps(zone)}", schedule="0 6 * * 1")

    answer = post(client, clock.project.created_by, "trigger-edit", clock.pk, **values)

    assert answer.status_code == 422
    assert "There is no time zone" in str(answer.context["form"].errors["params"])
    assert Trigger.objects.get(pk=clock.pk).params == {}


def test_every_trigger_of_the_catalogue_may_be_changed_as_it_is():
    project = make.project()
    for each in project.triggers.all():
        assert missing_field(each.condition, each.kind, each.params) is None
        change_trigger(
            trigger=each, actor=project.created_by, condition=each.condition + " ", params={**each.params}
        )


def test_a_name_of_300_characters_from_right_to_left_with_emoji_is_kept_and_shown(client, trigger):
    assert len(RTL) == 300
    manager = trigger.project.created_by
    assert post(client, manager, "trigger-edit", trigger.pk, **sent(name=RTL)).status_code == 302
    trigger.refresh_from_db()
    assert trigger.name == RTL.strip()
    for name, arg in (
        ("trigger-edit", trigger.pk),
        ("trigger-dry-run", trigger.pk),
        ("project-triggers", trigger.project.slug),
    ):
        assert f'dir="auto">{trigger.name}' in get(client, manager, name, arg).content.decode()


# ---- dry runs on the page ----


def window(project, psi):
    return make.run(project, "MON", title="Window", record={"features": {"speed": {"psi": psi}}})


def test_a_dry_run_shows_what_would_have_come_of_past_events(client, trigger):
    window(trigger.project, 0.3)
    window(trigger.project, 0.1)
    page = get(client, trigger.project.created_by, "trigger-dry-run", trigger.pk).content.decode()
    assert "It would have fired once" in page
    assert page.count("Window") == 2


def test_a_draft_is_tried_without_being_saved(client, trigger):
    window(trigger.project, 0.3)
    before = (Entry.objects.count(), Firing.objects.count())

    values = sent(params="psi = 0.9", name="Draft")
    answer = post(client, trigger.project.created_by, "trigger-dry-run", trigger.pk, **values)

    text = answer.content.decode()
    assert answer.status_code == 200
    assert "It would not have fired" in text
    assert "draft, not saved" in text
    assert "psi = 0.9" in text
    assert (Entry.objects.count(), Firing.objects.count()) == before
    assert Trigger.objects.get(pk=trigger.pk).params == {"psi": 0.25}


def test_a_draft_that_cannot_be_read_comes_back_with_its_place(client, trigger):
    answer = post(
        client, trigger.project.created_by, "trigger-dry-run", trigger.pk, **sent(condition="event.psi >")
    )
    assert answer.status_code == 422
    assert "column" in answer.content.decode()


def test_strangers_find_nothing_and_others_than_managers_read_only(client, trigger):
    project = trigger.project
    people = [(make.user(), 404, 404)]
    people += [(make.user(org_role="auditor"), 200, 403), (make.member(project, "contributor"), 200, 403)]
    for person, read, write in people:
        assert get(client, person, "trigger-edit", trigger.pk).status_code == read
        assert get(client, person, "trigger-dry-run", trigger.pk).status_code == read
        assert get(client, person, "trigger-new", project.slug).status_code == write
        for name, arg in (
            ("trigger-edit", trigger.pk), ("trigger-dry-run", trigger.pk), ("trigger-new", project.slug),
            ("trigger-check", project.slug),
        ):  # fmt: skip
            assert post(client, person, name, arg, **sent()).status_code == write
    page = client.get(reverse("lifecycle:trigger-edit", args=[trigger.pk])).content.decode()
    assert 'method="post"' not in page.split("<main")[1]


def test_pages_of_triggers_cost_the_same_for_one_event_and_for_three(
    client, trigger, django_assert_max_num_queries
):
    counts = []
    for number in (1, 3):
        for _again in range(number):
            window(trigger.project, 0.3)
            make.firing(trigger)
        got = []
        for name in ("trigger-edit", "trigger-dry-run"):
            get(client, trigger.project.created_by, name, trigger.pk)
            with django_assert_max_num_queries(25) as seen:
                client.get(reverse(f"lifecycle:{name}", args=[trigger.pk]))
            got.append(len(seen))
        counts.append(got)
    assert counts[0] == counts[1]
