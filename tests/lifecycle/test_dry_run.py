import datetime as dt

import pytest
from django.utils import timezone

from ledger.models import Entry
from lifecycle.errors import Invalid
from lifecycle.models import Firing, Notice, ReportedEvent
from lifecycle.services.dry_run import MOST_EVENTS, dry_run, past_events
from lifecycle.services.observations import observations_of
from lifecycle.services.triggers import fire_manually, handle_event
from tests import make

pytestmark = pytest.mark.django_db

NOW = timezone.now().replace(microsecond=0)


@pytest.fixture
def project():
    return make.small_project()


def ago(**span):
    return NOW - dt.timedelta(**span)


def window(project, psi, **span):
    """A finished monitoring run that saw a feature at this stability index."""
    record = {"verdict": "ok", "features": {"speed": {"psi": psi, "verdict": "ok"}}, "share_drifted": 0.0}
    run = make.run(project, "MON", title=f"Window {psi}", record=record)
    type(run).objects.filter(pk=run.pk).update(finished_at=ago(**span))
    run.refresh_from_db()
    return run


def outcomes(project, condition="event.psi >= params.psi", kind="drift", hours=0, **params):
    """What each event would have come to, the oldest first."""
    found = dry_run(project=project, kind=kind, condition=condition, params=params, cooldown_hours=hours)
    return [each.outcome for each in found][::-1]


def test_monitoring_runs_are_looked_at_as_triggers_saw_them(project):
    runs = [window(project, psi, days=9 - at) for at, psi in enumerate((0.1, 0.3, 0.2))]

    found = dry_run(
        project=project, kind="drift", condition="event.psi >= params.psi", params={"psi": 0.25},
        cooldown_hours=0,
    )  # fmt: skip

    assert [each.outcome for each in found] == ["quiet", "fires", "quiet"]
    assert [each.past.run_id for each in found] == [run.pk for run in runs[::-1]]
    assert found[1].past.event == observations_of(runs[1])[0].event


def test_inside_the_cooldown_of_the_events_own_time_it_is_merged(project):
    for hours in (50, 49, 27, 26, 1):
        window(project, 0.3, hours=hours)

    assert outcomes(project, hours=24, psi=0.2) == ["fires", "merged", "merged", "fires", "fires"]
    assert outcomes(project, hours=25, psi=0.2) == ["fires", "merged", "merged", "merged", "fires"]


def test_what_cannot_be_read_is_shown_with_its_reason_and_counts_for_the_cooldown(project):
    window(project, 0.3, days=2)
    window(project, 0.3, days=1)

    last, first = dry_run(
        project=project, kind="drift", condition="event.speed > 1.0", params={}, cooldown_hours=48
    )

    assert (first.outcome, last.outcome) == ("unreadable", "merged")
    assert first.problem == "the event has no “speed”"


def test_reported_events_and_what_triggers_saw_are_past_events_too_and_count_once(project):
    told = {"severity": "high", "summary": "It stood still"}
    report = ReportedEvent.objects.create(
        project=project, kind="incident", key="i1", event=told, reported_by=project.created_by,
        reported_at=ago(days=3),
    )  # fmt: skip
    trigger = make.trigger(project, kind="incident")
    seen = handle_event(project=project, kind="incident", event=told, event_key=report.event_key)
    handle_event(project=project, kind="incident", event={"severity": "low"}, event_key="elsewhere:1")

    found = dry_run(
        project=project, kind="incident", condition="event.severity == 'high'", params={}, cooldown_hours=0
    )

    assert [each.outcome for each in found] == ["quiet", "fires"]
    assert (found[1].past.at, found[1].past.firing_id) == (report.reported_at, seen[0].pk)
    assert trigger.firings.count() == 2


def test_what_people_fired_by_hand_and_other_projects_are_left_out(project):
    window(make.small_project(), 0.3, days=1)
    fire_manually(
        trigger=make.trigger(project, kind="drift", action="notify"), actor=project.created_by, reason="Now"
    )
    assert past_events(project, "drift") == []


def test_a_dry_run_writes_nothing(project):
    window(project, 0.3, days=1)
    make.trigger(project, kind="drift", mode="auto")
    before = [model.objects.count() for model in (Entry, Firing, Notice)]

    assert outcomes(project, psi=0.1) == ["fires"]

    assert [model.objects.count() for model in (Entry, Firing, Notice)] == before


def test_only_the_last_500_events_are_looked_at(project):
    trigger = make.trigger(project, kind="change")
    Firing.objects.bulk_create(
        Firing(
            trigger=trigger, event_key=f"e{number}", observed={"number": number}, summary="x",
            fired_at=ago(minutes=number),
        )
        for number in range(MOST_EVENTS + 3)
    )  # fmt: skip

    found = dry_run(project=project, kind="change", condition="", params={}, cooldown_hours=0)

    assert len(found) == MOST_EVENTS
    assert (found[0].past.key, found[-1].past.key) == ("e0", f"e{MOST_EVENTS - 1}")


def test_a_condition_that_does_not_parse_is_refused_with_its_place(project):
    with pytest.raises(Invalid, match="column") as no:
        outcomes(project, "event.psi >")
    assert no.value.where == "condition"


def test_it_costs_the_same_for_one_event_and_for_many(project, django_assert_num_queries):
    window(project, 0.3, days=1)
    with django_assert_num_queries(3):
        outcomes(project, psi=0.1)
    for _number in range(4):
        window(project, 0.3, days=1)
    with django_assert_num_queries(3):
        assert len(outcomes(project, psi=0.1)) == 5
